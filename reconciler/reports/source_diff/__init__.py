"""What a load would change for some identities of its source. Pure."""
