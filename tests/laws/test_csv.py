"""The law of lines: whatever a CSV file holds, each of its lines is a header's, sent, rejected or blank at the end.

`expected` is the rule, written as plainly as it can be, a character at a time; what the loader does, in whatever pieces, from
whatever packing and with however many processes, is held against it.
"""

import codecs
import gzip
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.bulk.scan import check
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources import csv_looks, segments
from reconciler.errors import ReconcilerError
from reconciler.model.load import Reject, Scan
from reconciler.model.source import Dialect, Identifier, SourceDefinition, Update

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("x.csv*",), format="csv", compression="suffix", update=Update(force_replace=True),
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
    csv=Dialect(max_record_lines=4), allow="100%",
)  # fmt: skip
PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}
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
    text = b"".join(lines)
    mark, quote = dialect.delimiter.encode(dialect.encoding), dialect.quote.encode(dialect.encoding)
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
    data: bytes, dialect: Dialect, sizes: Sequence[int], *, packed: str, frames: bool, pool: Any = None
) -> None:
    """The law, for one file of three columns `id`, `a`, `b` below a header of one line."""
    mark = dialect.delimiter.encode(dialect.encoding)
    head = b"id" + mark + b"a" + mark + b"b\n"
    source = replace(SOURCE, csv=dialect, max_bytes=4_000)  # more than any row takes
    rows = list(expected(data, 3, dialect, 2))
    rows = [
        r._replace(cells=None, code="line-no-identifier") if r.cells is not None and not r.cells[0] else r
        for r in rows
    ]
    want = account(rows, 1)
    before, check.FRAME_FROM = check.FRAME_FROM, 0 if frames else 10**9
    try:
        with tempfile.TemporaryDirectory() as folder:
            name, pack = ("x.csv" + packed, PACK[packed])
            content = head + data
            (Path(folder) / name).write_bytes(pack(content))
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


PIECES = ["\ufeff", "id", "a", "é", '"', '""', '"x"', ",", ",", ";", "'", "\n", "\n", "\r\n", "\r", "\0", " ", "\x85", "\u2028", "u1,2,3\n"]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
dialects = st.sampled_from(
    [
        Dialect(max_record_lines=4),
        Dialect(delimiter=";", max_record_lines=3),
        Dialect(quote="'", max_record_lines=1),
    ]
)


@example("\ufeffu1,a,b\n\ufeffu2,a,b\n", Dialect(), "", True, [5])
@given(
    texts,
    dialects,
    st.sampled_from(sorted(PACK)),
    st.booleans(),
    st.lists(st.integers(1, 90), min_size=1, max_size=3),
)
def test_any_text(text: str, dialect: Dialect, packed: str, frames: bool, sizes: list[int]) -> None:
    hold(text.encode(), dialect, [1 << 20, *sizes], packed=packed, frames=frames)


@given(st.binary(max_size=60), st.sampled_from(["utf-8", "windows-1252", "us-ascii"]))
def test_any_bytes(data: bytes, encoding: str) -> None:
    dialect = Dialect(encoding=encoding, max_record_lines=4)
    hold(data, dialect, [1 << 20, 7], packed="", frames=True)


letters = st.lists(st.sampled_from(["u1", "é", "éé", "ß", "\xff", ";", '"', "\n", "\r\n", "u1éaéb\n", "u1;éaé;b\n", "u2;a;b\n"]), max_size=60)  # fmt: skip


@example("u1;éaé;b\nu2;éé;b\n", (";", "é"), True, 5)
@given(
    letters.map("".join),
    st.sampled_from([("é", '"'), (";", "é"), ("ß", "é")]),
    st.booleans(),
    st.integers(1, 90),
)
def test_letters_that_divide(text: str, marks: tuple[str, str], frames: bool, size: int) -> None:
    """A delimiter and a quote are characters of the encoding of the file."""
    dialect = Dialect(delimiter=marks[0], quote=marks[1], encoding="cp1252", max_record_lines=4)
    hold(text.encode("cp1252"), dialect, [1 << 20, size], packed="", frames=frames)


