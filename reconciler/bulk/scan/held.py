"""Folders of profile data that are in use: each holds a file that is locked by whoever writes or reads the folder.

The kernel ends the lock with its process, so what nobody holds was left behind. Process numbers would not tell: they are used
again, and mean another process in another container that shares the folder. Where the file system has no locks, nobody can
hold and nobody can remove: everything there counts as in use.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from reconciler.errors import DiskFailed

NAME = "in-use"  # of the file, in each such folder
NO_LOCKS = "this file system has no locks, so nothing can tell whether the folder is in use"
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_LIMIT = 10_000
Flock = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Owner:
    """For what a folder was filled: what lies in it may be sent there and nowhere else."""

    endpoint: str = ""
    organisation_id: str = ""
    environment: str | None = None


class Use(StrEnum):
    """Whether somebody holds a folder."""

    FREE = "free"
    HELD = "held"
    UNTOLD = "untold"  # the file system has no locks


class Holds:
    """What this process holds."""

    def __init__(self, flock: Flock = fcntl.flock) -> None:
        self._flock = flock
        self._handles: dict[Path, int] = {}

    def write(self, folder: Path, owner: Owner) -> bool:
        """Hold a new folder alone; False if it was removed by somebody who found it held by nobody.

        Raises:
            DiskFailed: the file cannot be made.
        """
        try:
            handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return False
        except OSError as e:
            raise DiskFailed.of("write", folder / NAME, e) from None
        if self._lock(handle, fcntl.LOCK_EX) is Use.HELD or not _is(folder / NAME, handle):
            os.close(handle)
            return False
        os.write(handle, msgspec.json.encode(asdict(owner)))
        self._handles[folder] = handle
        return True

    def read(self, folder: Path) -> bool:
        """Hold a folder together with others that read it; False if it is being removed, or gone."""
        if folder in self._handles:
            return True
        try:
            handle = os.open(folder / NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return folder.exists()
        if self._lock(handle, fcntl.LOCK_SH) is Use.HELD or not _is(folder / NAME, handle):
            os.close(handle)
            return False
        self._handles[folder] = handle
        return True

    def moved(self, old: Path, new: Path) -> None:
        """Note that a folder has another name now, and that others may read it."""
        if (handle := self._handles.pop(old, None)) is not None:
            self._lock(handle, fcntl.LOCK_SH)
            self._handles[new] = handle

    def release(self, folder: Path) -> None:
        """Hold it no longer."""
        if (handle := self._handles.pop(folder, None)) is not None:
            os.close(handle)

    def use(self, folder: Path) -> Use:
        """Whether somebody holds a folder; this process counts."""
        if folder in self._handles:
            return Use.HELD
        try:
            handle = os.open(folder / NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return Use.FREE
        except OSError:
            return Use.UNTOLD
        try:
            return self._lock(handle, fcntl.LOCK_EX)
        finally:
            os.close(handle)

    def alone(self, folder: Path, act: Callable[[Path], None]) -> Use:
        """Do something with a folder that nobody holds, and tell whether that was so."""
        if folder in self._handles:
            return Use.HELD
        try:
            handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            return Use.UNTOLD
        try:
            found = self._lock(handle, fcntl.LOCK_EX)
            if found is Use.FREE:
                act(folder)
            return found
        finally:
            os.close(handle)

    def _lock(self, handle: int, kind: int) -> Use:
        try:
            self._flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return Use.HELD
        except OSError as e:
            if e.errno not in _NO_LOCKS:
                raise
            return Use.UNTOLD
        return Use.FREE


def owner_of(folder: Path) -> Owner | None:
    """For what a folder was filled; None if that cannot be read."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return msgspec.json.decode(os.read(handle, _LIMIT), type=Owner)
        finally:
            os.close(handle)
    except (OSError, msgspec.DecodeError):
        return None


def _is(path: Path, handle: int) -> bool:
    """True if a path still is the file that was opened."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False
