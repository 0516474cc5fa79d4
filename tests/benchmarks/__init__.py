"""Measurements on demand, each against a peer or a limit in the same run: `python -m tests.benchmarks` runs all."""

import os

# Commands are timed as installed: a package has its bytecode beside it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
