"""Saved plans."""

from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.model.plan import Plan


def read(file: Path) -> "Plan":
    """A saved plan.

    Raises:
        ReconcilerError: it cannot be read.
    """
    from reconciler.planning.plan.document import decode

    try:
        return decode(file.read_bytes(), str(file))
    except OSError as e:
        raise ReconcilerError(f"cannot read the plan {file}: {e.strerror}") from None
