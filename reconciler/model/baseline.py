"""How an apply left the platform: what later changes are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Left:
    """One resource as an apply left it, or found it where nothing was to be done.

    Attributes:
        address: its address; of what no spec declares, a name with its id.
        identity: what it is on the platform, whatever its address; None where that is not known.
        shape: its fields as far as they are known; None where it was not there.
        at: when that was, in seconds since 1970.
    """

    address: str
    identity: str | None
    shape: Mapping[str, Any] | None
    at: float = 0.0

    @property
    def unknown(self) -> bool:
        """True if a write of an apply may or may not have reached it: nothing is concluded from how it is now."""
        return self.identity is None and self.shape == {}


@dataclass(frozen=True, slots=True)
class Baseline:
    """All that applies left.

    Attributes:
        since: when the newest of them was, in seconds since 1970; None where none is on record.
        rows: by address.
        datamarts: ids of those whose activations an apply saw, all of them, whatever the specs declare.
    """

    since: float | None = None
    rows: Mapping[str, Left] = field(default_factory=dict)
    datamarts: frozenset[str] = frozenset()
