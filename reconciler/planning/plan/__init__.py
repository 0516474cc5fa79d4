"""The plan as a whole: its document, guards, waves, coverage. Pure."""
