"""A short text of a file: a token, a key, a URL. Bounded in size and time, whatever the path leads to."""

from pathlib import Path

from reconciler.beneath import open_beneath
from reconciler.cli.wiring.given_file import read_given
from reconciler.errors import ReconcilerError

LONGEST = 64 * 1024  # bytes


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
        data = read_given(path, LONGEST) if root is None else _beneath(root, path)
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
