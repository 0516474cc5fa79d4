"""The control plane's I/O half: observe the remote, run a plan's actions in order, make single changes."""
