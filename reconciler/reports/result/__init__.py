"""The outcome of an apply, in each format. Pure."""
