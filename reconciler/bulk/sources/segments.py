"""Places -> segments: pieces of a source that hold whole records, a few megabytes each, in order.

Where one segment ends and the next begins follows from the bytes alone, from any segment's start on; so a chunk that
begins in a segment is found again by reading from there. The source digest is fed on the way.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from reconciler.bulk.records.columns import require_columns, require_text
from reconciler.bulk.records.lines import BadLine, too_large
from reconciler.bulk.sources import csv_rows, locations, parquet
from reconciler.errors import ReconcilerError
from reconciler.model.load import Position
from reconciler.model.source import SourceDefinition

SIZE = 4 << 20
BEGINNING = Position(0, 0, 0)
BOM = b"\xef\xbb\xbf"
Feed = Callable[[bytes], None]


class Segment(NamedTuple):
    """Whole records of one file.

    Attributes:
        file: index of the file.
        offset: of `data` in the file's decompressed bytes; in rows for Parquet.
        data: the bytes; the last line of a file may lack its newline.
        columns: the header's, for CSV.
        frame: rows as a frame, for Parquet.
        bad: it is one line that is too long to hold; `data` is empty.
    """

    file: int
    offset: int
    data: bytes = b""
    columns: tuple[str, ...] | None = None
    frame: Any = None
    bad: BadLine | None = None


def segments(
    root: Path,
    names: Sequence[str],
    source: SourceDefinition,
    start: Position = BEGINNING,
    feed: Feed | None = None,
    size: int = SIZE,
) -> Iterator[Segment]:
    """All records from `start` on.

    Args:
        root: the workspace.
        names: places, in order.
        source: its format decides where records end.
        start: where an earlier pass found a segment, or a line of commands or NDJSON, to begin.
        feed: is given all decompressed bytes, joined at line ends; only in a pass from the beginning.
        size: bytes of a segment, about.

    Raises:
        ReconcilerError: a place cannot be read, or a header does not fit.
    """
    for index in range(start.file, len(names)):
        position = start if index == start.file else Position(index, 0, 0)
        try:
            if source.format == "parquet":
                yield from _rows(root, names[index], position, source, feed)
                continue
            with locations.open_place(root, names[index], source.compression) as file:
                cut = _csv if source.format == "csv" else _lines
                yield from cut(file, names[index], position, source, feed, size)
        except locations.damage() as e:
            raise ReconcilerError(
                f"cannot read {names[index]}: {getattr(e, 'strerror', None) or e}"
            ) from None


def _rows(
    root: Path, name: str, start: Position, source: SourceDefinition, feed: Feed | None
) -> Iterator[Segment]:
    """Rows of a Parquet file; positions count rows, and the digest covers the file as it is."""
    with locations.as_file(root, name) as path:
        if feed:
            with path.open("rb") as file:
                while block := file.read(locations.BUFFER):
                    feed(block)
        schema = parquet.schema(path, name)
        require_columns(list(schema), source, name, lambda column: parquet.holds(schema, column))
        require_text(parquet.not_text(schema), source, name)
        row = start.offset
        for frame in parquet.frames(path, name, row):
            yield Segment(start.file, row, frame=frame)
            row += frame.height


def _lines(
    file: IO[bytes], name: str, start: Position, source: SourceDefinition, feed: Feed | None, size: int
) -> Iterator[Segment]:
    offset, limit = start.offset, source.max_bytes + 2
    if offset:
        file.seek(offset)
    plain = locations.is_plain(name, source.compression)
    while data := _to_line_end(file, offset, size, limit) if plain else _and_rest_of_line(file, size, limit):
        if offset == 0 and data.startswith(BOM):
            data, offset = data[len(BOM) :], len(BOM)
        if feed:
            feed(data)
        last = len(data) - data.rfind(b"\n") - 1
        whole = data if last < limit else data[: len(data) - last]
        if whole:
            yield Segment(start.file, offset, whole)
        offset += len(whole)
        if last >= limit:
            length, data = _rest_of_line(file, last, limit, feed)
            yield Segment(start.file, offset, bad=too_large(length, source))
            offset += length
        if feed and not data.endswith(b"\n"):
            feed(b"\n")


def _to_line_end(file: IO[bytes], offset: int, size: int, limit: int) -> bytes:
    """At least `size` bytes up to the end of a line, in one piece: joining two would copy all."""
    file.seek(offset + size - 1)
    rest = file.readline(limit + 1)
    file.seek(offset)
    return file.read(size - 1 + len(rest))


def _and_rest_of_line(file: IO[bytes], size: int, limit: int) -> bytes:
    """The same where going back is costly."""
    data = file.read(size)
    return data if data.endswith(b"\n") else data + file.readline(limit)


def _rest_of_line(file: IO[bytes], length: int, limit: int, feed: Feed | None) -> tuple[int, bytes]:
    """Read on to the end of a line that is too long to hold; its length, and what came last of it."""
    last = b""
    while not last.endswith(b"\n") and (more := file.readline(limit)):
        last, length = more, length + len(more)
        if feed:
            feed(more)
    return length, last


def _csv(
    file: IO[bytes], name: str, start: Position, source: SourceDefinition, feed: Feed | None, size: int
) -> Iterator[Segment]:
    columns, head = csv_rows.header(file, source, name)
    if columns is not None and source.csv.header:
        require_columns(columns, source, name)
    if feed and source.csv.header:
        feed(b"\0")  # where a file begins shapes the lines: its first one is a header
        feed(head.removeprefix(BOM))
        if not head.endswith(b"\n"):
            feed(b"\n")
    offset = start.offset or len(head)
    file.seek(offset)
    quote = source.csv.quote.encode()
    while data := file.read(size):
        if offset == 0 and data.startswith(BOM):
            data, offset = data[len(BOM) :], len(BOM)
        if not data.endswith(b"\n"):
            data += file.readline(csv_rows.RECORD_LIMIT)
        beyond = 0
        while data.count(quote) % 2 and beyond < csv_rows.RECORD_LIMIT:  # within quotes: the record goes on
            more = file.readline(csv_rows.RECORD_LIMIT)
            if not more:
                break
            data, beyond = data + more, beyond + len(more)
        if feed:
            feed(data if data.endswith(b"\n") else data + b"\n")
        yield Segment(start.file, offset, data, columns)
        offset += len(data)
