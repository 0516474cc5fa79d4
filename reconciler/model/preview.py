"""What one line of a source would do to the profile that it is about."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Preview:
    """What one command would do.

    Attributes:
        stored: the profile now; None if there is none.
        merged: the profile then; None if it is deleted.
    """

    address: str
    path: str
    line: int
    command: dict[str, Any]
    stored: dict[str, Any] | None
    merged: dict[str, Any] | None
