"""What `clean` found on disk, in each format. Pure."""
