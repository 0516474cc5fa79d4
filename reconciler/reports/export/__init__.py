"""What `export` wrote."""
