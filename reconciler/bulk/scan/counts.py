"""What a pass over a source counts; and blank lines, which are rows only where one follows. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.bulk.records.lines import UNKNOWN_ID
from reconciler.bulk.records.present_names import together
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.row_numbers import Rows
from reconciler.bulk.sources.segments import Segment
from reconciler.model.load import SUPERSEDED, Reject

SHOWN_REJECTS = 20
MAX_COMPARTMENTS = 1000


@dataclass(slots=True)
class Counts:
    """What was read so far."""

    rejected: int = 0
    continued: int = 0
    unchanged: int = 0
    upserts: int = 0
    deletes: int = 0
    removed: int = 0
    size: int = 0
    anonymous: int = 0
    safe: bool = True
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    compartments: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    present: tuple[str, ...] = ()

    def add(self, batch: Batch, size: int) -> None:
        """One segment, of which so many bytes are sent."""
        self.continued += batch.lines - batch.sent - batch.rejected - batch.unchanged
        self.unchanged += batch.unchanged
        self.deletes += batch.deletes
        self.upserts += batch.upserts
        self.size += size
        self.anonymous += batch.anonymous
        self.safe = self.safe and batch.safe
        self.found |= batch.found
        self.lacking |= batch.lacking
        self.present = together(self.present, batch.present) if batch.present else self.present
        if len(self.compartments) < MAX_COMPARTMENTS:
            self.compartments |= batch.compartments - {UNKNOWN_ID}

    @property
    def lines(self) -> int:
        """Rows that are sent or did not change, and the lines of those that are rejected."""
        return self.upserts + self.deletes - self.removed + self.unchanged + self.rejected

    def reject(self, reject: Reject) -> None:
        """One record that is not sent; the first few are kept."""
        self.rejected += reject.lines
        self.reasons[reject.code] += reject.lines
        if len(self.rejects) < SHOWN_REJECTS and reject.code != SUPERSEDED:
            self.rejects.append(reject)


class Blanks:
    """Holds blank lines back until a row follows in their file; at its end they are no rows."""

    def __init__(self) -> None:
        self._file, self._held, self._dropped = -1, list[tuple[Reject, object]](), 0

    def settled(self, segment: Segment, batch: Batch, rows: Rows) -> Iterator[tuple[Reject, object]]:
        """The rejected records that are certain once this segment is read, each with its data."""
        if segment.file != self._file:
            self._drop()
            self._file = segment.file
        found = [(rows.reject(segment, r), r.data) for r in batch.rejects]
        last = len(found) - batch.blank_end
        if last or batch.sent or batch.unchanged:
            yield from self._held
            self._held = []
        yield from found[:last]
        self._held += found[last:]

    def left(self) -> int:
        """How many lines at the ends of files are blank."""
        self._drop()
        return self._dropped

    def _drop(self) -> None:
        self._dropped += sum(r.lines for r, _ in self._held)
        self._held = []
