"""Where a rollout is, in each format. Pure."""
