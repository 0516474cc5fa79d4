"""One stored profile merged with one command. Pure."""
