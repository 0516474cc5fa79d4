"""What of an exception that nothing nearer expected is this machine's doing, and no bug: no space, no memory, too many files. Pure."""

import errno
import os

_HELP = {
    errno.ENOSPC: "free some space, or set TMPDIR to a folder that has more: temporary files lie there",
    errno.EDQUOT: "free some space, or set TMPDIR to a folder that has more: temporary files lie there",
    errno.EFBIG: "allow larger files (`ulimit -f`)",
    errno.EMFILE: "allow more open files (`ulimit -n 1024`)",
    errno.ENFILE: "end programs that hold many files open",
    errno.ENOMEM: "give it more memory, or lower --parallelism",
    errno.EAGAIN: "allow more processes (`ulimit -u`), or end some",
    errno.EIO: "look at the disk, and at what the system's log says of it",
    errno.ESTALE: "the file system was mounted again, or its server restarted: run the same command again",
    errno.EROFS: "the file system is mounted for reading only: mount it for writing, or use another folder",
}
# What only this program's own use of a call can cause: a bug, whatever the machine does.
_OURS = frozenset({errno.EBADF, errno.EFAULT, errno.ENOTSOCK, errno.EDESTADDRREQ, errno.EPROTOTYPE})
_NO_FOLDER = "No usable temporary directory"


def refusal(error: BaseException) -> tuple[str, str | None] | None:
    """What the machine refused and what to do about it; None where the exception is a bug.

    The words are those of the system for a number, or our own: an exception's other words may quote data.
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory", _HELP[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return (
            "the system starts no further thread",
            "allow more memory or processes (`ulimit -v`, `ulimit -u`)",
        )
    if isinstance(error, RuntimeError) and str(error).startswith(
        "Symlink loop"
    ):  # of pathlib, until Python 3.13
        return "a link leads to itself", "remove the link, or name another path"
    # By name: where files cannot be opened, nothing can be imported.
    if isinstance(error, EOFError) or any(c.__name__ == "BrokenExecutor" for c in type(error).__mro__):
        return "a process that this command began ended at once, or was killed", _HELP[errno.ENOMEM]
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOENT and str(error.strerror).startswith(_NO_FOLDER):
        return "no folder for temporary files can be written", "set TMPDIR to a folder that can be written"
    if error.filename is not None:
        return f"cannot use {_path(error.filename)}: {error.strerror}", _HELP.get(error.errno or 0)
    if error.errno is None or error.errno in _OURS:
        return None
    return f"the system refused what this command needs: {error.strerror}", _HELP.get(error.errno)


def _path(name: str | bytes | int) -> str:
    """As it is shown; a file may be named by bytes, or by its descriptor alone."""
    return os.fsdecode(name) if isinstance(name, bytes) else str(name)
