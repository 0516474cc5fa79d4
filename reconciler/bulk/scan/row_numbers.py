"""Which line and which row of its file a record of a segment is. Pure."""

from collections.abc import Sequence

from reconciler.bulk.scan import removals
from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.sources.segments import BEGINNING, Segment
from reconciler.model.load import Position, Reject
from reconciler.model.source import SPOOL, SourceDefinition


class Rows:
    """Counts lines and records of each file; a header is a line."""

    def __init__(self, names: Sequence[str], source: SourceDefinition, start: Position = BEGINNING) -> None:
        places = names if source.format != SPOOL else ["the query's rows"]
        self.names = [*places, removals.PLACE]
        self._numbered = source.format == "csv"
        self._before: dict[int, tuple[int, int]] = {}
        self._headers: dict[int, int] = {}
        if start.offset:
            self._before[start.file] = (start.line, 0)

    def before(self, segment: Segment) -> tuple[int, int]:
        """Lines and records before a segment."""
        self._headers[segment.file] = segment.header
        return self._before.setdefault(segment.file, (segment.header, 0))

    def headers(self) -> int:
        """How many lines the headers of all files take."""
        return sum(self._headers.values())

    def add(self, segment: Segment, batch: Batch) -> None:
        """A segment is done."""
        lines, records = self.before(segment)
        self._before[segment.file] = lines + batch.lines, records + batch.records

    def reject(self, segment: Segment, found: Rejected) -> Reject:
        """Where a rejected record is."""
        lines, records = self.before(segment)
        row = records + found.row + 1 if self._numbered else None
        line = lines + found.line + 1
        return Reject(
            self.names[segment.file], line, found.code, found.reason, row, found.column, found.lines
        )
