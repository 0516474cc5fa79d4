"""Error -> exit code, in one table (design 4)."""

from reconciler.errors import LockHeld, ReconcilerError, Refused, UsageError

DONE, FAILED, CHANGES, PARTLY, REFUSED, LOCKED, USAGE, INTERRUPTED, TERMINATED = (
    0,
    1,
    2,
    3,
    4,
    5,
    64,
    130,
    143,
)

_TABLE: tuple[tuple[type[ReconcilerError], int], ...] = (
    (UsageError, USAGE),
    (LockHeld, LOCKED),
    (Refused, REFUSED),
)


def of(error: ReconcilerError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _TABLE if isinstance(error, kind)), FAILED)