@given(texts, st.booleans(), st.booleans(), st.integers(1, 90))
def test_a_mark_at_the_beginning_of_a_file_is_no_text_and_any_other_is(
    text: str, frames: bool, marked: bool, size: int
) -> None:
    """`utf-8-sig` is a name for UTF-8 with a mark: what stands at the beginning of a part of the file is none."""
    content = codecs.BOM_UTF8 * marked + b"id,a,b\n" + text.encode()
    before, check.FRAME_FROM = check.FRAME_FROM, 0 if frames else 10**9
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "x.csv").write_bytes(content)
            made = [
                found_in(Path(folder), replace(SOURCE, csv=Dialect(encoding=e, max_record_lines=4), max_bytes=4_000), n)[1]
                for e in ("utf-8", "utf-8-sig")
                for n in (1 << 20, size)
            ]  # fmt: skip
    finally:
        check.FRAME_FROM = before
    assert made == [made[0]] * 4


def nasty(dice: random.Random) -> bytes:
    """A file as it should not be: rows with quotes open, doubled and stray, odd ends of lines, bytes of other encodings."""
    cells = [b"u%d" % dice.randrange(99), b"", b"x y", b'"q"', b'"a,b"', b'"a""b"', b'5\'10"', b'"', b'"open', b'shut"', b'"two\nlines"',
             b'"a\r\nb\rc"', b"caf\xe9", "café".encode(), b"\0", b'"x"y', b'""', b'"""', "\u2028".encode(), b'a"",b","c']  # fmt: skip
    ends = dice.choice([[b"\n"], [b"\r\n"], [b"\r"], [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r"]])
    usual = dice.random()
    made = b""
    for n in range(dice.randrange(40)):
        if dice.random() < usual:
            row = b"u%d,a,b" % n
        else:
            row = b",".join(dice.choices(cells, k=dice.choice([1, 2, 3, 3, 3, 3, 4])))
        made += row + dice.choice(ends)
    return made if dice.random() < 0.7 else made + dice.choice(cells)


@pytest.mark.slow
def test_nasty_files() -> None:
    """RECONCILER_NASTY_FILES says how many, RECONCILER_SEED which."""
    seed = int(os.environ.get("RECONCILER_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"RECONCILER_SEED={seed} RECONCILER_NASTY_FILES={ROUNDS}")
    dice = random.Random(seed)
    for _ in range(ROUNDS):
        dialect = Dialect(max_record_lines=dice.choice([1, 2, 4, 100]))
        sizes = [1 << 20, dice.randrange(1, 200)]
        hold(
            nasty(dice),
            dialect,
            sizes,
            packed=dice.choice(["", "", "", ".gz", ".zst"]),
            frames=dice.random() < 0.5,
        )


@pytest.mark.slow
def test_one_process_or_two() -> None:
    dice = random.Random(3)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for packed in PACK:
            data = b"".join(nasty(dice) for _ in range(30))
            hold(data, Dialect(max_record_lines=4), [1 << 20, 100], packed=packed, frames=False, pool=pool)


def one(content: bytes, **dialect: Any) -> tuple[Scan, list[str]]:
    """A scan of one file, and the accounts that are sent."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(content)
        source = replace(SOURCE, csv=Dialect(**dialect))
        found, got = found_in(Path(folder), source, segments.SIZE)
        return found, [cells[0] for cells in got["sent"]]


def test_a_carriage_return_ends_a_line() -> None:
    for content in (b"id,name\ru1,Ann\nu2,Bob\n", b"id,name\ru1,Ann\ru2,Bob\r", b"id,name\r\nu1,Ann\ru2,Bob"):
        found, accounts = one(content)
        assert accounts == ["u1", "u2"]
        assert (found.headers, found.lines, found.rejected) == (1, 2, 0)


@pytest.mark.parametrize("closed", [False, True])
def test_an_open_quote_among_many_rows_costs_its_line_alone(closed: bool) -> None:
    rows = [f"u{n},Rome" for n in range(1, 30_001)]
    rows[1000] = 'u1001,"Rome'
    if closed:
        rows[9000] = 'u9001,Rome"'
    found, accounts = one(("id,city\n" + "\n".join(rows) + "\n").encode())
    assert (found.lines, found.sent, found.rejected) == (30_000, 29_999, 1)
    assert [(r.line, r.code) for r in found.rejects] == [(1002, "line-csv")]
    assert "u1001" not in accounts


@pytest.mark.slow
def test_reading_behind_an_open_quote_takes_time_in_proportion() -> None:
    content = b'id,city\nu1,"Rome\n' + b"".join(b"u%d,Rome and back\n" % n for n in range(400_000))
    begun = time.process_time()
    found, _ = one(content)
    assert (found.sent, found.rejected) == (400_000, 1)
    assert time.process_time() - begun < 40  # it took minutes when it grew with the square; now some seconds
    begun = time.process_time()
    evil = b'a"",b","c\n' * 100_000
    assert one(b"id,city\n" + evil)[0].rejected == 100_000
    assert time.process_time() - begun < 40


def test_stray_quotes_and_cells_of_two_lines_do_not_meet() -> None:
    rows = [b"u%d,5'10\"" % n if n % 3 else b'u%d,"two\nu-wrong,lines"' % n for n in range(60_000)]
    found, accounts = one(b"id,note\n" + b"\n".join(rows))
    assert accounts == [f"u{n}" for n in range(60_000)]
    assert (found.rejected, found.continued) == (0, 20_000)


def test_no_account_is_made_of_the_second_line_of_a_cell_at_the_end_of_a_segment() -> None:
    """One stray quote before cells of two lines: whoever counts quotes cuts each segment in the middle of a cell."""
    rows = [b"u0,5'10\"", *(b'u%d,"two%b\nu-wrong,lines"' % (n, b"." * 200) for n in range(1, 40_000))]
    content = b"id,note\n" + b"\n".join(rows)
    assert len(content) > 2 * segments.SIZE
    found, accounts = one(content)
    assert accounts == [f"u{n}" for n in range(40_000)]
    assert (found.rejected, found.continued) == (0, 39_999)


@pytest.mark.parametrize(
    "cell", [b"x" * 9_000_000, b'"' + (b"x" * 999 + b"\n") * 9_000 + b'"'], ids=["one line", "many"]
)
def test_a_cell_that_is_too_large_makes_no_account(cell: bytes) -> None:
    found, accounts = one(b"id,note\nu1,a\nu2," + cell[:9_000_000] + b"\nu3,b\n", max_record_lines=100_000)
    assert accounts == ["u1", "u3"]
    assert found.rejects[0].line == 3
    assert found.lines == found.sent + found.rejected


def test_blank_lines_at_the_end_are_no_rows() -> None:
    found, accounts = one(b"id,a\nu1,x\n\nu2,y\n\n\r\n\n")
    assert accounts == ["u1", "u2"]
    assert (found.lines, found.rejected, found.blank) == (3, 1, 3)


def test_bytes_of_another_encoding_are_rejected_in_rows_and_refused_in_the_header() -> None:
    found, accounts = one(b"id,a\nu1,caf\xe9\nu2,x\n")
    assert (accounts, found.reasons) == (["u2"], {"line-encoding": 1})
    with pytest.raises(ReconcilerError, match="the header is not valid CSV: it is not utf-8") as e:
        one(b"id;pr\xe9nom\nu1;Zo\xeb\n")
    assert "windows-1252" in str(e.value.help)
    assert 'delimiter: ";"' in str(e.value.help)


@pytest.mark.parametrize(
    ("content", "dialect", "words", "hint"),
    [
        (b"BZh91AY&SY\xb6\xc0\xff", {}, "not utf-8", "packed by bzip2, which is not read"),
        (b"\xfd7zXZ\0\0\x04\xe6", {}, "is no text", "packed by xz, which is not read"),
        (b'u1,"a\\"b"\n', {"header": False}, "text follows a closing quote", "escaped by a backslash"),
        ("id,\u0438\u043c\u044f\n".encode("cp1251"), {}, "not utf-8", "windows-1251"),
        ("id,a\n".encode("utf-16"), {}, "byte order mark of UTF-16", "set csv: {encoding: utf-16}"),
        (b"\xef\xbb\xbfid,a\n", {"encoding": "windows-1252"}, "byte order mark of UTF-8", "encoding: utf-8"),
        ("id,a\n".encode("utf-16-le"), {"encoding": "utf-16"}, "no byte order mark", "utf-16-le"),
        (b"sep=;\nid;a\n", {}, "Excel's `sep=;`", 'delimiter: ";"'),
        (b"sep=;\nu1;a\n", {"header": False}, "Excel's `sep=;`", 'delimiter: ";"'),
        (b"\x1f\x8b\x08\x00\xff\xff", {}, "is no text", "packed by gzip: set compression: gzip"),
        (b"PK\x03\x04\xff\xff", {}, "is no text", "workbook of Excel"),
        (b"PAR1\xff\xff", {}, "it is not utf-8", "set format: parquet"),
        (b"id,,a\n", {}, "column 2 of the CSV header has no name", "profile: {include"),
        (b"id;a;b\nu1;2;3\n", {}, "no column 'id'", 'a semicolon between cells: set csv: {delimiter: ";"}'),
        (b"id\ta\nu1\t2\n", {}, "no column 'id'", 'delimiter: "\\t"'),
    ],
)
def test_a_file_that_is_otherwise_than_the_spec_says(
    content: bytes, dialect: dict[str, Any], words: str, hint: str
) -> None:
    with pytest.raises(ReconcilerError) as e:
        one(content, **dialect)
    assert words in str(e.value)
    assert hint in str(e.value.help)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_that_names_the_separator_is_no_row(header: bool, encoding: str, end: str) -> None:
    columns, rows = ["id;a"] if header else [], ["u1;x", "u2;y"]
    text = "".join(x + end for x in ("sep=;", *columns, *rows))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(text.encode(encoding))
        by = replace(SOURCE.identify_by[0], column="id" if header else "column_1")
        source = replace(
            SOURCE, csv=Dialect(delimiter=";", encoding=encoding, header=header), identify_by=(by,)
        )
        found = scan(Path(folder), source)
        (chunk,) = found.chunks
        sent = b"".join(chunk_pieces(Path(folder), found.files, source, chunk)).splitlines()
    assert [json.loads(x)["user_account_id"] for x in sent] == ["u1", "u2"]
    assert (found.headers, found.lines, found.rejected) == (1 + len(columns), 2, 0)


@pytest.mark.parametrize(
    ("encoding", "wrong", "written"),
    [
        ("utf-8", b"\xff", "\\xff"),
        ("windows-1252", b"\x81", "\\x81"),
        ("utf-16-le", b"\x41\xd8", "\\x41\\xd8"),
        ("utf-16-be", b"\xdc\x20", "\\xdc\\x20"),
        ("utf-32-le", b"\xff\xff\xff\x00", "\\xff\\xff\\xff\\x00"),
        ("gb18030", b"\x81\x20", "\\x81 "),
        ("shift_jis", b"\x85\x20", "\\x85 "),
    ],
)
@pytest.mark.parametrize("row", ["u2,é{}ü", 'u2,"a{}b'])
def test_a_line_that_is_rejected_is_shown_as_it_was(
    encoding: str, wrong: bytes, written: str, row: str
) -> None:
    before, _, after = row.replace("é", "b").replace("ü", "c").partition("{}")
    data = b"".join((f"id,a\nu1,x\n{before}".encode(encoding), wrong, f"{after}\nu3,y\n".encode(encoding)))
    shown = list[str]()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(data)
        source = replace(SOURCE, csv=Dialect(encoding=encoding))
        found = scan(Path(folder), source, on_reject=lambda _, data: shown.append(data), contents=True)
    assert (found.lines, found.rejected) == (3, 1)
    assert shown == [f"{before}{written}{after}\n"]


def test_nothing_behind_the_line_that_names_the_separator() -> None:
    with pytest.raises(ReconcilerError, match="nothing follows the line that names the separator"):
        one(b"sep=,\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "gb18030", "shift_jis", "windows-1252", "iso-8859-1", "cp932"])  # fmt: skip
def test_encodings(encoding: str) -> None:
    name = {"gb18030": "张伟", "shift_jis": "ソ田", "cp932": "ソ|表"}.get(encoding, "Zoë")
    text = "id\ta\n" + "".join(f"u{n}\t{name}\n" for n in range(3000))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(text.encode(encoding))
        source = replace(SOURCE, csv=Dialect(delimiter="\t", encoding=encoding), max_bytes=9_000)
        found, got = found_in(Path(folder), source, 5_000)
    assert got["sent"] == [[f"u{n}", name] for n in range(3000)]
    assert (found.lines, found.rejected, len(found.chunks) > 20) == (3000, 0, True)


def test_cells_that_stand_for_null() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(b"id,a,b\nu1,NULL,\\N\nNULL,a,b\nu3,,null\n")
        source = replace(SOURCE, csv=Dialect(nulls=("NULL", "\\N")))
        found = scan(Path(folder), source)
        (chunk,) = found.chunks
        sent = [
            json.loads(x)["user_profile"]
            for x in b"".join(chunk_pieces(Path(folder), found.files, source, chunk)).splitlines()
        ]
    assert [{k: v for k, v in p.items() if k[0] != "$"} for p in sent] == [{}, {"a": "", "b": "null"}]
    assert found.reasons == {"line-no-identifier": 1}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_file_looks_like_the_encoding_that_its_mark_says(encoding: str) -> None:
    said = csv_looks.encoding_of("id,name\nu1,Ann\n".encode(encoding), "windows-1252")
    assert said == encoding.removesuffix("-sig")
