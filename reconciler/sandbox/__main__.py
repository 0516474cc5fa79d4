"""The background process behind `endpoint: sandbox:`."""

import argparse
import os
from pathlib import Path

from reconciler.sandbox.server import serve


def main() -> None:
    """Serve a state folder until idle."""
    parser = argparse.ArgumentParser(prog="reconciler.sandbox")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idle", type=float, default=900.0)
    parser.add_argument("--switch", action="append", default=[])
    given = parser.parse_args()
    os.umask(0o077)  # what it keeps may be profiles
    serve(given.state, given.port, switches=dict(s.split("=", 1) for s in given.switch), idle=given.idle)


if __name__ == "__main__":
    main()
