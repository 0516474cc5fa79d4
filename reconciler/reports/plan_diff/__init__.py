"""How two plans differ. Pure."""
