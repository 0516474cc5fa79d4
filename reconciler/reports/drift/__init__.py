"""What moved on the platform, in each format. Pure."""
