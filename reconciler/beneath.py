"""One way from a path in the workspace to an open file: beneath a folder, links followed only within it, and regular.

Who writes the files of a workspace may be a stranger (a branch that is checked), so a path is resolved first, must really
lie below the folder, and is opened without following a link again and without waiting: a link that leads out, a named pipe
or a device is an error, never read. Somebody who replaces folders by links *while* this runs is not kept out; who can do
that can write to the workspace already.
"""

import os
import stat
from pathlib import Path
from typing import IO


class NotReadable(OSError):
    """A path that is not opened, with the reason in `strerror`."""

    def __init__(self, reason: str) -> None:
        super().__init__(None, reason)
        self.strerror = reason


class LeadsOutside(NotReadable):
    """A path that really lies outside of the folder."""


def within(folder: str, path: str) -> bool:
    """True if one real path is, or lies below, another."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def real_beneath(root: str | Path, path: str | Path) -> str:
    """Where a path below the root really leads, links followed.

    Raises:
        LeadsOutside: out of the root.
    """
    real = os.path.realpath(os.path.join(root, path))  # noqa: PTH118 - ten thousand of them
    if not within(os.path.realpath(root), real):
        raise LeadsOutside("it leads outside the workspace")
    return real


def open_regular(real: str) -> IO[bytes]:
    """A regular file, open for reading; the path is one with links resolved.

    Raises:
        NotReadable: it is a folder, a pipe, a socket or a device.
        OSError: it cannot be opened.
    """
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotReadable("it is not a regular file")
    return open(descriptor, "rb", buffering=0)  # noqa: PTH123 - a descriptor


def open_beneath(root: str | Path, path: str | Path) -> IO[bytes]:
    """A regular file that really lies below the root, open for reading.

    Raises:
        LeadsOutside: a link leads out of the root.
        NotReadable: it is not a regular file.
        OSError: it cannot be opened.
    """
    return open_regular(real_beneath(root, path))
