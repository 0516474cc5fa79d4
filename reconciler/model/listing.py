"""The result of listing a collection: what was seen, or that it could not be seen (G6).

`Unlisted` is a type of its own so that "could not list" can never be mistaken for "empty".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, NoReturn, TypeVar

from reconciler.errors import ReadFailed, Unauthorized

Row = TypeVar("Row")


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """A complete, unfiltered listing, read to its last page."""

    rows: tuple[Row, ...]

    def require(self, what: str = "", *, then: str = "") -> "Listed[Row]":
        """The listing itself; one that failed raises, with the reason and the help of the read that failed.

        Args:
            what: the collection, for the message.
            then: what was not done on that account.
        """
        return self

    def by(self, key: str, value: str | None) -> Sequence[Row]:
        """The rows with this value of a field; found without looking at every row each time."""
        index: dict[str | None, Sequence[Row]] | None = self.__dict__.get(key)
        if index is None:
            index = self.__dict__[key] = _index(self.rows, key)
        return index.get(value, ())


def _index(rows: Sequence[Row], key: str) -> dict[str | None, Sequence[Row]]:
    of = attrgetter(key)
    single: dict[str | None, Sequence[Row]] = {of(row): (row,) for row in rows}
    if len(single) == len(rows):  # mostly, and in a third of the time
        return single
    gathered: dict[str | None, list[Row]] = {}
    for row in rows:
        gathered.setdefault(of(row), []).append(row)
    return dict(gathered)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The collection could not be read; nothing may be concluded from it."""

    reason: str
    unauthorized: bool = False
    help: str | None = None

    def require(self, what: str = "", *, then: str = "") -> NoReturn:
        """See `Listed.require`.

        Raises:
            Unauthorized: the platform said 401.
            ReadFailed: it could not be read otherwise.
        """
        words = f"could not list {what}: {self.reason}" if what else self.reason
        kind = Unauthorized if self.unauthorized else ReadFailed
        raise kind(f"{words}; {then}" if then else words, help=self.help)


Listing = Listed[Row] | Unlisted
