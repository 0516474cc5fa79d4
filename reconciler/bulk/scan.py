"""One pass over a source: digest, counts, chunks, rejected lines. And the same pass again for one chunk's bytes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.bulk.cutting import Cutter
from reconciler.bulk.duplicates import Blind, Duplicates, Watch
from reconciler.bulk.lines import UNKNOWN_ID, BadLine, Line, command_line, row_mapper
from reconciler.bulk.sources import Record, find_files, records
from reconciler.model.load import Chunk, Position, Reject, Scan
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import canonical, shape

SHOWN_REJECTS = 20
MAX_COMPARTMENTS = 1000
TICK = 20_000


def line_of(source: SourceDefinition) -> Callable[[Record], Line]:
    """The function that turns a record into a line; it raises BadLine."""
    mapped = row_mapper(source)

    def line(record: Record) -> Line:
        if record.bad:
            raise record.bad
        return command_line(record.raw, source) if record.row is None else mapped(record.row)

    def limited(record: Record) -> Line:
        found = line(record)
        if len(found.data) > source.max_bytes:
            raise BadLine(
                "line-too-large",
                f"the line has {len(found.data):,} bytes, a chunk at most {source.max_bytes:,}",
            )
        return found

    return limited


@dataclass(slots=True)
class _Counts:
    lines: int = 0
    upserts: int = 0
    deletes: int = 0
    size: int = 0
    anonymous: int = 0
    safe: bool = True
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    compartments: set[str] = field(default_factory=set)

    def add(self, line: Line) -> None:
        self.deletes += line.delete
        self.upserts += not line.delete
        self.size += len(line.data)
        self.anonymous += line.anonymous
        self.safe = self.safe and line.replay_safe
        if line.compartment_id not in (None, UNKNOWN_ID) and len(self.compartments) < MAX_COMPARTMENTS:
            self.compartments.add(str(line.compartment_id))


def scan(
    root: Path,
    source: SourceDefinition,
    progress: Callable[[int], None] | None = None,
    on_reject: Callable[[Reject, Record], None] | None = None,
) -> Scan:
    """Read the whole source once.

    Args:
        root: the workspace.
        source: what to read.
        progress: is told how many lines were read, now and then.
        on_reject: is given every rejected line (the scan itself keeps the first few).

    Raises:
        ReconcilerError: the source cannot be read.
    """
    paths = find_files(root, source)
    names = [str(p.relative_to(root)) if p.is_relative_to(root) else str(p) for p in paths]
    hashed = _Digest(source)
    cutter, counts, line_for = Cutter(source.max_bytes), _Counts(), line_of(source)
    watch: Watch = Blind() if source.duplicates == "off" else Duplicates()
    for record in records(paths, source, feed=hashed.feed):
        counts.lines += 1
        if progress and counts.lines % TICK == 0:
            progress(counts.lines)
        try:
            line = line_for(record)
        except BadLine as e:
            reject = Reject(names[record.file], record.line, e.code, e.reason)
            counts.reasons[e.code] += 1
            if len(counts.rejects) < SHOWN_REJECTS:
                counts.rejects.append(reject)
            if on_reject:
                on_reject(reject, record)
            continue
        counts.add(line)
        watch.add(line.data, record.file, record.line)
        cutter.add(line.data, Position(record.file, record.offset, record.line - 1))
    cutter.close()
    if progress:
        progress(counts.lines)
    sent = counts.upserts + counts.deletes
    return Scan(
        source_digest=hashed.hexdigest(),
        files=tuple(names),
        chunks=tuple(cutter.chunks),
        lines=counts.lines,
        sent=sent,
        bytes=counts.size,
        upserts=counts.upserts,
        deletes=counts.deletes,
        rejected=counts.lines - sent,
        replay_safe=counts.safe,
        rejects=tuple(counts.rejects),
        reasons=dict(counts.reasons),
        compartments=frozenset(counts.compartments),
        missing_identity=counts.anonymous,
        repeated=watch.found(names),
    )


def chunk_lines(paths: list[Path], source: SourceDefinition, chunk: Chunk) -> Iterator[bytes]:
    """The lines of one chunk again, from its start; it may be called as often as an upload is tried."""
    line_for = line_of(source)
    left = chunk.lines
    for record in records(paths, source, chunk.start):
        try:
            line = line_for(record)
        except BadLine:
            continue
        yield line.data
        left -= 1
        if not left:
            return


class _Digest:
    """The source digest: what shapes the lines, then the decompressed bytes in path order."""

    def __init__(self, source: SourceDefinition) -> None:
        self._hash = hashlib.sha256(canonical(shape(source)) + b"\n")
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._held.append(data)
        self._size += len(data)
        if self._size >= 1 << 20:
            self._flush()

    def _flush(self) -> None:
        self._hash.update(b"".join(self._held))
        self._held, self._size = [], 0

    def hexdigest(self) -> str:
        self._flush()
        return self._hash.hexdigest()
