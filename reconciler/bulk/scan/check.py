"""A segment in, the lines to send out: what of it is sent, what is not and why, and counts. Pure.

The same functions decide at plan, at apply and in every sending process, so all of them see the same bytes.
"""

import bisect
import functools
import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from reconciler.bulk.records import exact_json, frames, parquet_values
from reconciler.bulk.records.columns import Fields
from reconciler.bulk.records.command_blocks import Verdict, judge
from reconciler.bulk.records.commands import command_line
from reconciler.bulk.records.lines import UNKNOWN_ID, BadLine, Line, too_large
from reconciler.bulk.records.mapping import column_used, flags_of, row_identity, row_mapper
from reconciler.bulk.scan.cuttable import Cuttable, Ends, Held
from reconciler.bulk.scan.duplicates import ListedLines
from reconciler.bulk.scan.identifiers import Named, Seen, looker
from reconciler.bulk.scan.schema_look import Misfits
from reconciler.bulk.scan.schema_look import looker as schema_looker
from reconciler.bulk.sources import csv_rows, line_framing
from reconciler.bulk.sources.csv_framing import lines_in
from reconciler.bulk.sources.encodings import encoding_read
from reconciler.bulk.sources.segments import Segment
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import SUPERSEDED
from reconciler.model.source import SourceDefinition

BLOCK = 256 * 1024  # bytes judged at once; a processor's cache holds them
FRAME_FROM = 200_000  # bytes of CSV from which on loading polars pays
ONE_BY_ONE_MAX_LINES = 16  # lines that are rather asked one by one


class _Operation(msgspec.Struct):
    operation: str


_operation = msgspec.json.Decoder(_Operation).decode


class Record(NamedTuple):
    """One record of a segment: the line it begins at (0 is the first), bytes, a row, or why it is bad, and how many lines it takes."""

    line: int
    raw: bytes
    row: dict[str, Any] | None
    bad: BadLine | None
    lines: int = 1


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
        identifiers: what is odd about those of the lines, where that was asked for.
        unchanged: how many lines are not sent because they were before.
        misfits: what of the lines does not fit the schemas that were given, for each of them.
        elsewhere: size and packed ends of the lines to send, where they were made on another machine and stay there.
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
    elsewhere: tuple[int, bytes] | None = None

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
        return Held(self.bytes_of(segment)) if self.elsewhere is None else Ends(*self.elsewhere)

    def bytes_of(self, segment: Segment) -> bytes:
        """The lines to send, made from this segment."""
        return segment.data if self.data is None else self.data


def checker(
    source: SourceDefinition,
    *,
    contents: bool = False,
    look: bool = False,
    schemas: Sequence[DatamartSchema] = (),
) -> Callable[..., Batch]:
    """The function that turns a segment of this source into a batch; with `accounts`, of those whose spellings are compared, too.

    Args:
        source: its definition.
        contents: rejected records carry their data.
        look: the identifiers are looked at.
        schemas: profiles are compared with these.
    """
    identifiers = looker(source) if look else None
    misfits = schema_looker(schemas)
    line_of = _line_maker(source)
    read = reader(source)
    mapped = functools.cache(lambda: frames.mapper(source))  # loads polars, so not for a few rows

    def check(segment: Segment, *, accounts: bool = False) -> Batch:
        made = _Builder(source, line_of, contents=contents)
        if segment.bad is not None:
            made.reject(Record(0, b"", None, segment.bad), segment.bad)
        elif source.format == "commands":
            made.commands(segment)
        elif (
            _worth_a_frame(segment)
            and (lines_of := mapped())
            and (frame := _frame(segment, source)) is not None
        ):
            made.frame(frame, lines_of(frame, segment.schema), read(segment._replace(frame=frame)))
        else:
            made.rows(read(segment))
        batch = made.batch(segment)
        if identifiers:
            batch.identifiers = identifiers(made.named, batch.places)
            batch.identifiers.accounts = made.named.accounts() if accounts else None
        if schemas:
            batch.misfits = misfits(batch.bytes_of(segment), batch.places)
        return batch

    return check


def identity_reader(source: SourceDefinition) -> Callable[[Record], bytes | None]:
    """The function that says whom a rejected record is about, where deletes depend on it; None where that cannot be read."""
    if source.gone != "delete":
        return lambda record: None
    named = row_identity(source)
    return lambda record: None if record.row is None else named(record.row)


