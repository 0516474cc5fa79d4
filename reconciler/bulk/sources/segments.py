"""Places -> segments: pieces of a source that hold whole records, a few megabytes each, in order.

Where one segment ends and the next begins follows from the bytes alone, from any segment's start on; so a chunk that
begins in a segment is found again by reading from there. The source digest is fed on the way.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from reconciler.bulk.records.columns import require_columns, require_text
from reconciler.bulk.records.lines import BadLine, too_large
from reconciler.bulk.sources import csv_framing, csv_rows, encodings, line_framing, locations, parquet
from reconciler.bulk.sources.csv_framing import Broken, Framer
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import many
from reconciler.model.load import Position
from reconciler.model.source import SourceDefinition

SIZE = 4 << 20
MADE_SIZE = 1 << 20  # where lines are made of rows: several segments and all of their lines are held at once
BEGINNING = Position(0, 0, 0)
BOM = b"\xef\xbb\xbf"
LOOK = 1 << 16  # bytes read beyond a segment, in which its last record is likely to end
_END = re.compile(rb"\r\n?|\n")
Feed = Callable[[bytes], None]


class Segment(NamedTuple):
    """Whole records of one file.

    Attributes:
        file: index of the file.
        offset: of `data` in the file's decompressed bytes; in rows for Parquet.
        data: the bytes; the last line of a file may lack its newline.
        columns: the header's, for CSV.
        header: how many lines that header takes.
        broken: lines of `data` that begin no record, for CSV.
        frame: rows as a frame, for Parquet.
        schema: its types as the file says them: a map is a list of its entries in the frame.
        bad: it is one line that is too long to hold; `data` is empty.
    """

    file: int
    offset: int
    data: bytes = b""
    columns: tuple[str, ...] | None = None
    header: int = 0
    broken: tuple[Broken, ...] = ()
    frame: Any = None
    schema: Mapping[str, Any] | None = None
    bad: BadLine | None = None


def segments(
    root: Path,
    names: Sequence[str],
    source: SourceDefinition,
    start: Position = BEGINNING,
    feed: Feed | None = None,
    size: int = 0,
) -> Iterator[Segment]:
    """All records from `start` on.

    Args:
        root: the workspace.
        names: places, in order.
        source: its format decides where records end.
        start: where an earlier pass found a segment, or a line of commands or NDJSON, to begin.
        feed: is given all decompressed bytes, joined at line ends; only in a pass from the beginning.
        size: bytes of a segment, about; 0 decides by the format.

    Raises:
        ReconcilerError: a place cannot be read, or a header does not fit.
    """
    size = size or (SIZE if source.format == "commands" else MADE_SIZE)
    for index in range(start.file, len(names)):
        position = start if index == start.file else Position(index, 0, 0)
        try:
            if source.format == "parquet":
                yield from _rows(root, names[index], position, source, feed)
                continue
            with locations.open_place(root, names[index], source.compression) as file:
                if source.format in ("commands", "ndjson"):
                    encodings.mark(file, encodings.UTF_8, names[index], "")
                cut = _csv if source.format == "csv" else _lines
                yield from cut(file, names[index], position, source, feed, size)
        except locations.damage() as e:
            raise ReconcilerError(f"cannot read {names[index]}: {locations.damage_words(e)}") from None


def _rows(
    root: Path, name: str, start: Position, source: SourceDefinition, feed: Feed | None
) -> Iterator[Segment]:
    """Rows of a Parquet file; positions count rows, and the digest covers the file as it is."""
    with locations.as_file(root, name) as path:
        if feed:
            feed_file(path, feed)
        yield from frames_of(path, name, source, start)


def feed_file(path: Path, feed: Feed) -> None:
    """All bytes of a Parquet file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        while block := file.read(locations.BUFFER):
            feed(block)


def frames_of(
    path: Path, name: str, source: SourceDefinition, start: Position, count: int | None = None
) -> Iterator[Segment]:
    """Rows of a Parquet file.

    Args:
        path: where it can be read.
        name: of the place.
        source: what it has to hold.
        start: the first row.
        count: how many rows; all that follow if None.

    Raises:
        ReconcilerError: it cannot be read, or lacks a column.
        OSError: it cannot be read.
    """
    layout = parquet.layout(path, name)
    types = layout.types
    require_columns(list(types), source, name, lambda column: parquet.holds(types, column))
    require_text(parquet.not_text(types), source, name)
    row = start.offset
    parquet.require_times(path, name, layout, row, count)
    with parquet.whole(path, layout) as read:
        for frame in parquet.frames(read, name, row, types, count):
            yield Segment(start.file, row, frame=frame, schema=types)
            row += frame.height


def _lines(
    file: IO[bytes], name: str, start: Position, source: SourceDefinition, feed: Feed | None, size: int
) -> Iterator[Segment]:
    offset, limit = start.offset, line_framing.longest(source)
    if offset:
        file.seek(offset)
    # A line of so many bytes is too long, whatever follows, and if it begins with a mark.
    beyond = limit + line_framing.LONGEST_END + len(BOM) + 1
    plain = locations.is_plain(name, source.compression)
    while (
        data := _to_line_end(file, offset, size, beyond) if plain else _and_rest_of_line(file, size, beyond)
    ):
        if offset == 0 and data.startswith(BOM):
            data, offset = data[len(BOM) :], len(BOM)
        if feed:
            feed(data)
        more, tail = 0, b""
        for begin, end, too_long in line_framing.stretches(data, limit):
            if not too_long:
                yield Segment(start.file, offset + begin, data[begin:end])
                tail = data[end - 1 : end]
                continue
            more, tail = _rest_of_line(file, data[begin:end], beyond, feed)
            length = end - begin + more - len(tail) + len(line_framing.content(tail))
            yield Segment(start.file, offset + begin, bad=too_large(length, source))
        offset += len(data) + more
        if feed and not tail.endswith(b"\n"):
            feed(b"\n")  # files are joined at line ends


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


