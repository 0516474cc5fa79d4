"""A pytest plugin for repositories of specs: their own specs, on an emulator made for them (docs/testing.md)."""
