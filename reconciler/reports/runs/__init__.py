"""Runs of the ledger, in each format. Pure."""
