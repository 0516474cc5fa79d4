"""Config-as-code reconciler for mediarithmics."""

__version__ = "0.1.0"
