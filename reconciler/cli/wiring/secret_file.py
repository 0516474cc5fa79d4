"""A short text of a file: a token, a key, a URL. Bounded in size and time, whatever the path leads to."""

import os
import select
import time
from pathlib import Path

from reconciler.beneath import open_beneath
from reconciler.errors import ReconcilerError

LONGEST = 64 * 1024  # bytes
PATIENCE_S = 60.0  # for a pipe, as `--token-file <(command)` gives one


def read_secret(path: Path, what: str, root: Path | None = None) -> str:
    """The text of a file, without the end of its last line.

    Args:
        path: of the file; without a root a pipe, too.
        what: is read, for messages.
        root: the file must really lie below it, and be a regular one.

    Raises:
        ReconcilerError: it cannot be read, is no text, or holds more than a secret does.
    """
    try:
        data = _all_of(path) if root is None else _beneath(root, path)
        if len(data) <= LONGEST:
            return data.decode("utf-8").removesuffix("\n").removesuffix("\r")
        why = f"it holds more than {LONGEST // 1024} KiB"
    except OSError as e:
        why = e.strerror or type(e).__name__
    except UnicodeDecodeError:
        why = "not text"
    raise ReconcilerError(f"cannot read the {what} from {path}: {why}")


def _beneath(root: Path, path: Path) -> bytes:
    with open_beneath(root, path) as file:
        return file.read(LONGEST + 1)


def _all_of(path: Path) -> bytes:
    """All bytes of a file or pipe, and not many more than a secret may have.

    Raises:
        OSError: it cannot be opened or read, or nothing came for a minute.
    """
    deadline, data = time.monotonic() + PATIENCE_S, b""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while len(data) <= LONGEST:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise OSError(None, f"nothing came in {PATIENCE_S:g} s")
            if not (block := os.read(descriptor, LONGEST + 1)):
                break
            data += block
    finally:
        os.close(descriptor)
    return data
