"""A CSV file that Python's csv, polars and DuckDB read alike is read the same here; the table in docs/sources.md says where they differ.

DuckDB takes empty cells for NULL, which is not counted as a difference.
"""

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.bulk.sources import segments
from reconciler.errors import ReconcilerError
from reconciler.model.source import Dialect
from tests.laws.test_csv import SOURCE, found_in

duckdb = pytest.importorskip(
    "duckdb", reason="DuckDB is not installed: there is no third reader to compare with"
)

HEAD = "id,a,b\n"
DOCS = Path(__file__).parent.parent.parent / "docs" / "sources.md"
Rows = list[list[str]] | None  # None: the reader stops


def by_python(text: str) -> Rows:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None
    return rows[1:]


def by_polars(text: str) -> Rows:
    try:
        frame = polars.read_csv(
            io.BytesIO(text.encode()), infer_schema=False, empty_string_is_null=False,
            missing_columns="raise", extra_columns="raise",
        )  # fmt: skip
    except polars.exceptions.PolarsError:
        return None
    return [list(row) for row in frame.rows()] if frame.columns == ["id", "a", "b"] else None


def by_duckdb(text: str) -> Rows:
    columns = "{'id': 'VARCHAR', 'a': 'VARCHAR', 'b': 'VARCHAR'}"
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(text.encode())
        file.flush()
        options = "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"'"
        try:
            query = f"SELECT * FROM read_csv('{file.name}', {options}, columns = {columns})"
            return [[cell or "" for cell in row] for row in duckdb.sql(query).fetchall()]
        except duckdb.Error:
            return None


def ours(text: str, size: int = segments.SIZE) -> tuple[Rows, list[tuple[int, str]]]:
    """The rows that are sent, and what is rejected."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(text.encode())
        try:
            _, found = found_in(Path(folder), replace(SOURCE, csv=Dialect()), size)
        except ReconcilerError:
            return None, []
    return found["sent"], found["bad"]


PLAIN = ["x", "é", " ", "'", ";", "\\", "#", "\t", "\u2028", "\x85", "NULL"]
plain = st.lists(st.sampled_from(PLAIN), max_size=3).map("".join)
quoted = st.lists(st.sampled_from([*PLAIN, ",", '""', "\n", "\r\n", "\r"]), max_size=4).map(
    lambda x: '"' + "".join(x) + '"'
)
odd = st.sampled_from(['"', 'x"', '"x"y', '"x" ', ' "x"', "5'10\"", "\r", "\0", '"x'])


def _rows(cells: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(cells, min_size=2, max_size=2)
    return st.builds(lambda n, pair: ",".join([f"u{n}", *pair]), st.integers(0, 99), pairs)


tidy = st.one_of(plain, quoted)
messy = st.one_of(tidy, odd)
files = st.one_of(
    st.lists(_rows(tidy), max_size=6),
    st.lists(_rows(messy), max_size=3),
    st.lists(st.lists(messy, max_size=4).map(",".join), max_size=3),
)


@given(files, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 60))
def test_what_three_readers_read_alike_is_read_the_same(
    lines: list[str], end: str, last: bool, size: int
) -> None:
    text = HEAD.replace("\n", end) + end.join(lines) + (end if last and lines else "")
    read = by_python(text)
    if read is None or read != by_polars(text) or read != by_duckdb(text):
        event("they differ, or one of them stops")
        return
    event("they agree")
    for cut in (segments.SIZE, size):
        sent, bad = ours(text, cut)
        assert sent == [row for row in read if row[0]]
        assert {code for _, code in bad} <= {"line-no-identifier"}, "a row without an account, and no other"


A, B = ["u1", "a", "b"], ["u2", "a", "b"]
DIFFERENCES: dict[str, tuple[str, Rows, Rows, Rows, Rows, list[tuple[int, str]]]] = {
    # what: text, then Python, polars, DuckDB, ours, and what is rejected
    "a blank line before a row": ("u1,a,b\n\nu2,a,b\n", [A, [], B], [A, ["", "", ""], B], [A, B], [A, B], [(3, "line-blank")]),
    "blank lines at the end": ("u1,a,b\n\n\n", [A, [], []], [A, ["", "", ""], ["", "", ""]], [A], [A], []),
    "a lone CR": ("u1,a,b\ru2,a,b\r", [A, B], None, None, [A, B], []),
    "both LF and CRLF": ("u1,a,b\r\nu2,a,b\n", [A, B], [A, B], None, [A, B], []),
    "a quote within a cell": ("u1,5'10\",b\nu2,a,b\n", [["u1", "5'10\"", "b"], B], None, [["u1", "5'10\"", "b"], B], [["u1", "5'10\"", "b"], B], []),
    "a space before a quote": ('u1, "a",b\n', [["u1", ' "a"', "b"]], [["u1", ' "a"', "b"]], [A], [["u1", ' "a"', "b"]], []),
    "a space after a closing quote": ('u1,"a" ,b\nu2,a,b\n', None, None, [A, B], [B], [(2, "line-csv")]),
    "text after a closing quote": ('u1,"a"x,b\nu2,a,b\n', None, None, None, [B], [(2, "line-csv")]),
    "a quote that does not close": ('u1,"a,b\nu2,a,b\n', None, None, None, [B], [(2, "line-csv")]),
    "a backslash before a quote": ('u1,"a\\"b",c\nu2,a,b\n', None, None, None, [B], [(2, "line-csv")]),
    "a row with fewer cells": ("u1,a\nu2,a,b\n", [["u1", "a"], B], [["u1", "a", ""], B], None, [B], [(2, "line-columns")]),
    "a row with more cells": ("u1,a,b,c\nu2,a,b\n", [["u1", "a", "b", "c"], B], None, None, [B], [(2, "line-columns")]),
}  # fmt: skip


@pytest.mark.parametrize("what", DIFFERENCES)
def test_where_readers_differ(what: str) -> None:
    text, python, frames, duck, sent, bad = DIFFERENCES[what]
    assert (by_python(HEAD + text), by_polars(HEAD + text), by_duckdb(HEAD + text)) == (python, frames, duck)
    assert ours(HEAD + text) == (sent, bad)


def test_the_docs_have_these_differences() -> None:
    table = DOCS.read_text().partition("| Where readers differ |")[2].partition("\n\n")[0]
    documented: list[Any] = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert documented == list(DIFFERENCES)
