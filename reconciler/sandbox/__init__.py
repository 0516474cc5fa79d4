"""An emulator of the platform: an independent witness that shares vocabulary with the product, and no logic."""
