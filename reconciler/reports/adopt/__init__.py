"""What `adopt` found and wrote."""
