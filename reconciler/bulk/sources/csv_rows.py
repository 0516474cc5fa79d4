"""CSV: the header of a file, and the rows of a segment, by Python's csv module in its strict mode. Pure but for `header`."""

import csv
import io
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from reconciler.bulk.records.lines import BadLine
from reconciler.errors import ReconcilerError
from reconciler.model.source import Dialect, SourceDefinition

FIELD_LIMIT = 1_000_000
RECORD_LIMIT = FIELD_LIMIT * 4
_BOM = b"\xef\xbb\xbf"
csv.field_size_limit(FIELD_LIMIT)


class CsvRow(NamedTuple):
    """One record: the line it begins at (0 is the segment's first), its cells, or why it is bad."""

    line: int
    text: str
    cells: list[str] | None
    bad: BadLine | None


def header(file: IO[bytes], source: SourceDefinition, name: str) -> tuple[tuple[str, ...] | None, bytes]:
    """Column names, and the bytes of the line that says them (none where the first line is data).

    Raises:
        ReconcilerError: there is no header, or it is not valid.
    """
    file.seek(0)
    head = file.readline(FIELD_LIMIT)
    dialect = source.csv
    text = head.removeprefix(_BOM).decode(dialect.encoding, "replace")
    if not dialect.header:
        cells: list[str] = next(_reader(io.StringIO(text, newline=""), dialect, strict=False), [])
        return tuple(f"column_{i}" for i in range(1, len(cells) + 1)) or None, b""
    try:
        columns: list[str] = next(_reader(io.StringIO(text, newline=""), dialect, strict=True), [])
    except csv.Error as e:
        raise ReconcilerError(f"{name}: the header is not valid CSV: {e}") from None
    if not columns:
        raise ReconcilerError(
            f"{name} has no CSV header", help="set csv: {header: false} if the first row is data"
        )
    if len(set(columns)) != len(columns):
        raise ReconcilerError(f"{name}: two columns of the CSV header have the same name")
    return tuple(columns), head


def rows(data: bytes, columns: tuple[str, ...] | None, dialect: Dialect) -> Iterator[CsvRow]:
    """The records of a segment."""
    texts = [raw.decode(dialect.encoding, "surrogateescape") + "\n" for raw in data.split(b"\n")]
    if data.endswith(b"\n"):
        texts.pop()
    reader = _reader(iter(texts), dialect, strict=True)
    while True:
        before = reader.line_num
        try:
            cells: list[str] = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            bad = BadLine("line-csv", f"not valid CSV: {e}; check for a quote that is not closed")
            yield CsvRow(before, "".join(texts[before : reader.line_num]), None, bad)
            continue
        if columns is None:
            columns = tuple(f"column_{i}" for i in range(1, len(cells) + 1))
        text = "".join(texts[before : reader.line_num])
        bad_row = _bad(cells, columns, text)
        yield CsvRow(before, text, None if bad_row else cells, bad_row)


def _reader(lines: Iterator[str] | io.StringIO, dialect: Dialect, *, strict: bool) -> Any:
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=strict)


def _bad(cells: list[str], columns: tuple[str, ...], text: str) -> BadLine | None:
    if not cells:
        return BadLine("line-blank", "the line is blank")
    if len(cells) != len(columns):
        return BadLine("line-columns", f"{len(cells)} cells, {len(columns)} columns")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return BadLine("line-encoding", "the line is not in the source's encoding")
    return None
