"""Composition root: the real clock, token, client, pools, ledger and lock. Everything below takes them as arguments."""
