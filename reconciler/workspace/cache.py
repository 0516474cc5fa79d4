"""What is kept to save work: written whole or not at all, and never inherited by other code.

It lies in the user's own cache folder, never in the workspace: whoever writes a branch could put it there. With `CI` set
nothing is kept, since the folder may be carried from one job to the next, and jobs are not all of one author.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler import __file__ as package
from reconciler import __version__
from reconciler.beneath import open_regular, within
from reconciler.errors import DiskFailed
from reconciler.private_folder import private_file, private_folder

_FORMAT = 1
# The coarsest clock of a file system in use (FAT) ticks every two seconds.
TICK_NS = 2_000_000_000


def cache_folder(root: Path, environ: Mapping[str, str]) -> Path | None:
    """Where what is kept about one workspace lies, by its real path; None where nothing is to be kept."""
    if environ.get("CI", "").lower() not in ("", "0", "false"):
        return None
    given = environ.get("XDG_CACHE_HOME", "")
    home = given if os.path.isabs(given) else os.path.expanduser("~/.cache")  # noqa: PTH111, PTH117 - a fast start
    if not os.path.isabs(home):  # noqa: PTH117
        return None
    real = os.path.realpath(root)
    name = hashlib.sha256(real.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    folder = Path(home, "reconciler", name)
    return None if within(real, os.path.realpath(folder)) else folder


def kept_file(folder: Path, name: str) -> bytes:
    """What a file of the cache holds.

    Raises:
        OSError: there is none.
        DiskFailed: the folder is not this user's own.
    """
    if not os.path.lexists(folder):
        raise FileNotFoundError(folder)
    private_folder(folder)
    with open_regular(os.path.join(folder, name)) as file:  # noqa: PTH118 - a fast start
        if os.fstat(file.fileno()).st_uid != os.geteuid():
            raise PermissionError(folder)
        return file.read()


def clock_of(path: Path) -> int:
    """The time of the file system that a path of the cache is on, in nanoseconds; -1 where nothing can be written."""
    try:
        private_folder(path.parent)
        with private_file(path.with_suffix(".now"), os.O_CREAT | os.O_TRUNC) as marker:
            os.utime(marker.fileno())
            return os.fstat(marker.fileno()).st_mtime_ns
    except (OSError, DiskFailed):
        return -1


def code_digest(folders: Sequence[str], libraries: Sequence[str] = ()) -> str:
    """This tool's version, the state of its own code and of libraries: an upgrade of either must not inherit anything.

    Modules outside of all packages count always.

    Args:
        folders: of this tool's code, with all that is below them.
        libraries: distributions whose versions count; one that is not installed counts as such.
    """
    home = os.fspath(Path(package).parent)
    parts = [f"{_FORMAT} {__version__}", *(f"{name} {_version(name)}" for name in libraries)]
    parts += sorted(_states(home, deep=False))
    for folder in folders:
        parts += sorted(_states(f"{home}/{folder}"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _states(folder: str, *, deep: bool = True) -> Iterator[str]:
    """Name, size and time of every file in a folder of code, and of all below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if deep and entry.name != "__pycache__":
                    yield from _states(entry.path)
            else:
                found = entry.stat()
                yield f"{entry.path} {found.st_size} {found.st_mtime_ns}"


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""
