"""What we did; survives a crash. Evidence, cache and lock, never the only memory (G5)."""
