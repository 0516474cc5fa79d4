"""Specs after overlays and sets, in each format. Pure."""
