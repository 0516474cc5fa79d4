"""What of an exception that nothing nearer expected is this machine's doing, and no bug: no space, no memory, too many files. Pure."""

import errno

_HELP = {
    errno.ENOSPC: "free some space, or set TMPDIR to a folder that has more: temporary files lie there",
    errno.EDQUOT: "free some space, or set TMPDIR to a folder that has more: temporary files lie there",
    errno.EFBIG: "allow larger files (`ulimit -f`)",
    errno.EMFILE: "allow more open files (`ulimit -n 1024`)",
    errno.ENFILE: "end programs that hold many files open",
    errno.ENOMEM: "give it more memory, or lower --parallelism",
}
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
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOENT and str(error.strerror).startswith(_NO_FOLDER):
        return "no folder for temporary files can be written", "set TMPDIR to a folder that can be written"
    if error.filename is not None:
        return f"cannot use {error.filename}: {error.strerror}", _HELP.get(error.errno or 0)
    if error.errno in _HELP:
        return f"the system refused what this command needs: {error.strerror}", _HELP[error.errno]
    return None
