"""One file per command: how it is called, and what it does. Loaded when it is called."""
