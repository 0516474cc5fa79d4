"""A segment in, the lines to send out: what of it is sent, what is not and why, and counts. Pure.

The same functions decide at plan, at apply and in every sending process, so all of them see the same bytes.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from reconciler.bulk.records import frames
from reconciler.bulk.records.commands import command_line
from reconciler.bulk.records.lines import Line, too_large
from reconciler.bulk.records.mapping import row_mapper
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.batch_builder import Builder
from reconciler.bulk.scan.identifiers import looker
from reconciler.bulk.scan.repeated_keys import repeated
from reconciler.bulk.scan.schema_look import Misfits, known_keys
from reconciler.bulk.scan.schema_look import looker as schema_looker
from reconciler.bulk.scan.segment_records import Record, reader
from reconciler.bulk.sources.encodings import encoding_read
from reconciler.bulk.sources.segments import Segment
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.odd_identifiers import REPEATED
from reconciler.model.source import SourceDefinition

FRAME_FROM = 200_000  # bytes of CSV from which on loading polars pays


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
    known = known_keys(schemas)
    line_of = _line_maker(source)
    read = reader(source)
    mapped = functools.cache(lambda: frames.mapper(source))  # loads polars, so not for a few rows

    def check(segment: Segment, *, accounts: bool = False) -> Batch:
        made = Builder(source, line_of, contents=contents, known=known)
        if segment.bad is not None:
            made.reject(Record(0, b"", None, segment.bad), segment.bad)
        elif source.format == "commands":
            made.commands(segment)
        elif (
            _worth_a_frame(segment)
            and (lines_of := mapped())
            and (frame := _frame(segment, source)) is not None
        ):
            records = read(segment._replace(frame=frame))
            made.frame(frame, segment.schema, lines_of(frame, segment.schema), records)
        else:
            made.rows(read(segment))
        batch = made.batch(segment)
        if identifiers:
            batch.identifiers = identifiers(made.named, batch.places)
            batch.identifiers.accounts = made.named.accounts() if accounts else None
            if source.format == "commands" and (places := repeated(batch.bytes_of(segment), batch.places)):
                batch.identifiers.add(REPEATED, places)
        if schemas:
            fits = made.fits and known is not None
            batch.misfits = (Misfits(),) if fits else misfits(batch.bytes_of(segment), batch.places)
        return batch

    return check


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
