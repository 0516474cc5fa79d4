"""The data plane: sources -> lines -> chunks -> uploads -> finished executions, each exactly once."""
