"""One load: its imports, its uploads, its executions, its seal. Exactly once."""
