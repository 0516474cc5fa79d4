"""Sent indexes as text and JSON."""
