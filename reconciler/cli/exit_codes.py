"""Error, signal -> exit code, each in one table, and what the codes mean (design 4)."""

import signal

from reconciler.errors import Interrupted, LockHeld, ReconcilerError, Refused, UsageError
from reconciler.model.exit_code import Exit

BY_SIGNAL: dict[int, int] = {
    signal.SIGHUP: Exit.HUNG_UP,
    signal.SIGINT: Exit.INTERRUPTED,
    signal.SIGTERM: Exit.TERMINATED,
}
MEANINGS: dict[int, str] = {
    Exit.DONE: "Done; or nothing to do; or changes exist and --detailed-exitcode was not given.",
    Exit.FAILED: "Failed: findings, a failed read, an API or configuration error, a refused approval; 401 before anything was written.",
    Exit.CHANGES: "Only with --detailed-exitcode: changes, or drift, exist.",
    Exit.PARTLY: "Applied in part: something failed, is unknown, partial or was skipped; it is safe to run again.",
    Exit.REFUSED: "Refused: a guard, too many rejected rows, a stale or foreign plan, a protected object. Nothing was written.",
    Exit.LOCKED: "Another run holds the lock.",
    Exit.USAGE: "Usage error: a command, a flag or its value.",
    Exit.HUNG_UP: "Ended by SIGHUP, as when its terminal was closed; the state is saved.",
    Exit.INTERRUPTED: "Interrupted with Ctrl-C; the state is saved.",
    Exit.TERMINATED: "Ended by SIGTERM; the state is saved.",
}

_TABLE: tuple[tuple[type[ReconcilerError], int], ...] = (
    (UsageError, Exit.USAGE),
    (LockHeld, Exit.LOCKED),
    (Refused, Exit.REFUSED),
    (Interrupted, Exit.INTERRUPTED),
)


def of(error: ReconcilerError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _TABLE if isinstance(error, kind)), Exit.FAILED)
