"""Pure: desired and observed state -> plan. No network, database, clock or randomness."""
