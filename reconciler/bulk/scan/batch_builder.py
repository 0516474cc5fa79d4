"""Gathers a batch from the records of a segment: block by block, frame by frame or one by one. Pure."""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.bulk.records import frames, schema_columns
from reconciler.bulk.records.columns import Fields
from reconciler.bulk.records.command_blocks import Verdict, judge
from reconciler.bulk.records.lines import UNKNOWN_ID, BadLine, Line, blocks
from reconciler.bulk.records.mapping import flags_of, row_identity
from reconciler.bulk.records.uniform_commands import Known
from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.scan.identifiers import Named, hashes_other
from reconciler.bulk.scan.segment_records import Record, contents_of, json_records, middle_line
from reconciler.bulk.sources.csv_framing import lines_in
from reconciler.bulk.sources.segments import Segment
from reconciler.model.source import SourceDefinition

ONE_BY_ONE_MAX_LINES = 16  # lines that are rather asked one by one


def identity_reader(source: SourceDefinition) -> Callable[[Record], bytes | None]:
    """The function that says whom a rejected record is about, where deletes or `keep_last` depend on it; None where that cannot be read."""
    if source.gone != "delete" and source.duplicates != "keep_last":
        return lambda record: None
    named = row_identity(source)
    return lambda record: None if record.row is None else named(record.row)


class Builder:
    """Gathers a batch."""

    def __init__(
        self,
        source: SourceDefinition,
        line_of: Callable[[Record], Line],
        *,
        contents: bool,
        known: Known | None = None,
    ) -> None:
        self.source, self.line_of, self.contents, self.known = source, line_of, contents, known
        self.fits = True  # all profiles to send, by what is known of their schema
        self.pieces: list[bytes] = []
        self.records = self.upserts = self.deletes = self.anonymous = self.rejected = 0
        self.safe = True
        self.own = source.format == "commands"  # the segment's own bytes
        self.named = Named()
        self.compartments: set[str] = set()
        self.rejects: list[Rejected] = []
        self.numbers: array[int] | None = None
        self.fields = Fields(source)
        self.safe_rows = flags_of(source)[1]
        self.who, self.other = identity_reader(source), hashes_other(source)
        accounts = (source.owner, *source.identify_by)
        self.anonymous_rows = not any(i is not None and i.kind == "user_account_id" for i in accounts)

    def commands(self, segment: Segment) -> None:
        """Blocks of command lines; halves of a block that is not certainly good, down to single lines."""
        line = 0
        for block in blocks(segment.data):
            line = self._block(block, line)

    def _block(self, data: bytes, line: int) -> int:
        verdict = judge(data, self.source, self.known) if data.endswith(b"\n") else None
        if verdict is not None:
            self._good(data, verdict, line)
            return line + verdict.lines
        lines = data.count(b"\n")
        if lines <= ONE_BY_ONE_MAX_LINES or not (middle := middle_line(data)):
            self.rows(json_records(data, self.source, line))
            return line + lines
        return self._block(data[middle:], self._block(data[:middle], line))

    def _good(self, data: bytes, verdict: Verdict, line: int) -> None:
        self.pieces.append(data)
        self.records += verdict.lines
        self.deletes += verdict.deletes
        self.upserts += verdict.lines - verdict.deletes
        self.anonymous += verdict.anonymous
        self.safe = self.safe and verdict.safe
        self.fits = self.fits and verdict.fits
        self.named.add(verdict.field, verdict.who)
        self.compartments |= verdict.compartments
        if self.numbers is not None:
            self.numbers.extend(range(line, line + verdict.lines))

    def rows(self, records: Iterator[Record]) -> None:
        """Records one by one."""
        self.own = False
        for record in records:
            if self.fields.open and record.row is not None:
                self.fields.look(record.row)
            try:
                line = self.line_of(record)
            except BadLine as e:
                self.reject(record, e)
                continue
            if self.numbers is None and record.line != self.upserts + self.deletes:
                self.numbers = array("I", range(self.upserts + self.deletes))
            if self.numbers is not None:
                self.numbers.append(record.line)
            self.records += 1
            self.deletes += line.delete
            self.upserts += not line.delete
            self.anonymous += line.anonymous
            self.safe = self.safe and line.replay_safe
            if line.compartment_id is not None:
                self.compartments.add(line.compartment_id)
            self.pieces.append(line.data)
            self.fits = False
            other = line.field == "email_hash" and record.row is not None and self.other(record.row)
            self.named.add_line(line, owned=self.source.owner is not None, hashed_other=other)

    def frame(
        self, frame: Any, types: Mapping[str, Any] | None, lines: Any, records: Iterator[Record]
    ) -> None:
        """Lines made column by column; rows that got none are asked one by one.

        Args:
            frame: the rows.
            types: of its columns as their file says them.
            lines: of the rows; null where there is none.
            records: the rows again.
        """
        identifier, owner = self.source.identify_by[0], self.source.owner
        who = frames.identifiers(frame, identifier, types)
        owners = frames.identifiers(frame, owner, types) if owner is not None else []
        if not lines.null_count():
            fits = (
                self.fits and self.known is not None and schema_columns.fits(frame, self.source, self.known)
            )
            self._made(lines, 0, who, owners)
            self.fits = fits
            return
        rows = list(records)
        begin = 0
        for at in lines.is_null().arg_true().to_list():
            self._made(lines[begin:at], begin, who[begin:at], owners[begin:at])
            self.rows(iter(rows[at : at + 1]))
            begin = at + 1
        self._made(lines[begin:], begin, who[begin:], owners[begin:])

    def _made(self, lines: Any, first: int, who: Sequence[str], owners: Sequence[str]) -> None:
        count = len(lines)
        if not count:
            return
        self.own = self.fits = False
        self.pieces.append(frames.as_bytes(lines))
        self.records += count
        self.upserts += count
        self.anonymous += count if self.anonymous_rows else 0
        self.safe = self.safe and self.safe_rows
        if self.numbers is not None:
            self.numbers.extend(range(first, first + count))
        identifier = self.source.identify_by[0]
        self.named.add(identifier.kind, who, owners)
        if identifier.kind == "user_account_id":
            self.compartments.add(self.source.compartments.get(identifier.compartment or "") or UNKNOWN_ID)

    def reject(self, record: Record, why: BadLine) -> None:
        """A record that is not sent."""
        self.own = False
        if self.numbers is None:
            self.numbers = array("I", range(self.upserts + self.deletes))
        data = contents_of(record) if self.contents else None
        row, lines = self.records, record.lines
        who = self.who(record)
        self.rejects.append(Rejected(record.line, row, why.code, why.reason, why.column, data, lines, who))
        self.records += 1
        self.rejected += lines

    def batch(self, segment: Segment) -> Batch:
        """All of it."""
        text = self.source.format == "csv" and segment.bad is None
        lines = lines_in(segment.data) if text else self.records
        return Batch(
            None if self.own else b"".join(self.pieces),
            self.records,
            lines,
            self.upserts,
            self.deletes,
            self.anonymous,
            self.safe,
            frozenset(self.compartments),
            self.rejects,
            self.rejected,
            self._blank_end(lines),
            self.numbers,
            frozenset(self.fields.found),
            frozenset(self.fields.lacking),
            present=self.fields.present,
        )

    def _blank_end(self, end: int) -> int:
        """How many of the last rejects are blank lines that nothing follows."""
        count = 0
        for rejected in reversed(self.rejects):
            if rejected.code != "line-blank" or rejected.line + rejected.lines != end:
                break
            count, end = count + 1, rejected.line
        return count
