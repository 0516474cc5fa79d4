"""The platform, imitated on this machine: an independent witness that shares vocabulary with the product, and no logic."""
