"""Faults on demand: which request, and what goes wrong. Plain data, set over `/_sandbox/faults`.

    {"method": "POST", "path": "/executions", "after": 2, "times": 1, "do": "drop_after"}

`do`: drop_before, drop_after (the effect), status (with `status`, `body`, `headers`), truncate, error_in_2xx, html, and
delay (by `seconds`, then as usual).
"""

from dataclasses import dataclass, field
from typing import Any

ACTIONS = ("drop_before", "drop_after", "status", "truncate", "error_in_2xx", "html", "delay")


@dataclass(slots=True)
class Fault:
    """One rule; it skips `after` matching requests, then acts on `times` of them."""

    do: str
    method: str = ""
    path: str = ""
    after: int = 0
    times: int = 1
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = 0

    def acts_on(self, method: str, path: str) -> bool:
        """True if it acts on this request; counts it."""
        if (self.method and method != self.method) or self.path not in path:
            return False
        self.seen += 1
        return self.after < self.seen <= self.after + self.times


def read(rows: list[dict[str, Any]]) -> list[Fault]:
    """Faults from plain data.

    Raises:
        ValueError: an unknown action or field.
    """
    try:
        found = [Fault(**row) for row in rows]
    except TypeError as e:
        raise ValueError(str(e)) from None
    if bad := next((f for f in found if f.do not in ACTIONS), None):
        raise ValueError(f"unknown fault {bad.do!r}; known: {', '.join(ACTIONS)}")
    return found
