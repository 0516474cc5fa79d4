"""What the rows of a source look like, where they look otherwise than the spec says: told, and never read so.

Rows are looked at where some are rejected for their separator, quotes or encoding, or are no objects of JSON; and at the beginning of
each file for what rejects nothing: rows of one cell that are several with another separator. All rows are looked at for UTF-8 that is
read as an encoding in which every byte is a character.
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import replace

from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.scan.elsewhere import Glance
from reconciler.bulk.sources import csv_looks, json_looks
from reconciler.bulk.sources.encodings import encoding_read, read_as_is, stored
from reconciler.bulk.sources.segments import Segment
from reconciler.model.load import Look
from reconciler.model.source import SourceDefinition

_END = re.compile(rb"\r\n?|\n")
_HIGH = re.compile(rb"[\x80-\xff]")
_CODES = ("line-csv", "line-columns", "line-encoding", "line-json")
_TRIES = 5  # segments that are looked at without finding anything
_SAMPLE = 1 << 16


class FileLooks:
    """Gathers; `result` is the first thing that looks otherwise."""

    def __init__(self, source: SourceDefinition) -> None:
        self.source = source
        self.result: Look | None = None
        self._tries, self._file = _TRIES, -1
        self._eyes = Eyes(source)

    def add(self, path: str, before: int, segment: Segment, batch: Batch) -> None:
        """One segment, and what became of it.

        Args:
            path: its file.
            before: lines of the file before it.
            segment: as it was read.
            batch: made from it.
        """
        first, self._file = segment.file != self._file, segment.file
        if self.result is not None:
            return
        rejects = batch.rejects if self._tries else ()
        there = batch.elsewhere
        seen = there.glance if there else self._eyes.glance(segment, rejects, first=first)
        if seen.whole is not None:
            self.result = Look(path, before + (seen.line or 0) + 1, seen.whole)
        elif seen.line is not None and self._tries:
            self._tries -= 1
            if seen.words is not None:
                self.result = Look(path, before + seen.line + 1, seen.words)


class Eyes:
    """Look at the segments of one source."""

    def __init__(self, source: SourceDefinition) -> None:
        self.source = source
        self._dialect = replace(source.csv, encoding=encoding_read(source.csv.encoding))

    def glance(self, segment: Segment, rejects: Iterable[Rejected], *, first: bool) -> Glance:
        """What a segment looks like.

        Args:
            segment: with its bytes.
            rejects: records of it.
            first: it is the first one of its file.
        """
        if not segment.data:
            return Glance()
        if self.source.format == "csv":
            if said := self._encoding(segment.data):
                return Glance(said, _first_high(segment.data))
            if first and (said := self._cells(segment)):
                return Glance(said)
        # The first line of each kind: those of JSON look for a reason of their own each.
        firsts: dict[str, int] = {}
        for reject in rejects:
            if reject.code in _CODES:
                firsts.setdefault("" if self.source.format == "csv" else reject.code, reject.line)
        for code, line in firsts.items():
            if words := self._rows(_from_line(segment.data, line), segment, code):
                return Glance(None, line, words)
        return Glance(None, min(firsts.values(), default=None))

    def _encoding(self, data: bytes) -> str | None:
        encoding = self.source.csv.encoding
        return csv_looks.other_encoding(data, encoding) if read_as_is(encoding) else None

    def _cells(self, segment: Segment) -> str | None:
        one = len(segment.columns or ()) == 1
        return csv_looks.one_column(segment.data[:_SAMPLE], self._dialect) if one else None

    def _rows(self, sample: bytes, segment: Segment, code: str) -> str | None:
        if self.source.format != "csv":
            return csv_looks.not_utf_8(sample) if code == "line-encoding" else json_looks.hint(sample)
        if not read_as_is(self.source.csv.encoding):
            if said := csv_looks.wider_encoding(
                stored(sample, encoding := self.source.csv.encoding), encoding
            ):
                return said
            sample = sample.decode("utf-8", "replace").encode()
        width = len(segment.columns or ()) if self.source.csv.header else None
        return csv_looks.rows_hint(sample, self._dialect, width)


def _first_high(data: bytes) -> int:
    """The first line (0 is the first) that is not ASCII."""
    found = _HIGH.search(data)
    return len(_END.findall(data, 0, found.start())) if found else 0


def _from_line(data: bytes, line: int) -> bytes:
    """The data from a line on (0 is the first)."""
    begin = 0
    for found in itertools.islice(_END.finditer(data), line):
        begin = found.end()
    return data[begin : begin + _SAMPLE]
