"""What `doctor` saw, in each format. Pure."""