def _rest_of_line(file: IO[bytes], line: bytes, limit: int, feed: Feed | None) -> tuple[int, bytes]:
    """Read on to the end of a line that is too long to hold; how much that was, and the line's last two bytes."""
    read, tail = 0, line[-2:]
    while not tail.endswith(b"\n") and (more := file.readline(limit)):
        read, tail = read + len(more), (tail + more)[-2:]
        if feed:
            feed(more)
    return read, tail


def _csv(
    file: IO[bytes], name: str, start: Position, source: SourceDefinition, feed: Feed | None, size: int
) -> Iterator[Segment]:
    text, begin = encodings.as_text(file, source.csv.encoding, name, "set csv: {{encoding: {}}}")
    head = csv_rows.header(text, begin, source, name)
    if head.columns is not None:
        require_columns(head.columns, source, name, looks=lambda: csv_rows.look(text, begin, source))
    if feed and source.csv.header:
        feed(b"\0")  # where a file begins shapes the lines: its first one is a header
        feed(head.raw if head.raw.endswith((b"\n", b"\r")) else head.raw + b"\n")
    offset, rules = (
        start.offset or head.end,
        csv_framing.of(source.csv, encodings.encoding_read(source.csv.encoding)),
    )
    ahead = _Ahead(text, offset, feed, again=in_place(name, source))
    empty = Segment(start.file, offset, b"", head.columns, head.lines)
    if not ahead.fill(size + LOOK) and not start.offset:
        yield empty  # it has a header
    while ahead.fill(size + LOOK):
        framer, look = Framer(rules), LOOK
        framer.extend(ahead.held, at_end=ahead.ended)
        while not framer.advance(size):
            framer.extend(ahead.read(look), at_end=ahead.ended)
            look *= 2
        if framer.at:
            at, data = ahead.offset, ahead.take(framer.at)
            yield empty._replace(offset=at, data=data, broken=tuple(framer.broken))
        if framer.too_long():
            at, length = ahead.offset, ahead.skip_line()
            bad = BadLine(
                "line-too-large", f"the line has {many(length, 'byte')}, a row at most {rules.max_bytes:,}"
            )
            yield empty._replace(offset=at, bad=bad)
    ahead.close()


class _Ahead:
    """The bytes of a file from a place on, some of which are read before they are taken; what is taken is fed to the digest.

    Attributes:
        offset: of the first byte that is not taken.
        held: the bytes from there on that are read.
        ended: there are no more.
    """

    def __init__(self, file: IO[bytes], offset: int, feed: Feed | None, *, again: bool) -> None:
        self._file, self.offset, self._feed, self._again = file, offset, feed, again
        self.held, self.ended, self._last = b"", False, b""
        file.seek(offset)

    def fill(self, size: int) -> bool:
        """Hold so many bytes, if there are; False at the end of the file."""
        if self._again:  # to read a few bytes once more costs less than to join two pieces
            self._file.seek(self.offset)
            self.held, self.ended = b"", False
        if not self.ended and len(self.held) < size:
            self.read(size - len(self.held))
        return bool(self.held)

    def read(self, size: int) -> bytes:
        """So many bytes more; they are held, too."""
        more = self._file.read(size)
        self.ended = len(more) < size
        self.held = self.held + more if self.held else more
        return more

    def take(self, size: int) -> bytes:
        """The first bytes of those that are held."""
        data = self.held[:size]
        self.held = self.held[size:]
        self._taken(data)
        return data

    def skip_line(self) -> int:
        """Go on to the next line, however long this one is; its length."""
        begin = self.offset
        while (found := _END.search(self.held)) is None or (found.end() == len(self.held) and not self.ended):
            if self.ended:
                break
            if found is None:
                self.take(len(self.held))
            self.read(LOOK)
        self.take(found.end() if found else len(self.held))
        return self.offset - begin

    def close(self) -> None:
        """Files are joined at line ends."""
        if self._feed and self._last and not self._last.endswith((b"\n", b"\r")):
            self._feed(b"\n")

    def _taken(self, data: bytes) -> None:
        self.offset += len(data)
        self._last = data[-1:] or self._last
        if self._feed:
            self._feed(data)


def in_place(name: str, source: SourceDefinition) -> bool:
    """True if any process can read the bytes of a segment where they are, and at once."""
    as_is = source.format != "csv" or encodings.read_as_is(source.csv.encoding)
    return as_is and locations.is_plain(name, source.compression)


def alone(name: str, source: SourceDefinition) -> bool:
    """True if any part of a file can be read by itself, wherever it lies: text that is not packed, read in the encoding it is in."""
    if source.format not in ("commands", "ndjson", "csv"):
        return False
    as_is = source.format != "csv" or encodings.read_as_is(source.csv.encoding)
    return as_is and locations.compression_of(name, source.compression) == "none"
