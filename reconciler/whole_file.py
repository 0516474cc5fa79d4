"""Files that are written whole or not at all: nobody sees half of one, and nothing is left beside it where that fails."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through one beside it; a file that is there keeps its mode.

    Args:
        path: of the file, with links resolved.
        content: all of it.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.reconciler-part")
    try:
        temporary.write_bytes(content)
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
