"""What reading a source shows beside its counts: the first commands as they will be sent, and what its properties hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A command as it will be sent.

    Attributes:
        path: file of its row.
        line: where the row begins, from 1.
        command: the bytes, without the newline; with values of the source, so it is shown only on request (G9).
    """

    path: str
    line: int
    command: bytes


@dataclass(frozen=True, slots=True)
class Property:
    """What the UPSERT commands of a source hold under one name; counts and lengths, no value.

    Attributes:
        present: commands that have it, with null or with a value.
        nulls: those in which it is null.
        empty: those in which it is a text without characters.
        types: commands by the type of the value: text, integer, number, boolean, list, object.
        shortest: characters of the shortest text; None where no value is text.
        longest: of the longest.
    """

    name: str
    present: int
    nulls: int
    empty: int
    types: Mapping[str, int]
    shortest: int | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The look at what a source sends.

    Attributes:
        rows: the first ones.
        upserts: commands that were counted.
        properties: in the order in which they first occur.
        uncounted: how often a property occurred that is not listed, as there are too many names.
    """

    rows: Sequence[ShownRow] = ()
    upserts: int = 0
    properties: Sequence[Property] = ()
    uncounted: int = 0
