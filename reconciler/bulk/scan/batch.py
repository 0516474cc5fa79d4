"""What became of a segment: the lines of it that are sent, the records that are not and why, and counts. Pure."""

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from reconciler.bulk.scan.cuttable import Cuttable, Ends, Held
from reconciler.bulk.scan.elsewhere import Elsewhere
from reconciler.bulk.scan.identifiers import Seen
from reconciler.bulk.scan.schema_look import Misfits
from reconciler.bulk.sources.segments import Segment


class Rejected(msgspec.Struct, frozen=True):
    """A record that is not sent, of so many lines; `line` and `row` count from the segment's first, `data` and `who` only where asked for."""

    line: int
    row: int
    code: str
    reason: str
    column: str | None
    data: Any = None
    lines: int = 1
    who: bytes | None = None


class Batch(msgspec.Struct):
    """What became of a segment.

    Attributes:
        data: the lines to send; None where they are the segment's own bytes.
        records: how many it has.
        lines: how many physical lines they take.
        rejected: how many of those are rejected.
        blank_end: how many of the last of `rejects` are blank lines with nothing behind them in the segment.
        numbers: for each line to send, the line of its record (0 is the first); None where that is its place in order.
        found: fields that the spec names and a row has.
        lacking: those that a row has not, which might have had them.
        present: names that rows have, where one of the spec is lacking.
        identifiers: what is odd about those of the lines, where that was asked for.
        unchanged: how many lines are not sent because they were before.
        misfits: what of the lines does not fit the schemas that were given, for each of them.
        elsewhere: what is told of lines to send that were made on another machine, and stay there.
        taken: what was taken of it for who gathers, in their order.
    """

    data: bytes | None
    records: int
    lines: int = 0
    upserts: int = 0
    deletes: int = 0
    anonymous: int = 0
    safe: bool = True
    compartments: frozenset[str] = frozenset()
    rejects: list[Rejected] = []
    rejected: int = 0
    blank_end: int = 0
    numbers: "array[int] | None" = None
    found: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()
    identifiers: Seen | None = None
    unchanged: int = 0
    misfits: tuple[Misfits, ...] = ()
    elsewhere: Elsewhere | None = None
    taken: tuple[Any, ...] = ()
    present: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """How many lines are sent."""
        return self.upserts + self.deletes

    @property
    def places(self) -> Sequence[int]:
        """For each line to send, the line of its record in the segment (0 is the first)."""
        return range(self.sent) if self.numbers is None else self.numbers

    def lines_of(self, segment: Segment) -> Cuttable:
        """The lines to send, as something that can be cut; where they are elsewhere, by their ends alone."""
        there = self.elsewhere
        return Held(self.bytes_of(segment)) if there is None else Ends(there.size, there.ends)

    def bytes_of(self, segment: Segment) -> bytes:
        """The lines to send, made from this segment."""
        return segment.data if self.data is None else self.data
