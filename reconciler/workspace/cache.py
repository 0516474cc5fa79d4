"""What is kept below `.reconciler/` to save work: written whole or not at all, and never inherited by other code."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from reconciler import __file__ as package
from reconciler import __version__
from reconciler.errors import DiskFailed
from reconciler.private_folder import private_file, private_folder

_FORMAT = 1
# The coarsest clock of a file system in use (FAT) ticks every two seconds.
TICK_NS = 2_000_000_000


def clock_of(path: Path) -> int:
    """The time of the file system that a path below `.reconciler/` is on, in nanoseconds; -1 where nothing can be written."""
    try:
        private_folder(path.parent)
        with private_file(path.with_suffix(".now"), os.O_CREAT | os.O_TRUNC) as marker:
            os.utime(marker.fileno())
            return os.fstat(marker.fileno()).st_mtime_ns
    except (OSError, DiskFailed):
        return -1


def code_digest(folders: Sequence[str]) -> str:
    """This tool's version and the state of its own code: an upgrade in place must not inherit anything."""
    home = Path(package).parent
    parts = [f"{_FORMAT} {__version__}"]
    for folder in folders:
        with os.scandir(home / folder) as entries:
            parts += sorted(
                f"{e.name} {(s := e.stat()).st_size} {s.st_mtime_ns}" for e in entries if e.is_file()
            )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
