"""Files of rejected rows that a flag asked for, noted so that they can be found again: they hold profile data, wherever they lie.

Notes lie in the user's own cache folder: what a branch brings along names no file that `clean` would remove.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from reconciler.beneath import open_regular
from reconciler.errors import DiskFailed
from reconciler.private_folder import private_folder, replace_file
from reconciler.workspace.cache import kept_file

_PREFIX = "rejects-"
_FIRST = 1 << 16  # bytes: enough for all that comes before the row's contents
_ROW = re.compile(
    rb'\{"path":".+"code":"[a-z-]+","reason":".+"data":', re.DOTALL
)  # `source_scans.with_contents`


def note(path: Path, folder: Path) -> None:
    """Remember where rejected rows were written; that this cannot be done is no error.

    Args:
        path: of the file.
        folder: the workspace's folder in the user's cache.
    """
    real = os.path.realpath(path)
    name = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    with suppress(OSError, DiskFailed):
        private_folder(folder)
        replace_file(folder / f"{_PREFIX}{name}.json", json.dumps({"path": real}).encode())
        for old in folder.glob(f"{_PREFIX}*.json"):
            if not os.path.lexists(_named(folder, old.name)):
                old.unlink(missing_ok=True)


def noted(folder: Path) -> Iterator[Path]:
    """Files of rejected rows that are still there."""
    with suppress(OSError, DiskFailed):
        for found in sorted(folder.glob(f"{_PREFIX}*.json")):
            named = _named(folder, found.name)
            if named and holds_rejected_rows(Path(named)):
                yield Path(named)


def holds_rejected_rows(path: Path) -> bool:
    """True if this user's file begins with a rejected row: another file may be there by now."""
    try:
        with open_regular(str(path)) as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return False
            return _ROW.match(file.readline(_FIRST)) is not None
    except OSError:
        return False


def _named(folder: Path, note: str) -> str:
    """The path in a note; empty where it cannot be read."""
    with suppress(OSError, DiskFailed, ValueError, KeyError, TypeError):
        return str(json.loads(kept_file(folder, note))["path"])
    return ""
