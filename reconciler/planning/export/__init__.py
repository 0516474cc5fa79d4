"""What exists on the platform -> what specs would declare it. Pure."""
