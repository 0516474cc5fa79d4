"""The one place that makes private folders and files: `.reconciler/`, `.sandbox/`, and the folder of machine-wide locks.

A private folder is 0700 and a private file 0600, both belong to the user who runs this, and neither is a link: what others
may have put there is refused, not followed. What lies below `.reconciler/` and `.sandbox/` is never offered to git.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from reconciler.errors import DiskFailed

NAMES = (".reconciler", ".sandbox")  # folders of this tool inside a workspace
_FOLDER, _FILE = 0o700, 0o600


def private_folder(path: Path) -> Path:
    """Make a private folder, or check that the one that is there is private; gives it back.

    Of a path through `.reconciler` or `.sandbox` every folder from there on is made and checked, and git is told to ignore
    them; of any other path the last folder is, and the folders above it are made where they are missing.

    Raises:
        DiskFailed: it cannot be made, is a link, is no folder, or belongs to somebody else.
    """
    own = _own(path)
    below = own or [path]
    try:
        below[-1].parent.mkdir(parents=True, exist_ok=True)
        for folder in reversed(below):
            _one(folder)
    except OSError as e:
        raise DiskFailed.of("make the folder", path, e) from None
    if own:
        _ignored(own[-1])
    return path


def _own(path: Path) -> list[Path]:
    """The path and the folders above it, up to this tool's own one; none where it does not lead through one."""
    every = [path, *path.parents]
    top = next((n for n, p in enumerate(every) if p.name in NAMES), None)
    return [] if top is None else every[: top + 1]


def make_folder(path: Path) -> Path:
    """Make a folder that the user may have named: a private one where it is this tool's own, else as it is.

    Raises:
        DiskFailed: it cannot be made, or is this tool's own and not private.
    """
    if _own(path):
        return private_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise DiskFailed.of("make the folder", path, e) from None
    return path


def _one(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(_FOLDER)
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode) or not stat.S_ISDIR(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "not a folder"
        raise DiskFailed(
            f"{folder} is {kind}; a private folder of reconciler has to be there",
            help="see what put it there, and move it away",
        )
    _owned(folder, found)
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(_FOLDER)


def _owned(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise DiskFailed(
            f"{path} belongs to user {found.st_uid}, and this runs as user {os.geteuid()}",
            help="run as that user, or move it away; what it holds can be made again",
        )


def _ignored(own: Path) -> None:
    with_suffix = own / ".gitignore"
    try:
        os.close(os.open(with_suffix, os.O_RDONLY | os.O_NOFOLLOW))
    except FileNotFoundError:
        replace_file(with_suffix, b"*\n")
    except OSError as e:
        raise DiskFailed.of("read", with_suffix, e) from None


@contextmanager
def private_file(path: Path, flags: int = os.O_CREAT | os.O_EXCL) -> Iterator[IO[bytes]]:
    """A private file, open for writing.

    Args:
        path: in a folder that is there.
        flags: of `os.open`, beside those for writing; a new file by default.

    Raises:
        DiskFailed: it cannot be opened, or belongs to somebody else.
    """
    try:
        file = open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | flags, _FILE), "wb")  # noqa: PTH123, SIM115 - a descriptor, closed below
    except OSError as e:
        raise DiskFailed.of("write", path, e) from None
    with file:
        found = os.fstat(file.fileno())
        _owned(path, found)
        if stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(file.fileno(), _FILE)
        yield file


def replace_file(path: Path, content: bytes) -> None:
    """Write a private file whole or not at all.

    Raises:
        DiskFailed: it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)  # of a process that is gone and had this number
        with private_file(temporary) as file:
            file.write(content)
        temporary.replace(path)
    except OSError as e:
        raise DiskFailed.of("write", path, e) from None


def leads_straight(path: Path) -> bool:
    """True if a path in this tool's own folders leads through folders of this user and no link; of another path it is not asked.

    What is removed is looked for there alone: a link that came with a branch must not lead to what is not this tool's.
    """
    for part in _own(path):
        try:
            found = part.lstat()
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            return False
    return True


def own_file(path: Path, *, written: bool = False) -> None:
    """Check that a file of this tool's own folders, if it is there, is a regular one and no link; of another path nothing.

    It is not opened: who holds locks on it would lose them as soon as that is closed.

    Args:
        path: the file.
        written: it belongs to this user, too, and is private.

    Raises:
        DiskFailed: it is something else.
    """
    if not any(p.name in NAMES for p in path.parents):
        return
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as e:
        raise DiskFailed.of("read", path, e) from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "not a file"
        raise DiskFailed(
            f"{path} is {kind}; a private file of reconciler has to be there",
            help="see what put it there, and move it away",
        )
    if written:
        _owned(path, found)
        if stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(_FILE)


def not_usable(path: Path) -> str | None:
    """Why no file could be written in a folder, made where it is missing; None if one could. Writes nothing."""
    here = path
    while not os.path.lexists(here) and here != here.parent:
        here = here.parent
    try:
        if not stat.S_ISDIR(here.stat().st_mode):
            return f"{here} is not a folder"
    except OSError as e:
        return f"{here}: {e.strerror}"
    return None if os.access(here, os.W_OK | os.X_OK) else f"{here} may not be written by this user"
