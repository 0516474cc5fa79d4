"""Names of the fields that rows have, kept where a name of the spec is in none of them, to say which one is meant. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.kinds.nearest import closest

COMPARED = 1000  # names that a misspelt one is compared with
LOOKED_AT = 100  # rows of a segment whose names are kept


class PresentNames:
    """Of the first rows of one segment; names within objects follow the name of the object and a dot.

    Attributes:
        names: each once, at most as many as are compared.
    """

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self._rows = 0

    @property
    def wanted(self) -> bool:
        """Whether names of more rows are kept."""
        return self._rows < LOOKED_AT and len(self.names) < COMPARED

    def look(self, record: Mapping[str, Any]) -> None:
        """One row; costs nothing after the first rows."""
        if self.wanted:
            self._rows += 1
            for name in _names(record):
                if len(self.names) >= COMPARED:
                    return
                self.names[name] = None


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    """Those of an object before those within it: objects may be as deep as can be read, so no call is made for each."""
    objects = deque([("", record)])
    while objects:
        above, within = objects.popleft()
        for key, value in within.items():
            yield above + key
            if isinstance(value, Mapping):
                objects.append((f"{above}{key}.", value))


def together(names: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Names of two segments, each once, so many as are compared."""
    return tuple(dict.fromkeys([*names, *more]))[:COMPARED]


def meant(name: str, present: Iterable[str]) -> str | None:
    """The legible name of those present that a misspelt one may be meant to be; None where it is one of them, or like none."""
    every = list(present)[:COMPARED]
    return None if name in every else closest(name, (n for n in every if n.isprintable() and n == n.strip()))
