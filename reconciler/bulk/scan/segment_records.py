"""The records of a segment, one by one, as each format has them. Pure."""

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import msgspec

from reconciler.bulk.records import exact_json, parquet_values
from reconciler.bulk.records.lines import BadLine, blocks, too_large
from reconciler.bulk.records.mapping import column_used
from reconciler.bulk.sources import csv_rows, line_framing
from reconciler.bulk.sources.csv_framing import lines_in
from reconciler.bulk.sources.segments import Segment
from reconciler.model.source import SPOOL, SourceDefinition


class Record(NamedTuple):
    """One record of a segment: the line it begins at (0 is the first), bytes, a row, or why it is bad, and how many lines it takes."""

    line: int
    raw: bytes
    row: dict[str, Any] | None
    bad: BadLine | None
    lines: int = 1


def reader(source: SourceDefinition) -> Callable[[Segment], Iterator[Record]]:
    """The function that lists a segment's records."""
    if source.format == "csv":
        return lambda segment: _csv(segment, source)
    if source.format == SPOOL:
        return lambda segment: _spool(segment.data)
    if source.format == "parquet":
        used = column_used(source)
        return lambda segment: _parquet(segment, used, nulls=source.nulls == "keep")
    return lambda segment: json_records(segment.data, source)


def contents_of(record: Record) -> Any:
    """A record as its source has it: a row, or the text of a line."""
    return record.row if record.row is not None else record.raw.decode("utf-8", "backslashreplace")


def contents_reader(source: SourceDefinition) -> Callable[[Segment, Collection[int]], dict[int, Any]]:
    """The function that gives those records of a segment that begin at some of its lines, as the source has them."""
    read = reader(source)
    return lambda segment, lines: {r.line: contents_of(r) for r in read(segment) if r.line in lines}


def json_records(data: bytes, source: SourceDefinition, first: int = 0) -> Iterator[Record]:
    """A line each; `first` is the number of the first."""
    mapped, limit = source.format == "ndjson", line_framing.longest(source)
    numbers = itertools.count(first)
    for block in blocks(data):
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


def lines_of(segment: Segment, source: SourceDefinition) -> int:
    """How many physical lines a segment takes; rows, of Parquet."""
    if segment.bad is not None:
        return 1
    if segment.frame is not None:
        return int(segment.frame.height)
    if source.format == "csv":
        return lines_in(segment.data)
    return segment.data.count(b"\n") + (segment.data != b"" and not segment.data.endswith(b"\n"))


def middle_line(data: bytes) -> int:
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
