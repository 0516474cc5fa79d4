"""What was sent before, kept as keyed digests, and what is new since (design 11)."""
