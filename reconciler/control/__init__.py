"""The control plane's I/O half: observe the platform, run a plan's actions in order, make single changes."""
