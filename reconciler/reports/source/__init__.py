"""What reading a source shows, in each format. Pure."""
