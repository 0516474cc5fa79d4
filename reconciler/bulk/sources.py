"""Files of a source -> rows with positions, streamed. The only module here that opens source files.

Enters: a `SourceDefinition` and the workspace root. Leaves: `Record`s, in path order, each with where it starts.
Memory is bounded by one line, however large the file (G8).
"""

import csv
import glob
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from reconciler.bulk import parquet
from reconciler.bulk.lines import BadLine
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.model.load import Position
from reconciler.model.source import SourceDefinition

CSV_FIELD_LIMIT = 1_000_000
BUFFER = 1 << 20
BEGINNING = Position(0, 0, 0)
BOM = b"\xef\xbb\xbf"
csv.field_size_limit(CSV_FIELD_LIMIT)

Feed = Callable[[bytes], None]
_decode_row = msgspec.json.Decoder(dict[str, Any]).decode


class Record(NamedTuple):
    """One line of a source: raw bytes (commands), a row (mapped), or why it is bad."""

    file: int
    offset: int
    line: int
    raw: bytes
    row: dict[str, Any] | None
    bad: BadLine | None


def find_files(root: Path, source: SourceDefinition) -> list[Path]:
    """Files of the source in path order.

    Raises:
        ReconcilerError: a pattern matches nothing, or leaves the workspace.
    """
    found: dict[str, Path] = {}
    inside = root.resolve()
    for pattern in source.files:
        matches = [m for m in glob.glob(pattern, root_dir=root, recursive=True) if (root / m).is_file()]  # noqa: PTH207 - root_dir
        if not matches:
            raise ReconcilerError(f"no file matches {pattern!r}", help="paths are relative to the workspace")
        for match in matches:
            path = root / match
            if not source.outside and not path.resolve().is_relative_to(inside):
                raise ReconcilerError(
                    f"{match} lies outside the workspace",
                    help="set allow_outside_paths: true in reconciler.yaml if it is meant",
                )
            found[Path(match).as_posix()] = path
    return [found[name] for name in sorted(found)]


def records(
    paths: list[Path], source: SourceDefinition, start: Position = BEGINNING, feed: Feed | None = None
) -> Iterator[Record]:
    """All lines from `start` on.

    Args:
        paths: from `find_files`.
        source: its format decides how lines are read.
        start: a position that an earlier pass gave; (0, 0, 0) is the beginning.
        feed: is given all decompressed bytes, joined at line ends; only in a pass from the beginning.

    Raises:
        ReconcilerError: a file cannot be read, or a CSV header does not fit.
    """
    if source.format == "parquet":
        yield from _parquet_records(paths, source, start, feed)
        return
    read = _csv_records if source.format == "csv" else _json_records
    for index in range(start.file, len(paths)):
        position = start if index == start.file else Position(index, 0, 0)
        try:
            with open_file(paths[index], source.compression) as file:
                yield from read(file, index, position, source, feed, paths[index])
        except _damage() as e:
            raise ReconcilerError(
                f"cannot read {paths[index].name}: {getattr(e, 'strerror', None) or e}"
            ) from None


def open_file(path: Path, compression: str) -> IO[bytes]:
    """The decompressed bytes of one file.

    Raises:
        MissingExtra: the library for its compression is not installed.
    """
    if compression == "suffix":
        compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix, "none")
    if compression == "gzip":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if compression == "zstd":
        return _zstd().open(path, "rb")  # type: ignore[no-any-return]
    return path.open("rb", buffering=BUFFER)


def _damage() -> tuple[type[Exception], ...]:
    """What reading a damaged file, or one that is not packed as said, may raise."""
    zstd = sys.modules.get("backports.zstd") or sys.modules.get("compression.zstd")
    return (OSError, EOFError, zlib.error, *((zstd.ZstdError,) if zstd else ()))


def _zstd() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        raise MissingExtra("zstd compression", "files") from None
    return zstd


def _parquet_records(
    paths: list[Path], source: SourceDefinition, start: Position, feed: Feed | None
) -> Iterator[Record]:
    """Rows of Parquet files; positions count rows, and the digest covers the files as they are."""
    for index in range(start.file, len(paths)):
        path, first = paths[index], start.offset if index == start.file else 0
        try:
            if feed:
                with path.open("rb", buffering=0) as file:
                    while block := file.read(BUFFER):
                        feed(block)
            _need_columns(parquet.columns(path), source, path)
            for row, found in enumerate(parquet.rows(path, first), first):
                bad = found if isinstance(found, BadLine) else None
                yield Record(index, row, row + 1, b"", None if isinstance(found, BadLine) else found, bad)
        except OSError as e:
            raise ReconcilerError(f"cannot read {path.name}: {e.strerror or e}") from None


def _json_records(
    file: IO[bytes], index: int, start: Position, source: SourceDefinition, feed: Feed | None, path: Path
) -> Iterator[Record]:
    mapped = source.format == "ndjson"
    limit = source.max_bytes + 2
    offset, line = start.offset, start.line
    file.seek(offset)
    while raw := file.readline(limit):
        line += 1
        begins, size = offset, len(raw)
        too_long = size == limit and not raw.endswith(b"\n")
        if feed:
            _feed_line(feed, raw, begins, ends=not too_long)
        while too_long and not raw.endswith(b"\n") and (raw := file.readline(limit)):
            size += len(raw)
            if feed:
                feed(raw)
        offset += size
        if too_long:
            yield _bad(
                index,
                begins,
                line,
                "line-too-large",
                f"the line has {size:,} bytes, a chunk at most {source.max_bytes:,}",
            )
            continue
        text = raw[3:] if begins == 0 and raw.startswith(BOM) else raw
        text = text[:-1] if text.endswith(b"\n") else text
        text = text[:-1] if text.endswith(b"\r") else text
        yield _json_record(index, begins, line, text, mapped=mapped)


