"""What became of a load's lines once its executions ended."""
