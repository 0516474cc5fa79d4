"""What only the disk of a workspace can tell, and what is cached about it."""
