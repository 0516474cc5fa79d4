"""The law of lines: whatever a CSV file holds, each of its lines is a header's, sent, rejected or blank at the end.

`expected` is the rule, written as plainly as it can be, a character at a time; what the loader does, in whatever pieces, from
whatever packing and with however many processes, is held against it.
"""

import gzip
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan import check
from reconciler.bulk.scan.scan import chunk_pieces, scan
from reconciler.bulk.sources import segments
from reconciler.model.load import Reject, Scan
from reconciler.model.source import Dialect, Identifier, SourceDefinition, Update

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("x.csv*",), format="csv", compression="suffix", update=Update(force_replace=True),
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
    csv=Dialect(max_record_lines=4), allow="100%",
)  # fmt: skip
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
ROUNDS = int(os.environ.get("RECONCILER_NASTY_FILES", "300"))


class Row(NamedTuple):
    """What the rule makes of lines `line` to `line + lines - 1`: cells, or a code."""

    line: int
    lines: int
    cells: list[str] | None
    code: str


def expected(data: bytes, width: int, dialect: Dialect, first: int) -> Iterator[Row]:
    """The records of bytes, by the rule."""
    lines = LINE.findall(data)
    at = 0
    while at < len(lines):
        if not lines[at].strip(b"\r\n"):
            yield Row(first + at, 1, None, "line-blank")
            at += 1
            continue
        found = record(lines[at : at + dialect.max_record_lines], dialect)
        if found is None:
            yield Row(first + at, 1, None, "line-csv")
            at += 1
            continue
        cells, count = found
        code = "line-columns" if len(cells) != width else ""
        try:
            texts = [c.decode(dialect.encoding) for c in cells]
        except UnicodeDecodeError:
            code, texts = code or "line-encoding", []
        yield Row(first + at, count, None if code else texts, code)
        at += count


def record(lines: Sequence[bytes], dialect: Dialect) -> tuple[list[bytes], int] | None:
    """The cells of the record that begins these lines, and how many it takes; None if a quote does not close as it should."""
    text, mark, quote = b"".join(lines), dialect.delimiter.encode(), dialect.quote.encode()
    cells, at = [], 0
    while True:
        cell = b""
        if text[at : at + 1] == quote:
            at += 1
            while True:
                if at >= len(text):
                    return None
                if text[at : at + 2] == quote * 2:
                    cell, at = cell + quote, at + 2
                elif text[at : at + 1] == quote:
                    at += 1
                    break
                else:
                    cell, at = cell + text[at : at + 1], at + 1
            if at < len(text) and text[at : at + 1] not in (mark, b"\r", b"\n"):
                return None
        else:
            while at < len(text) and text[at : at + 1] not in (mark, b"\r", b"\n"):
                cell, at = cell + text[at : at + 1], at + 1
        cells.append(cell)
        if text[at : at + 1] != mark:
            end = at + (2 if text[at : at + 2] == b"\r\n" else 1)
            return cells, len(LINE.findall(text[:end]))
        at += 1


def account(rows: Sequence[Row], header: int) -> dict[str, Any]:
    """Counts of the rule."""
    blank = 0
    for row in reversed(rows):
        if row.code != "line-blank":
            break
        blank += 1
    kept = rows[: len(rows) - blank]
    sent = [r for r in kept if r.cells is not None]
    bad = [r for r in kept if r.cells is None]
    return {
        "headers": header, "sent": [r.cells for r in sent], "continued": sum(r.lines - 1 for r in sent), "blank": blank,
        "bad": [(r.line + n, r.code) for r in bad for n in range(r.lines)],
    }  # fmt: skip


def found_in(
    folder: Path, source: SourceDefinition, size: int, pool: Any = None
) -> tuple[Scan, dict[str, Any]]:
    """The same counts, as the loader has them."""
    rejects: list[Reject] = []
    one = segments.segments.__defaults__
    segments.segments.__defaults__ = (*(one or ())[:-1], size)
    try:
        found = scan(folder, source, on_reject=lambda r, _: rejects.append(r), workers=pool)
        sent = [
            line
            for chunk in found.chunks
            for line in b"".join(chunk_pieces(folder, found.files, source, chunk)).split(b"\n")[:-1]
        ]
    finally:
        segments.segments.__defaults__ = one
    profiles = [json.loads(line)["user_profile"] for line in sent]
    return found, {
        "headers": found.headers,
        "sent": [[p["$user_account_id"], *(p[k] for k in sorted(p) if k[0] != "$")] for p in profiles],
        "continued": found.continued,
        "blank": found.blank,
        "bad": [(r.line + n, r.code) for r in rejects for n in range(r.lines)],
    }


def hold(
    data: bytes, dialect: Dialect, sizes: Sequence[int], *, packed: bool, frames: bool, pool: Any = None
) -> None:
    """The law, for one file of three columns `id`, `a`, `b` below a header of one line."""
    mark = dialect.delimiter.encode()
    head = b"id" + mark + b"a" + mark + b"b\n"
    source = replace(SOURCE, csv=dialect, max_bytes=400)
    rows = list(expected(data, 3, dialect, 2))
    rows = [
        r._replace(cells=None, code="line-no-identifier") if r.cells is not None and not r.cells[0] else r
        for r in rows
    ]
    want = account(rows, 1)
    before, check.FRAME_FROM = check.FRAME_FROM, 0 if frames else 10**9
    try:
        with tempfile.TemporaryDirectory() as folder:
            name = "x.csv.gz" if packed else "x.csv"
            content = head + data
            (Path(folder) / name).write_bytes(gzip.compress(content) if packed else content)
            made = [found_in(Path(folder), source, size, pool) for size in sizes]
    finally:
        check.FRAME_FROM = before
    for found, got in made:
        assert got == want, (data, dialect)
        physical = len(LINE.findall(content))
        assert physical == found.headers + found.sent + found.continued + found.rejected + found.blank
        assert found.lines == found.sent + found.rejected
        assert sum(found.reasons.values()) == found.rejected
        assert found.source_digest == made[0][0].source_digest
        assert [c.sha256 for c in found.chunks] == [c.sha256 for c in made[0][0].chunks]


PIECES = ["id", "a", "é", '"', '""', '"x"', ",", ",", ";", "'", "\n", "\n", "\r\n", "\r", "\0", " ", "\x85", "\u2028", "u1,2,3\n"]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
dialects = st.sampled_from(
    [
        Dialect(max_record_lines=4),
        Dialect(delimiter=";", max_record_lines=3),
        Dialect(quote="'", max_record_lines=1),
    ]
)


@given(texts, dialects, st.booleans(), st.booleans(), st.lists(st.integers(1, 90), min_size=1, max_size=3))
def test_any_text(text: str, dialect: Dialect, packed: bool, frames: bool, sizes: list[int]) -> None:
    hold(text.encode(), dialect, [1 << 20, *sizes], packed=packed, frames=frames)


@given(st.binary(max_size=60), st.sampled_from(["utf-8", "windows-1252", "us-ascii"]))
def test_any_bytes(data: bytes, encoding: str) -> None:
    dialect = Dialect(encoding=encoding, max_record_lines=4)
    hold(data, dialect, [1 << 20, 7], packed=False, frames=True)