def without(batch: Batch, segment: Segment, before: int, replaced: ListedLines, *, contents: bool) -> Batch:
    """A batch without the lines that a later one replaces; they are rejected, in words of their own.

    Args:
        batch: made from the segment.
        segment: where its lines are from.
        before: lines before it in its file.
        replaced: asked for every segment, in order.
        contents: rejected lines carry their data.
    """
    gone = replaced.among(segment.file, before + 1, before + batch.lines)
    if not gone:
        return batch
    before_them = sorted(r.line for r in batch.rejects)
    kept, left, rejects, deletes = list[bytes](), array("I"), list[Rejected](), 0
    seen = _of(batch.identifiers, [before + n + 1 not in gone for n in batch.places])
    for at, (line, number) in enumerate(
        zip(batch.bytes_of(segment).split(b"\n"), batch.places, strict=False)
    ):
        if before + number + 1 not in gone:
            kept.append(line)
            left.append(number)
            continue
        deletes += _operation(line).operation == "DELETE"
        shown = line.decode() if contents else None
        words = "a later row of the source has the same identity"
        row = at + bisect.bisect_left(before_them, number)
        rejects.append(Rejected(number, row, SUPERSEDED, words, None, shown))
    return Batch(
        b"".join(line + b"\n" for line in kept),
        batch.records,
        batch.lines,
        batch.upserts - (len(gone) - deletes),
        batch.deletes - deletes,
        batch.anonymous,
        batch.safe,
        batch.compartments,
        [*rejects, *batch.rejects],
        batch.rejected + len(rejects),
        batch.blank_end,
        left,
        batch.found,
        batch.lacking,
        seen,
        misfits=batch.misfits,
    )


def only(batch: Batch, segment: Segment, before: int, wanted: ListedLines) -> Batch:
    """A batch with those lines alone that are listed; the others were sent before, and did not change.

    Args:
        batch: made from the segment.
        segment: where its lines are from.
        before: lines before it in its file.
        wanted: asked for every segment, in order.
    """
    listed = wanted.among(segment.file, before + 1, before + batch.lines)
    if len(listed) == batch.sent:
        return batch
    kept, places = list[bytes](), array("I")
    if listed:
        for line, number in zip(batch.bytes_of(segment).split(b"\n"), batch.places, strict=False):
            if before + number + 1 in listed:
                kept.append(line)
                places.append(number)
    deletes = sum(_operation(line).operation == "DELETE" for line in kept) if batch.deletes else 0
    return msgspec.structs.replace(
        batch,
        data=b"".join(line + b"\n" for line in kept),
        upserts=len(kept) - deletes,
        deletes=deletes,
        numbers=places,
        unchanged=batch.sent - len(kept),
        identifiers=_of(batch.identifiers, [before + n + 1 in listed for n in batch.places]),
    )


def _of(seen: Seen | None, lasting: Sequence[bool]) -> Seen | None:
    """What was seen of identifiers, with the accounts of the lines that stay."""
    if seen is None or seen.accounts is None:
        return seen
    return msgspec.structs.replace(seen, accounts=list(itertools.compress(seen.accounts, lasting)))


def reader(source: SourceDefinition) -> Callable[[Segment], Iterator[Record]]:
    """The function that lists a segment's records."""
    if source.format == "csv":
        return lambda segment: _csv(segment, source)
    if source.format == "spool":
        return lambda segment: _spool(segment.data)
    if source.format == "parquet":
        used = column_used(source)
        return lambda segment: _parquet(segment, used, nulls=source.nulls == "keep")
    return lambda segment: _json(segment.data, source)


def _worth_a_frame(segment: Segment) -> bool:
    if segment.frame is not None:
        return True
    return segment.columns is not None and not segment.broken and len(segment.data) >= FRAME_FROM


def _frame(segment: Segment, source: SourceDefinition) -> Any:
    """All rows of a segment as one frame, if they can be had so."""
    if segment.frame is not None or segment.columns is None:
        return segment.frame
    dialect = replace(source.csv, encoding=encoding_read(source.csv.encoding))
    return frames.from_csv(segment.data, segment.columns, replace(source, csv=dialect))


def _line_maker(source: SourceDefinition) -> Callable[[Record], Line]:
    mapped = row_mapper(source)

    def line(record: Record) -> Line:
        if record.bad:
            raise record.bad
        found = command_line(record.raw, source) if record.row is None else mapped(record.row)
        if len(found.data) > source.max_bytes:
            raise too_large(len(found.data), source)
        return found

    return line


def _json(data: bytes, source: SourceDefinition, first: int = 0) -> Iterator[Record]:
    mapped, limit = source.format == "ndjson", line_framing.longest(source)
    numbers = itertools.count(first)
    for block in _blocks(data):
        decode = exact_json.decoder(block) if mapped else exact_json.decode
        for raw, line in zip(line_framing.contents(block), numbers, strict=False):
            if len(raw) > limit:
                yield Record(line, b"", None, too_large(len(raw), source))
            elif not raw or raw.isspace():
                yield Record(line, raw, None, BadLine("line-blank", "the line is blank"))
            elif not mapped:
                yield Record(line, raw, None, None)
            else:
                yield _json_row(line, raw, decode)


