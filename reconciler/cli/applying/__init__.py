"""A plan, applied: at once or in waves."""
