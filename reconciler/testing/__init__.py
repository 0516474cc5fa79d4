"""A pytest plugin for repositories of specs: their own specs, on a sandbox made for them (docs/testing.md)."""
