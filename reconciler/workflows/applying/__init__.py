"""What `apply` and `rollout` are made of: what they are handed, the actions of a plan, and what their outcomes come to."""
