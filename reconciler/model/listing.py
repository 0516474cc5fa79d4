"""The result of listing a collection: what was seen, or that it could not be seen (G6).

`Unlisted` is a type of its own so that "could not list" can never be mistaken for "empty".
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """A complete, unfiltered listing, read to its last page."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The collection could not be read; nothing may be concluded from it."""

    reason: str
    unauthorized: bool = False


Listing = Listed[Row] | Unlisted
