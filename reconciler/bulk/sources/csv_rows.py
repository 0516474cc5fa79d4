"""CSV: the header of a file, and the rows of a segment. Pure but for `header`.

Where records are is decided in `reconciler.bulk.sources.csv_framing`; what a record holds, by Python's csv module in its strict
mode, which is only asked about records that are framed well. `tests/laws/test_csv.py` holds the two together.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, Any, NamedTuple

from reconciler.bulk.records.columns import repeated
from reconciler.bulk.records.lines import BadLine
from reconciler.bulk.sources import csv_framing, csv_looks
from reconciler.bulk.sources.csv_framing import Broken, Framer
from reconciler.bulk.sources.encodings import encoding_read, shown
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import many
from reconciler.model.source import Dialect, SourceDefinition

LOOK = 1 << 16
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE | re.DOTALL)
csv.field_size_limit(csv_framing.MAX_BYTES)  # a record is refused before one of its cells could be


class Header(NamedTuple):
    """How a file begins.

    Attributes:
        columns: their names; None where there is no row to tell how many there are.
        raw: the header's bytes, without a mark; empty where the first row is data.
        lines: how many physical lines stand before the rows.
        end: where rows begin.
    """

    columns: tuple[str, ...] | None
    raw: bytes
    lines: int
    end: int


class CsvRow(NamedTuple):
    """One record: the line it begins at (0 is the segment's first), how many it takes, its bytes, its cells, or why it is bad."""

    line: int
    lines: int
    text: str
    cells: list[str] | None
    bad: BadLine | None


def header(file: IO[bytes], begin: int, source: SourceDefinition, name: str) -> Header:
    """The names of the columns, and where they stand.

    Args:
        file: its bytes, as `encodings.as_text` gives them.
        begin: bytes of a byte order mark.
        source: its dialect.
        name: of the file.

    Raises:
        ReconcilerError: there is no header, or it is not valid.
    """
    first = _First(file, begin, source, name)
    if not first.any():
        if not source.csv.header:
            return Header(None, b"", 0, begin)
        why = "it has nothing but blank lines" if first.sample else "it is empty"
        raise ReconcilerError(
            f"{name} has no CSV header: {why}",
            help="write the file again with its header; with csv: {header: false}, such a file has no rows",
        )
    cells, raw = first.cells(begin)
    said, following = b"", (cells, raw)
    if named := _SEP.fullmatch(raw.decode(encoding_read(source.csv.encoding), "replace").rstrip("\r\n")):
        first.agrees(named[1])
        said, following = raw, first.cells(begin + len(raw), or_end=not source.csv.header)
    cells, raw = following
    if not source.csv.header:
        columns = tuple(f"column_{i}" for i in range(1, len(cells) + 1)) or None
        return Header(columns, b"", csv_framing.lines_in(said), begin + len(said))
    columns = _named(cells, source, name)
    raw = said + raw
    return Header(columns, raw, csv_framing.lines_in(raw), begin + len(raw))


def look(file: IO[bytes], begin: int, source: SourceDefinition) -> str | None:
    """What the file looks like, if that is not what the spec says."""
    file.seek(begin)
    return _hint(file.read(LOOK), source)


def _hint(sample: bytes, source: SourceDefinition) -> str | None:
    return csv_looks.hint(sample, replace(source.csv, encoding=encoding_read(source.csv.encoding)))


class _First:
    """The first records of a file."""

    def __init__(self, file: IO[bytes], begin: int, source: SourceDefinition, name: str) -> None:
        self.file, self.source, self.name = file, source, name
        self.encoding = encoding_read(source.csv.encoding)
        file.seek(begin)
        self.sample = file.read(LOOK)
        if (said := csv_looks.no_text(self.sample)) and not csv_looks.could_be_text(self.sample):
            raise ReconcilerError(f"{name} is no text", help=said)

    def any(self) -> bool:
        """Whether there is anything but ends of lines."""
        return bool(self.sample.strip(b"\r\n"))

    def cells(self, begin: int, *, or_end: bool = False) -> tuple[list[str], bytes]:
        """The cells of the record at `begin`, and its bytes; none at the end of the file, if that is allowed."""
        framer = Framer(csv_framing.of(self.source.csv, self.encoding))
        self.file.seek(begin)
        done = False
        while not done:
            more = self.file.read(LOOK)
            framer.extend(more, at_end=not more)
            done = framer.advance(1)
        if not framer.window:
            if or_end:
                return [], b""
            raise self._wrong("nothing follows the line that names the separator")
        if not framer.at or framer.broken:
            reason = framer.broken[0].reason if framer.broken else "its first line is too long"
            raise self._wrong(reason)
        raw = framer.window[: framer.at]
        try:
            text = raw.decode(self.encoding)
        except UnicodeDecodeError:
            raise self._wrong(f"it is not {self.source.csv.encoding}") from None
        cells = next(_reader(iter(_lines(text)), self.source.csv))
        if not cells:
            raise self._wrong("its first line is blank")
        return cells, raw

    def agrees(self, separator: str) -> None:
        """Excel's line `sep=;` says what the spec says."""
        if separator != self.source.csv.delimiter:
            shown = "\\t" if separator == "\t" else separator
            raise ReconcilerError(
                f"the first line of {self.name} is Excel's `sep={shown}`: it names another separator than the spec",
                help=f'set csv: {{delimiter: "{shown}"}}; the line is then no header and no row',
            )

    def _wrong(self, reason: str) -> ReconcilerError:
        what = "header" if self.source.csv.header else "first row"
        hint = _hint(self.sample, self.source)
        return ReconcilerError(f"{self.name}: the {what} is not valid CSV: {reason}", help=hint)


def _named(cells: Sequence[str], source: SourceDefinition, name: str) -> tuple[str, ...]:
    """The columns by their names; one without is column_N where the spec lists the columns that it wants."""
    for number, cell in enumerate(cells, 1):
        if not cell and source.include is None:
            raise ReconcilerError(
                f"{name}: column {number} of the CSV header has no name",
                help="name it in the file, or list the wanted columns in profile: {include: […]}",
            )
    columns = tuple(cell or f"column_{number}" for number, cell in enumerate(cells, 1))
    if (twice := repeated(columns)) is not None:
        places = " and ".join(str(n) for n, c in enumerate(columns, 1) if c == twice)
        raise ReconcilerError(
            f"{name}: two columns of the CSV header have the same name: columns {places}",
            help="give each a name of its own in the file",
        )
    return columns


def rows(
    data: bytes, columns: tuple[str, ...] | None, dialect: Dialect, broken: Sequence[Broken] = ()
) -> Iterator[CsvRow]:
    """The records of a segment; blank lines that follow one another are one of them.

    Args:
        data: whole records.
        columns: names from the header, where the file has one.
        dialect: delimiter, quote and encoding.
        broken: places in the data that hold no whole record, in order.
    """
    encoding, line, at = encoding_read(dialect.encoding), 0, 0
    for gap in (*broken, None):
        end = len(data) if gap is None else gap.begin
        if end > at:
            part = data[at:end]
            yield from _framed(part, line, columns, dialect, encoding)
            line += csv_framing.lines_in(part)
        if gap is not None:
            text = shown(data[gap.begin : gap.end], dialect.encoding)
            yield CsvRow(line, 1, text, None, BadLine("line-csv", gap.reason))
            line, at = line + 1, gap.end


def _framed(
    data: bytes, first: int, columns: tuple[str, ...] | None, dialect: Dialect, encoding: str
) -> Iterator[CsvRow]:
    """The records of bytes in which all are framed well."""
    try:
        lines, doubtful = _lines(data.decode(encoding)), False
    except UnicodeDecodeError:
        lines, doubtful = _lines(data.decode(encoding, "surrogateescape")), True
    reader, before, blank = _reader(iter(lines), dialect), 0, 0
    width = None if columns is None else len(columns)
    for cells in reader:
        if not cells:
            blank, before = blank + 1, reader.line_num
            continue
        if blank:
            yield _blank(first + before, blank)
            blank = 0
        begin, before = before, reader.line_num
        if len(cells) == width and not doubtful:
            yield CsvRow(first + begin, before - begin, "", cells, None)
            continue
        text = "".join(lines[begin:before])
        bad = _bad(cells, width, text, dialect)
        yield CsvRow(
            first + begin,
            before - begin,
            shown(text.encode(encoding, "surrogateescape"), dialect.encoding),
            None if bad else cells,
            bad,
        )
    if blank:
        yield _blank(first + before, blank)


def _blank(end: int, count: int) -> CsvRow:
    words = "the line is blank" if count == 1 else f"{many(count, 'blank line')}"
    return CsvRow(end - count, count, "", None, BadLine("line-blank", words))


def _lines(text: str) -> list[str]:
    """Physical lines with their ends, as Python's csv wants them."""
    return list(io.StringIO(text, newline=""))


def _reader(lines: Iterator[str], dialect: Dialect) -> Any:
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)


def _bad(cells: list[str], width: int | None, text: str, dialect: Dialect) -> BadLine | None:
    if width is not None and len(cells) != width:
        return BadLine("line-columns", f"{many(len(cells), 'cell')}, {many(width, 'column')}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return BadLine("line-encoding", f"the line is not {dialect.encoding}")
    return None
