"""One pass over a source: digest, counts, chunks, rejected lines.

Where segments are read and checked says `reconciler.bulk.scan.reading`; here they come together, in order.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

from reconciler.bulk.records.columns import require_fields
from reconciler.bulk.scan import removals
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.chosen import Choice
from reconciler.bulk.scan.chunker import Cutter
from reconciler.bulk.scan.counts import Blanks, Counts
from reconciler.bulk.scan.cuttable import Cuttable
from reconciler.bulk.scan.duplicates import Duplicates, ListedLines, overtaken
from reconciler.bulk.scan.expecting import Expecting
from reconciler.bulk.scan.file_looks import FileLooks
from reconciler.bulk.scan.gathering import Gather
from reconciler.bulk.scan.identifiers import Identifiers
from reconciler.bulk.scan.reading import Here, Look, Reading
from reconciler.bulk.scan.row_numbers import Rows
from reconciler.bulk.scan.schema_look import SchemaLooks
from reconciler.bulk.sources import locations
from reconciler.bulk.sources.segments import Segment
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import SUPERSEDED, Position, Reject, Repeated, Scan
from reconciler.model.source import SourceDefinition

OnReject = Callable[[Reject, object], None]
OnSent = Callable[[str, int, bytes, Sequence[int]], None]  # file, lines before, commands, their places
NO_IDENTITY = frozenset({SUPERSEDED, "line-blank"})  # codes of rejected rows that name nobody else


class Tracker(Gather, Protocol):
    """Remembers all rows of a source while it is read.

    Attributes:
        stays: what it takes of a segment must not leave this machine.
    """

    stays: bool

    def repeated(self, names: Sequence[str]) -> Repeated | None:
        """Identities that several rows name; asked once all of them are there."""


@dataclass(frozen=True, slots=True)
class _Hooks:
    """Who is told what while a source is read."""

    progress: Callable[[int], None] | None
    on_reject: OnReject | None
    on_sent: OnSent | None
    tracker: Tracker | None
    _: KW_ONLY
    contents: bool
    schemas: Sequence[DatamartSchema] = ()

    def read(self, path: str, before: int, data: bytes, places: Sequence[int], lines: int) -> None:
        """One segment was read, and so many lines in all."""
        if self.on_sent:
            self.on_sent(path, before, data, places)
        if self.progress:
            self.progress(lines)


def scan(
    root: Path,
    source: SourceDefinition,
    progress: Callable[[int], None] | None = None,
    on_reject: OnReject | None = None,
    workers: Executor | None = None,
    *,
    contents: bool = False,
    on_sent: OnSent | None = None,
    tracker: Tracker | None = None,
    schemas: Sequence[DatamartSchema] = (),
) -> Scan:
    """Read the whole source once.

    Args:
        root: the workspace.
        source: what to read.
        progress: is told how many lines were read, now and then.
        on_reject: is given every rejected line (the scan itself keeps the first few).
        workers: processes that share the work.
        contents: `on_reject` is given the data of the lines, too.
        on_sent: is given the commands of each segment.
        tracker: remembers all rows.
        schemas: profiles are compared with these.

    Raises:
        ReconcilerError: the source cannot be read.
    """
    names = locations.find(root, source)
    hooks = _Hooks(progress, on_reject, on_sent, tracker, contents=contents, schemas=schemas)
    with ExitStack() as stack:
        wanted = ListedLines(stack.enter_context(Path(source.listed).open("rb"))) if source.listed else None
        if source.duplicates != "keep_last":
            where = Here(root, names, source, workers, Choice(None, wanted))
            return _scan(names, source, hooks, where)
        file: IO[bytes]
        if source.superseded:
            file = stack.enter_context(Path(source.superseded).open("rb"))
        else:
            file = stack.enter_context(TemporaryFile())
            find_superseded(root, source, file, workers)
        late = overtaken(file, names)
        where = Here(root, names, source, workers, Choice(ListedLines(file), wanted))
        return replace(_scan(names, source, hooks, where), overtaken=late)


def scan_elsewhere(
    reading: Reading,
    names: Sequence[str],
    source: SourceDefinition,
    progress: Callable[[int], None] | None = None,
    on_reject: OnReject | None = None,
    *,
    contents: bool = False,
    tracker: Tracker | None = None,
    schemas: Sequence[DatamartSchema] = (),
) -> Scan:
    """Read the whole source once, by workers of another machine.

    Args:
        reading: of these places.
        names: places of the source.
        source: what to read.
        progress: is told how many lines were read, now and then.
        on_reject: is given every rejected line.
        contents: with its data, too.
        tracker: remembers all rows.
        schemas: profiles are compared with these.

    Raises:
        ReconcilerError: the source cannot be read.
    """
    hooks = _Hooks(progress, on_reject, None, tracker, contents=contents, schemas=schemas)
    found = _scan(names, source, hooks, reading)
    if not source.superseded:
        return found
    with Path(source.superseded).open("rb") as file:
        return replace(found, overtaken=overtaken(file, names))


def find_superseded(
    root: Path,
    source: SourceDefinition,
    into: IO[bytes],
    workers: Executor | None = None,
    check_stop: Callable[[], None] = lambda: None,
) -> None:
    """Write the places of the lines that a later line about the same identity replaces.

    Args:
        root: the workspace.
        source: how to read it.
        into: file that gets the places, in order, of fixed size.
        workers: processes that check segments; None checks in this one.
        check_stop: is called now and then; what it raises ends the reading.

    Raises:
        ReconcilerError: the source cannot be read.
    """
    names = locations.find(root, source)
    superseded(Here(root, names, source, workers, digest=False), names, source, into, check_stop)


def superseded(
    reading: Reading,
    names: Sequence[str],
    source: SourceDefinition,
    into: IO[bytes],
    check_stop: Callable[[], None] = lambda: None,
) -> None:
    """The same, of a pass.

    Args:
        reading: of these places.
        names: places of the source.
        source: how it is read.
        into: file that gets the places, in order, of fixed size.
        check_stop: is called now and then; what it raises ends the reading.

    Raises:
        ReconcilerError: the source cannot be read.
    """
    watch, rows = Duplicates(rejected=True), Rows(names, source)
    look = Look(takes=(watch.take,))
    for segment, batch in reading.batches(look):
        check_stop()
        watch.add(batch.taken[0], segment.file, rows.before(segment)[0])
        rows.add(segment, batch)
    watch.superseded(into)
    into.flush()


def _scan(
    names: Sequence[str],
    source: SourceDefinition,
    hooks: _Hooks,
    where: Reading,
) -> Scan:
    cutter, counts = Cutter(source.max_bytes), Counts()
    # What lines are listed is known of a reading of all of them; with another digest this one is not believed.
    watched = source.duplicates in ("warn", "refuse") and not source.listed
    watch = Duplicates() if watched and hooks.tracker is None else None
    rows, blanks = Rows(names, source), Blanks()
    identifiers, looks = Identifiers(rows.names), FileLooks(source)
    misfits, expecting = SchemaLooks(rows.names, hooks.schemas), Expecting(source, rows.names)
    also = (watch, hooks.tracker, expecting if source.expect else None)
    gathers: list[Gather] = [x for x in also if x is not None]
    takes = [x.take for x in gathers]
    look = Look(identifiers, contents=hooks.contents, schemas=hooks.schemas, takes=takes)
    for segment, batch in where.batches(look):
        before = rows.before(segment)[0]
        for gather, taken in zip(gathers, batch.taken, strict=True):
            gather.add(taken, segment.file, before)
        lines = batch.lines_of(segment)
        counts.add(batch, lines.size)
        for reject, contents_of in blanks.settled(segment, batch, rows):
            counts.reject(reject)
            if hooks.on_reject:
                hooks.on_reject(reject, contents_of)
        if batch.identifiers is not None:
            identifiers.add(batch.identifiers, batch.places, segment.file, before)
        misfits.add(batch.misfits, segment.file, before)
        looks.add(rows.names[segment.file], before, segment, batch)
        at = _positions(segment, before, batch, lines)
        cutter.cut(lines, batch.sent, at, verbatim=batch.data is None)
        where.cut(cutter.chunks)
        rows.add(segment, batch)
        hooks.read(rows.names[segment.file], before, batch.bytes_of(segment), batch.places, counts.lines)
    require_fields(counts.found, counts.lacking, counts.present)
    _remove(source, len(names), cutter, counts)
    cutter.close()
    repeated = next((x.repeated for x in (watch, hooks.tracker) if x is not None), lambda _: None)
    return Scan(
        source_digest=where.source_digest(),
        files=tuple(names),
        chunks=where.digested(cutter.chunks),
        lines=counts.lines,
        sent=counts.upserts + counts.deletes,
        bytes=counts.size,
        upserts=counts.upserts,
        deletes=counts.deletes,
        removed=counts.removed,
        rejected=counts.rejected,
        replay_safe=counts.safe,
        rejects=tuple(counts.rejects),
        reasons=dict(counts.reasons),
        compartments=frozenset(counts.compartments),
        missing_identity=counts.anonymous,
        repeated=repeated(rows.names),
        headers=rows.headers(),
        continued=counts.continued,
        blank=blanks.left(),
        unchanged=counts.unchanged,
        identifiers=identifiers.result(),
        looks=looks.result,
        schema=misfits.result(),
        expectations=expecting.result(),
    )


def _remove(source: SourceDefinition, file: int, cutter: Cutter, counts: Counts) -> None:
    """The DELETE commands that come after the rows, as if they stood in one more file."""
    for piece in removals.commands(source):
        counts.deletes += piece.lines
        counts.removed += piece.lines
        counts.size += len(piece.data)
        cutter.add(piece.data, piece.lines, _in_frame(file, piece))


def _in_frame(file: int, piece: removals.Piece) -> Callable[[int], Position]:
    return lambda index: Position(file, piece.frame, piece.before, index)


def _positions(segment: Segment, before: int, batch: Batch, lines: Cuttable) -> Callable[[int], Position]:
    def at(index: int) -> Position:
        if batch.data is None:
            return Position(segment.file, segment.offset + index, before + lines.count(0, index))
        return Position(segment.file, segment.offset, before, index)

    return at