def _blocks(data: bytes) -> Iterator[bytes]:
    """Lines in blocks that are judged at once."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", min(at + BLOCK, len(data)) - 1) + 1 or len(data)
        yield data[at:end]
        at = end


def _middle(data: bytes) -> int:
    """Where the line begins that is nearest to the middle of some lines; 0 if they cannot be divided."""
    middle = data.find(b"\n", len(data) // 2) + 1 or len(data)
    return middle if middle < len(data) else data.rfind(b"\n", 0, len(data) // 2) + 1


def _json_row(line: int, raw: bytes, decode: Callable[[bytes], Any]) -> Record:
    try:
        row = decode(raw)
    except BadLine as e:
        return Record(line, raw, None, e)
    if type(row) is dict:
        return Record(line, raw, row, None)
    return Record(line, raw, None, BadLine("line-json", "the line is not a JSON object"))


def _spool(data: bytes) -> Iterator[Record]:
    for line, raw in enumerate(data.split(b"\n")[:-1]):
        try:
            found = exact_json.read(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Record(line, b"", None, BadLine("line-json", "the stored copy of the row is damaged"))
            continue
        if isinstance(found, dict):
            yield Record(line, raw, found, None)
        else:
            yield Record(line, b"", None, BadLine(*found))


def _csv(segment: Segment, source: SourceDefinition) -> Iterator[Record]:
    columns, nulls = segment.columns or (), frozenset(source.csv.nulls)
    for found in csv_rows.rows(segment.data, columns, source.csv, segment.broken):
        row: dict[str, Any] | None = None
        if found.cells is not None:
            row = dict(zip(columns, found.cells, strict=True))
            if nulls:
                row = _without_nulls(row, nulls, keep=source.nulls == "keep")
        yield Record(found.line, found.text.encode(), row, found.bad, found.lines)


def _without_nulls(row: dict[str, Any], nulls: frozenset[str], *, keep: bool) -> dict[str, Any]:
    """Cells that stand for nothing are absent, or null where that is wanted."""
    if keep:
        return {k: None if v in nulls else v for k, v in row.items()}
    return {k: v for k, v in row.items() if v not in nulls}


def _parquet(segment: Segment, used: Callable[[str], bool], *, nulls: bool) -> Iterator[Record]:
    for line, made in enumerate(parquet_values.rows(segment.frame, used, segment.schema, nulls=nulls)):
        bad = made if isinstance(made, BadLine) else None
        yield Record(line, b"", None if isinstance(made, BadLine) else made, bad)


class _Builder:
    """Gathers a batch."""

    def __init__(
        self, source: SourceDefinition, line_of: Callable[[Record], Line], *, contents: bool
    ) -> None:
        self.source, self.line_of, self.contents = source, line_of, contents
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
        self.who = identity_reader(source)
        accounts = (source.owner, *source.identify_by)
        self.anonymous_rows = not any(i is not None and i.kind == "user_account_id" for i in accounts)

    def commands(self, segment: Segment) -> None:
        """Blocks of command lines; halves of a block that is not certainly good, down to single lines."""
        line = 0
        for block in _blocks(segment.data):
            line = self._block(block, line)

    def _block(self, data: bytes, line: int) -> int:
        verdict = judge(data, self.source) if data.endswith(b"\n") else None
        if verdict is not None:
            self._good(data, verdict, line)
            return line + verdict.lines
        lines = data.count(b"\n")
        if lines <= ONE_BY_ONE_MAX_LINES or not (middle := _middle(data)):
            self.rows(_json(data, self.source, line))
            return line + lines
        return self._block(data[middle:], self._block(data[:middle], line))

    def _good(self, data: bytes, verdict: Verdict, line: int) -> None:
        self.pieces.append(data)
        self.records += verdict.lines
        self.deletes += verdict.deletes
        self.upserts += verdict.lines - verdict.deletes
        self.anonymous += verdict.anonymous
        self.safe = self.safe and verdict.safe
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
            self.named.add_line(line, owned=self.source.owner is not None)

    def frame(self, frame: Any, lines: Any, records: Iterator[Record]) -> None:
        """Lines made column by column; rows that got none are asked one by one."""
        identifier, owner = self.source.identify_by[0], self.source.owner
        who = frames.identifiers(frame, identifier)
        owners = frames.identifiers(frame, owner) if owner is not None else []
        if not lines.null_count():
            self._made(lines, 0, who, owners)
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
        self.own = False
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
        data: Any = None
        if self.contents:
            data = record.row if record.row is not None else record.raw.decode("utf-8", "backslashreplace")
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
        )

    def _blank_end(self, end: int) -> int:
        """How many of the last rejects are blank lines that nothing follows."""
        count = 0
        for rejected in reversed(self.rejects):
            if rejected.code != "line-blank" or rejected.line + rejected.lines != end:
                break
            count, end = count + 1, rejected.line
        return count
