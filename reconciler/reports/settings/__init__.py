"""Settings with their origins, in each format. Pure."""
