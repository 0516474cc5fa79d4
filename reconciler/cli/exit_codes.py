"""Error -> exit code, in one table (design 4)."""

import signal

from reconciler.errors import Interrupted, LockHeld, ReconcilerError, Refused, UsageError

DONE, FAILED, CHANGES, PARTLY, REFUSED, LOCKED, USAGE, HUNG_UP, INTERRUPTED, TERMINATED = (
    0,
    1,
    2,
    3,
    4,
    5,
    64,
    129,
    130,
    143,
)

BY_SIGNAL: dict[int, int] = {
    signal.SIGHUP: HUNG_UP,
    signal.SIGINT: INTERRUPTED,
    signal.SIGTERM: TERMINATED,
}
MEANINGS = {
    DONE: "Done; or nothing to do; or changes exist and --detailed-exitcode was not given.",
    FAILED: "Failed: findings, a failed read, an API or configuration error, a refused approval; 401 before anything was written.",
    CHANGES: "Only with --detailed-exitcode: changes, or drift, exist.",
    PARTLY: "Applied in part: something failed, is unknown, partial or was skipped; it is safe to run again.",
    REFUSED: "Refused: a guard, too many rejected rows, a stale or foreign plan, a protected object. Nothing was written.",
    LOCKED: "Another run holds the lock.",
    USAGE: "Usage error: a command, a flag or its value.",
    HUNG_UP: "Ended by SIGHUP, as when its terminal was closed; the state is saved.",
    INTERRUPTED: "Interrupted with Ctrl-C; the state is saved.",
    TERMINATED: "Ended by SIGTERM; the state is saved.",
}

_TABLE: tuple[tuple[type[ReconcilerError], int], ...] = (
    (UsageError, USAGE),
    (LockHeld, LOCKED),
    (Refused, REFUSED),
    (Interrupted, INTERRUPTED),
)


def of(error: ReconcilerError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _TABLE if isinstance(error, kind)), FAILED)