def _bad(index: int, offset: int, line: int, code: str, reason: str) -> Record:
    return Record(index, offset, line, b"", None, BadLine(code, reason))


def _json_record(index: int, offset: int, line: int, text: bytes, *, mapped: bool) -> Record:
    if not text or text.isspace():
        return _bad(index, offset, line, "line-blank", "the line is blank")
    if not mapped:
        return Record(index, offset, line, text, None, None)
    try:
        return Record(index, offset, line, text, _decode_row(text), None)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        return _bad(index, offset, line, "line-json", str(e)[:160])


def _feed_line(feed: Feed, raw: bytes, offset: int, *, ends: bool) -> None:
    feed(raw[3:] if offset == 0 and raw.startswith(BOM) else raw)
    if ends and not raw.endswith(b"\n"):
        feed(b"\n")


class _Lines:
    """Physical lines for the csv reader, counting bytes and lines so that each record's start is known."""

    def __init__(self, file: IO[bytes], start: Position, encoding: str, feed: Feed | None) -> None:
        self.file, self.encoding, self.feed = file, encoding, feed
        self.offset, self.line = start.offset, start.line
        file.seek(start.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self.file.readline(CSV_FIELD_LIMIT * 4)
        if not raw:
            raise StopIteration
        if self.feed:
            _feed_line(self.feed, raw, self.offset, ends=len(raw) < CSV_FIELD_LIMIT * 4)
        text = raw[3:] if self.offset == 0 and raw.startswith(BOM) else raw
        self.offset += len(raw)
        self.line += 1
        return text.decode(self.encoding, "surrogateescape")


def _csv_records(
    file: IO[bytes], index: int, start: Position, source: SourceDefinition, feed: Feed | None, path: Path
) -> Iterator[Record]:
    dialect = source.csv
    if feed and dialect.header:
        feed(b"\0")  # where a file begins shapes the lines: its first one is a header
    columns, first = _header(file, source, path, feed)
    lines = _Lines(
        file, start if start.offset else Position(index, first, 1 if first else 0), dialect.encoding, feed
    )
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    while True:
        offset, line = lines.offset, lines.line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            yield _bad(index, offset, line, "line-csv", f"not valid CSV: {e}; is a quote not closed?")
            continue
        if columns is None:
            columns = [f"column_{i}" for i in range(1, len(cells) + 1)]
        yield _csv_record(index, offset, line, cells, columns)


def _csv_record(index: int, offset: int, line: int, cells: list[str], columns: list[str]) -> Record:
    if not cells:
        return _bad(index, offset, line, "line-blank", "the line is blank")
    if len(cells) != len(columns):
        return _bad(index, offset, line, "line-columns", f"{len(cells)} cells, {len(columns)} columns")
    try:
        "".join(cells).encode("utf-8")
    except UnicodeEncodeError:
        return _bad(index, offset, line, "line-encoding", "the line is not in the source's encoding")
    return Record(index, offset, line, b"", dict(zip(columns, cells, strict=True)), None)


def _header(
    file: IO[bytes], source: SourceDefinition, path: Path, feed: Feed | None
) -> tuple[list[str] | None, int]:
    """Column names and the offset of the first row; reads the head of the file."""
    file.seek(0)
    head = file.readline(CSV_FIELD_LIMIT)
    dialect = source.csv
    if not dialect.header:
        cells = next(
            csv.reader(
                io.StringIO(head.decode(dialect.encoding, "replace")),
                delimiter=dialect.delimiter,
                quotechar=dialect.quote,
            ),
            [],
        )
        return ([f"column_{i}" for i in range(1, len(cells) + 1)] or None), 0
    if feed:
        _feed_line(feed, head, 0, ends=True)
    text = head.removeprefix(BOM).decode(dialect.encoding, "replace")
    try:
        columns = next(
            csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True), []
        )
    except csv.Error as e:
        raise ReconcilerError(f"{path.name}: the header is not valid CSV: {e}") from None
    if not columns:
        raise ReconcilerError(
            f"{path.name} has no CSV header", help="set csv: {header: false} if the first line is data"
        )
    if len(set(columns)) != len(columns):
        raise ReconcilerError(f"{path.name}: two columns of the CSV header have one name")
    _need_columns(columns, source, path)
    return columns, len(head)


def _need_columns(columns: list[str], source: SourceDefinition, path: Path) -> None:
    needed = (
        {i.column for i in (*source.identify_by, *((source.owner,) if source.owner else ()))}
        | set(source.types)
        | set(source.rename)
    )
    needed |= (
        set(source.include or ())
        | set(source.exclude)
        | ({source.operation.column} if source.operation.column else set())
    )
    if missing := sorted(needed - set(columns)):
        raise ReconcilerError(
            f"{path.name} has no column '{missing[0]}'", help=f"its columns: {', '.join(columns)}"
        )
