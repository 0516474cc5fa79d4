"""Files that a command writes because a flag names them: `-` is stdout, links are followed, devices and pipes are written into."""

import errno
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli.output.console import data
from reconciler.errors import DiskFailed, UsageError
from reconciler.whole_file import write_whole

MOST_OF_A_PLAN = 1_000_000_000  # bytes
READER_S = 15.0  # for a pipe
_FIRST = 65_536  # bytes: enough of a file to see what it is


def is_stdout(path: Path) -> bool:
    """True for `-`, and for a path that is what stdout writes into."""
    if str(path) == "-":
        return True
    try:
        there, own = path.stat(), os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    # Where everything goes to /dev/null, it does not matter who is asked to write there.
    return os.path.samestat(there, own)


def check_plan_file(path: Path) -> None:
    """Find out before the work whether a plan may be saved here.

    Raises:
        DiskFailed: something is there that is not a plan, or nothing can be there.
    """
    if str(path) == "-":
        return
    with _named(path):
        found = _mode(path)
        if found is None:
            if not path.resolve().parent.is_dir():
                raise DiskFailed(
                    f"cannot write {path}: its folder does not exist",
                    help="create the folder, or name a file in another one",
                )
        elif stat.S_ISDIR(found):
            raise DiskFailed(f"cannot write {path}: it is a folder", help="name a file")
        elif stat.S_ISREG(found) and not is_stdout(path) and not _is_plan(path):
            raise DiskFailed(
                f"{path} exists and is not a saved plan; it is not overwritten",
                help="name another file, or remove this one first",
            )


def write_plan_file(path: Path, text: str) -> None:
    """Write a plan; a regular file has it wholly or not at all, and keeps its mode.

    Raises:
        DiskFailed: the path cannot be written, or holds something else.
    """
    check_plan_file(path)
    if is_stdout(path):
        data(text)
        return
    with _named(path):
        found = _mode(path)
        if found is not None and not stat.S_ISREG(found):
            descriptor = _open_there(path, os.O_WRONLY)
            try:
                write_all(descriptor, text.encode())
            finally:
                os.close(descriptor)
        else:
            write_whole(path.resolve(), text.encode())


def open_to_append(path: Path, what: str = "events") -> int:
    """A descriptor for lines of JSON, which go behind those that are in the file; `what` they are, for messages.

    Raises:
        DiskFailed: the path cannot be written, or holds something that is not lines of JSON.
    """
    if is_stdout(path):
        return os.dup(sys.stdout.fileno())
    with _named(path):
        found = _mode(path)
        if found is not None and stat.S_ISREG(found) and not _is_events(path):
            raise DiskFailed(
                f"{path} exists and does not hold {what}; nothing is appended to it",
                help="name another file, or remove this one first",
            )
        return _open_there(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@contextmanager
def new_private_lines(path: Path | None) -> Iterator[Callable[[str], None] | None]:
    """A new file that only its owner can read, for lines with their contents (G9).

    Raises:
        DiskFailed: a file is there already, or the path or a line cannot be written.
    """
    if path is None:
        yield None
        return
    descriptor = os.dup(sys.stdout.fileno()) if is_stdout(path) else _new_private(path)

    def line(text: str) -> None:
        try:
            write_all(descriptor, text.encode("utf-8", "backslashreplace") + b"\n")
        except OSError as e:
            raise DiskFailed.of("write", path, e) from None

    try:
        yield line
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write everything, however little the system takes at once."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _new_private(path: Path) -> int:
    with _named(path, "name a file that does not exist yet"):
        found = _mode(path)
        if found is not None and not stat.S_ISREG(found):
            return _open_there(path, os.O_WRONLY)
        return os.open(path.resolve(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _open_there(path: Path, flags: int) -> int:
    """A descriptor to write by; a pipe is waited for until somebody reads it, and not for ever.

    Raises:
        OSError: it cannot be opened, or no program reads the pipe.
    """
    deadline = time.monotonic() + READER_S
    while True:
        try:
            descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
        except OSError as e:
            if e.errno != errno.ENXIO or not stat.S_ISFIFO(_mode(path) or 0):
                raise
            if time.monotonic() > deadline:
                raise OSError(e.errno, f"no program reads this pipe within {READER_S:g} s") from None
            time.sleep(0.05)
            continue
        os.set_blocking(descriptor, True)
        return descriptor


def _mode(path: Path) -> int | None:
    """What is at the end of the path's links; None if nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _is_plan(path: Path) -> bool:
    with path.open("rb") as file:
        content = file.read(_FIRST)
        if content.lstrip()[:1] == b"{" and path.stat().st_size <= MOST_OF_A_PLAN:
            content += file.read()
    if not content:
        return True
    try:
        read = json.loads(content)
    except ValueError:
        return False
    return isinstance(read, dict) and "format_version" in read and "plan_digest" in read


def _is_events(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(_FIRST)
    try:
        return not first or isinstance(json.loads(first), dict)
    except ValueError:
        return False


@contextmanager
def _named(path: Path, then: str | None = None) -> Iterator[None]:
    """What the system refuses names the path."""
    try:
        yield
    except OSError as e:
        why = "File exists" if e.errno == errno.EEXIST else e.strerror or str(e)
        raise DiskFailed(
            f"cannot write {path}: {why}", help=then if e.errno == errno.EEXIST else None
        ) from None
    except ValueError as e:  # a NUL in the path
        raise UsageError(f"cannot write {str(path)!r}: {e}") from None
