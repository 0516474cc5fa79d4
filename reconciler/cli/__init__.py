"""Typer: parses, wires, prints, exits. The only package that does any of the four."""
