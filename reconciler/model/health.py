"""What `doctor` looked at, and how it stands."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How one thing stands. SKIPPED: it could not be asked, because of something else that is named."""

    GOOD = "good"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: of it, one word or two.
        message: what was seen; never a secret.
        help: what to do; there for every failure.
    """

    name: str
    health: Health
    message: str
    help: str | None = None


def good(name: str, message: str) -> Check:
    """Nothing to do."""
    return Check(name, Health.GOOD, message)


def warned(name: str, message: str, todo: str) -> Check:
    """It works, and something should be done."""
    return Check(name, Health.WARNING, message, todo)


def failed(name: str, message: str, todo: str) -> Check:
    """It does not work."""
    return Check(name, Health.FAILED, message, todo)


def skipped(name: str, message: str) -> Check:
    """It could not be asked."""
    return Check(name, Health.SKIPPED, message)
