"""Where a source's bytes are, and how they become whole records."""
