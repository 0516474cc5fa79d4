"""Names of the fields that rows have, kept where a name of the spec is in none of them, to say which one is meant. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.kinds.nearest import closest

COMPARED = 1000  # names that a misspelt one is compared with
LOOKED_AT = 100  # rows of a segment whose names are kept


class PresentNames:
    """Of the first rows of one segment; names within objects follow the name of the object and a dot.

    Attributes:
        names: each once, in the order of the rows.
    """

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self._rows = 0

    def look(self, *records: Mapping[str, Any]) -> None:
        """The parts of one row; costs nothing after the first rows."""
        if self._rows < LOOKED_AT and len(self.names) < COMPARED:
            self._rows += 1
            for record in records:
                self.names.update(dict.fromkeys(_names(record)))


def _names(record: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in record.items():
        yield above + key
        if isinstance(value, Mapping):
            yield from _names(value, f"{above}{key}.")


def together(names: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Names of two segments, each once, so many as are compared."""
    return tuple(dict.fromkeys([*names, *more]))[:COMPARED]


def meant(name: str, present: Iterable[str]) -> str | None:
    """The legible name of those present that a misspelt one may be meant to be; None where it is one of them, or like none."""
    every = list(present)[:COMPARED]
    return None if name in every else closest(name, (n for n in every if n.isprintable() and n == n.strip()))
