"""What a CSV file looks like, to explain why it cannot be read as the spec says; nothing is ever read by it. Pure."""

import codecs
import itertools
import re
from dataclasses import replace

from reconciler.bulk.sources import csv_framing
from reconciler.bulk.sources.csv_framing import Framer
from reconciler.bulk.sources.encodings import MARKS
from reconciler.model.source import Dialect

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_QUOTES = {'"': "double quotes", "'": "single quotes"}
_NO_TEXT = (
    (b"\x1f\x8b", "this looks packed by gzip: set compression: gzip, or name the file .gz"),
    (b"\x28\xb5\x2f\xfd", "this looks packed by zstd: set compression: zstd, or name the file .zst"),
    (b"BZh", "this looks packed by bzip2, which is not read: unpack it, or pack it by gzip or zstd"),
    (b"\xfd7zXZ\0", "this looks packed by xz, which is not read: unpack it, or pack it by gzip or zstd"),
    (
        b"\x04\x22\x4d\x18",
        "this looks packed by lz4, which is not read: unpack it, or pack it by gzip or zstd",
    ),
    (b"PAR1", "this looks like Parquet: set format: parquet"),
    (b"PK\x03\x04", "this looks like a workbook of Excel or another ZIP file: write its rows as CSV"),
    (b"\xd0\xcf\x11\xe0", "this looks like an old workbook of Excel: write its rows as CSV"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_CYRILLIC = frozenset((0xA8, 0xB8, *range(0xC0, 0x100)))  # letters of Russian in windows-1251
_WIDER = {
    "shift_jis": "cp932",
    "gbk": "gb18030",
    "euc-kr": "cp949",
}  # what programs write that call it by the first name
_ROWS = 20
_SAMPLE = 1 << 14


def no_text(sample: bytes) -> str | None:
    """What to do about a file that by its first bytes is no text."""
    return next((words for mark, words in _NO_TEXT if sample.startswith(mark)), None)


def could_be_text(sample: bytes) -> bool:
    """Whether there is no byte that programs write into no text; a header may begin with `PAR1`."""
    return not _CONTROLS.search(sample)


def hint(sample: bytes, declared: Dialect) -> str | None:
    """What to set, if the first bytes of a file look otherwise than declared."""
    if said := no_text(sample):
        return said
    sample = sample[:_SAMPLE]
    encoding = encoding_of(sample, declared.encoding)
    text = sample.decode(encoding, "replace")
    delimiter, quote = _marks_of(text, declared)
    return _said(declared, delimiter, quote, encoding) or _escaped(text, declared)


def rows_hint(sample: bytes, declared: Dialect, width: int | None) -> str | None:
    """The same for bytes that begin with a row that is rejected.

    Args:
        sample: from that row on.
        declared: by which the header could be read.
        width: columns of the header; None where the file has none.
    """
    sample = sample[:_SAMPLE]
    encoding = (
        declared.encoding if _damaged(sample, declared.encoding) else encoding_of(sample, declared.encoding)
    )
    text = sample.decode(encoding, "replace")
    delimiter, quote = _marks_of(text, declared) if width is None else _marks_for(text, declared, width)
    if width is not None and delimiter != declared.delimiter:
        return f"this looks like {_DELIMITERS[delimiter]} between cells, unlike the header: write the file with one separator"
    if said := _said(declared, delimiter, quote, encoding):
        return said
    return _escaped(text, declared)


def _escaped(text: str, declared: Dialect) -> str | None:
    if f"\\{declared.quote}" in text.partition("\n")[0]:
        return "this looks like quotes escaped by a backslash: write the file with doubled quotes; a backslash is a character here"
    return None


def other_encoding(data: bytes, declared: str) -> str | None:
    """What to set, if bytes that can be read as an encoding of one byte for each character are rather UTF-8; that is hardly ever so by chance."""
    if data.isascii() or _is(declared, "utf-8") or not _fits(data, "utf-8"):
        return None
    return "this looks like utf-8: set csv: {encoding: utf-8}"


def wider_encoding(sample: bytes, declared: str) -> str | None:
    """What to set, if bytes are in the encoding that programs call by the name of the declared one."""
    wider = _WIDER.get(declared)
    if wider is None or not _fits(sample[:_SAMPLE], wider):
        return None
    return f"this looks like {wider}: set csv: {{encoding: {wider}}}"


def one_column(sample: bytes, declared: Dialect) -> str | None:
    """What to set, if rows of one cell would be rows of several with another separator."""
    text = sample[:_SAMPLE].decode(declared.encoding, "replace")
    delimiter, quote = _marks_of(text, declared)
    return _said(declared, delimiter, quote, declared.encoding) if delimiter != declared.delimiter else None


def not_utf_8(sample: bytes) -> str | None:
    """What to do about a row of JSON that is not UTF-8, if it is in another encoding as a whole."""
    if said := no_text(sample):
        return said
    sample = sample[:_SAMPLE]
    encoding = "utf-8" if _damaged(sample, "utf-8") else encoding_of(sample, "utf-8")
    if _is(encoding, "utf-8"):
        return None
    return f"this looks like {encoding}, and JSON is read as UTF-8: write the file in UTF-8"


def _said(declared: Dialect, delimiter: str, quote: str, encoding: str) -> str | None:
    looks, settings = [], []
    if delimiter != declared.delimiter:
        shown = "\\t" if delimiter == "\t" else delimiter
        looks.append(f"{_DELIMITERS[delimiter]} between cells")
        settings.append(f'delimiter: "{shown}"')
    if quote != declared.quote:
        looks.append(_QUOTES[quote])
        settings.append(
            f"quote: {chr(34) + quote + chr(34) if quote != chr(34) else chr(39) + quote + chr(39)}"
        )
    if not _is(encoding, declared.encoding):
        looks.append(encoding)
        settings.append(f"encoding: {encoding}")
    if not looks:
        return None
    return f"this looks like {' and '.join(looks)}: set csv: {{{', '.join(settings)}}}"


def _is(one: str, other: str) -> bool:
    return codecs.lookup(one).name == codecs.lookup(other).name


def _damaged(sample: bytes, declared: str) -> bool:
    """UTF-8 in which single bytes are wrong: more characters of several bytes are right."""
    if not _is(declared, "utf-8"):
        return False
    text = sample.decode("utf-8", "surrogateescape")
    wrong = sum(1 for c in text if "\udc80" <= c <= "\udcff")
    return sum(1 for c in text if c > "\x7f") - wrong > wrong


def encoding_of(sample: bytes, declared: str) -> str:
    """The encoding that bytes are likely to be in; the declared one where it fits."""
    for mark, names in MARKS:
        if sample.startswith(mark):
            return names[0]
    if b"\0" in sample:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > len(sample) // 8 and min(even, odd) < max(even, odd) // 4:
            return "utf-16-be" if even > odd else "utf-16-le"
    if _fits(sample, declared):
        return declared
    return next((name for name in ("utf-8", _legacy(sample)) if _fits(sample, name)), declared)


def _fits(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


def _legacy(sample: bytes) -> str:
    """Single letters with accents between ASCII are of western Europe; where high bytes come in pairs, it is one of Asia's.

    Words of nothing but the bytes that windows-1251 has for letters are Cyrillic: the encodings of Asia use others, too.
    """
    high = [n for n, byte in enumerate(sample) if byte >= 0x80]
    alone = sum(1 for n in high if sample[n - 1 : n] < b"\x80" and sample[n + 1 : n + 2] < b"\x80")
    if 2 * alone >= len(high):
        return "windows-1252"
    if all(sample[n] in _CYRILLIC for n in high):
        return "windows-1251"
    if _fits(sample, "shift_jis"):
        text = sample.decode("shift_jis", "ignore")
        if sum("\u3040" <= c <= "\u30ff" for c in text) * 5 >= sum(c > "\x7f" for c in text):
            return "shift_jis"
    return "gb18030" if _fits(sample, "gb18030") else "windows-1252"


def _marks_of(text: str, declared: Dialect) -> tuple[str, str]:
    """The delimiter and quote by which rows are of one width; the declared ones where those do."""
    best, choice = _width(text, declared), (declared.delimiter, declared.quote)
    for quote in _QUOTES:
        for delimiter in _DELIMITERS:
            width = _width(text, replace(declared, delimiter=delimiter, quote=quote))
            if width > 1 and best < 2 and width > best:
                best, choice = width, (delimiter, quote)
    if choice[1] != declared.quote and f"{choice[0]}{choice[1]}" not in text:  # no cell is quoted that way
        choice = (choice[0], declared.quote)
    return choice


def _marks_for(text: str, declared: Dialect, width: int) -> tuple[str, str]:
    """The delimiter and quote by which rows have as many cells as the header; the declared ones where none do."""
    delimiters = sorted(_DELIMITERS, key=lambda d: d != declared.delimiter)
    for delimiter, quote in itertools.product(delimiters, _QUOTES):
        other = quote != declared.quote
        if other and f"{delimiter}{quote}" not in text:  # no cell is quoted that way
            continue
        if width > 1 and _width(text, replace(declared, delimiter=delimiter, quote=quote)) == width:
            return delimiter, quote
    return declared.delimiter, declared.quote


def _width(text: str, dialect: Dialect) -> int:
    """How many cells the first rows have, if all have as many; else 0."""
    rules = csv_framing.of(dialect, "utf-8")
    framer = Framer(rules)
    framer.extend(text.encode("utf-8", "replace"), at_end=False)
    widths, begin = set(), 0
    for _ in range(_ROWS):
        if not framer.advance(begin + 1) or framer.at == begin:
            break
        widths.add(_cells(framer.window[begin : framer.at], dialect))
        begin = framer.at
    return widths.pop() if len(widths) == 1 and not framer.broken else 0


def _cells(record: bytes, dialect: Dialect) -> int:
    """Delimiters outside of quotes, and one."""
    quoted, count = False, 1
    for part in record.split(dialect.quote.encode()):
        count += 0 if quoted else part.count(dialect.delimiter.encode())
        quoted = not quoted
    return count
