"""Compartments and activations: desired and observed -> changes. Pure."""
