"""What is told of a database's error: its class, its code, and of its text only words of the query."""

import re
import sqlite3
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.sources import sql
from reconciler.bulk.sources.sql_words import told
from reconciler.errors import ReconcilerError
from reconciler.kinds.statements import writes


class OperationalError(Exception):
    """Named as drivers name it."""

    sqlstate: str | None = None


class _Wrapped(Exception):
    def __init__(self, original: Exception) -> None:
        super().__init__(str(original))
        self.orig = original


@pytest.mark.parametrize(
    "state", [None, "08006", "22P02", "28P01", "3D000", "42703", "57014", "P0001", "XX000"]
)
def test_no_text_of_the_database_is_passed_on(state: str | None) -> None:
    original = OperationalError('failed for "Dupont" at s3cret@host: FR7630006000011234567890189')
    original.sqlstate = state
    words = told(_Wrapped(original), "SELECT 1").words
    assert words.startswith("OperationalError")
    assert (state or "") in words
    assert not any(part in words for part in ("Dupont", "s3cret", "FR76"))


@pytest.mark.parametrize(
    ("query", "words", "help_"),
    [
        ("SELECT point FROM t", "there is no such column: point", "correct the query"),
        ("SELECT t.Point FROM t", "there is no such column: t.Point", "correct the query"),
        ("SELECT id FROM nope", "there is no such table: nope", "correct the query"),
        ("SELECT foo(id) FROM t", "there is no such function: foo", "correct the query"),
        ("SELECT id FROM t a, t b", "several tables have this column: id", "correct the query"),
        ("SELECT id FORM t", "syntax error near t", "correct the query"),
        ("SELECT id FROM t WHERE 'Dupont' 'x'", "syntax error", "correct the query"),
        ("SELECT (", "the query has a syntax error", "correct the query"),
        ("DELETE FROM t", "the query writes, and the connection is read-only", "one SELECT statement"),
        ("SELECT 1 AS id; SELECT 2", "the query is several statements", "one SELECT statement"),
    ],
)
def test_an_error_of_sqlite_names_what_is_wrong_in_the_query(
    query: str, words: str, help_: str, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "c.db") as db:
        db.execute("CREATE TABLE t (id TEXT)")
    db.close()
    with pytest.raises(ReconcilerError) as raised:
        list(sql.rows("sqlite:///c.db", query, lambda _: None, tmp_path, outside=False))
    assert words in str(raised.value)
    assert help_ in (raised.value.help or "")
    assert "Dupont" not in str(raised.value)


class _Numbered(Exception):
    """As drivers of MySQL raise it."""


@pytest.mark.parametrize(
    ("code", "text", "query", "words"),
    [
        ("42703", 'column "point" does not exist', "select point from t", "no such column: point"),
        ("42703", "column c.point does not exist", "select c.point from t c", "no such column: c.point"),
        ("42703", "la colonne « point » n'existe pas", "select point from t", "no such column: point"),
        (
            "42703",
            'column "Dupont" does not exist',
            'select id from t where name = "Dupont"',
            "no such column",
        ),
        ("42703", 'column "Dupont" does not exist', "select f() -- Dupont", "no such column"),
        ("42703", 'column "Dupont" does not exist', "select f()", "no such column"),
        ("42P01", 'relation "crm.nope" does not exist', "select * from crm.nope", "no such table: crm.nope"),
        ("42883", "function foo(integer) does not exist", "select foo(1)", "no such function: foo"),
        ("42601", 'syntax error at or near "FORM"', "select id form t", "syntax error near form"),
        ("42501", "permission denied for table t", "select * from t", "lacks a permission: t"),
        (1054, "Unknown column 'point' in 'field list'", "select point from t", "no such column: point"),
        (1054, "Unknown column 'Dupont' in 'where clause'", "select `Dupont` from t", "no such column"),
        (1146, "Table 'crm.nope' doesn't exist", "select * from nope", "no such table: nope"),
        (
            1064,
            "You have an error; use near 'FORM t' at line 1",
            "select id FORM t",
            "syntax error near FORM",
        ),
        (1792, "Cannot execute statement in a READ ONLY transaction.", "select f()", "the query writes"),
    ],
)
def test_an_error_of_a_server_names_what_stands_in_the_query(
    code: str | int, text: str, query: str, words: str
) -> None:
    original: Exception
    if isinstance(code, int):
        original = _Numbered(code, text)
    else:
        original = OperationalError(text)
        original.sqlstate = code
    said = told(_Wrapped(original), query).words
    assert said.endswith((words, f"{words}, and the connection is read-only")), said


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("delete from p", "DELETE"),
        ("-- old\n /* all */ (Insert INTO p VALUES (1))", "INSERT"),
        ("-- DELETE\nSELECT 1", None),
        ("WITH x AS (SELECT 1) SELECT * FROM x", None),
        ("deleted", None),
        ("", None),
        ("/* open", None),
    ],
)
def test_a_statement_that_writes(query: str, word: str | None) -> None:
    assert writes(query) == word


_VALUES = ("Dupont", "FR76")
_TEXT = st.sampled_from([*_VALUES, *"\"'`«»„ .:()\n", "no such column", "relation", "near", "a"])
_QUERY = st.one_of(
    st.sampled_from(["SELECT", " a ", ",", "\n", "t.b", " FROM ", "''", '""', "$1", "f("]),
    st.builds(
        str.format,
        st.sampled_from(["'{}'", "'it''s {}'", '"{}"', '"a""{}"', "`{}`", "-- {}\n", "/* {}\n*/", "$$ {} $$", "$q${}$q$", "'\\'{}'"]),
        st.sampled_from(_VALUES),
    ),
)  # fmt: skip


@given(
    text=st.lists(_TEXT, max_size=12).map("".join),
    query=st.lists(_QUERY, max_size=8).map("".join),
    code=st.sampled_from(["42703", "42601", "42501", "42P01", "XX000"]),
)
def test_what_stands_in_quotes_is_not_named(text: str, query: str, code: str) -> None:
    original = OperationalError(text)
    original.sqlstate = code
    said = told(_Wrapped(original), query).words
    assert not any(value in said for value in _VALUES)


@pytest.mark.parametrize(
    "options", ["?mode=rwc", "?timeout=5&timeout=6", "?uri=true&cache=shared", "?a=b%26mode=rw"]
)
@pytest.mark.parametrize("file", ["c.db", ":memory:", ""])
def test_an_sqlite_url_takes_no_options(options: str, file: str, tmp_path: Path) -> None:
    """A driver may refuse them by an error of its own, warn of them, or open the file for writing."""
    (tmp_path / "c.db").touch()
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(ReconcilerError, match="options after a `\\?`"),
    ):
        list(sql.rows(f"sqlite:///{file}{options}", "SELECT 1", lambda _: None, tmp_path, outside=False))


def test_options_that_a_driver_cannot_read_are_an_error_of_the_url(tmp_path: Path) -> None:
    url = "postgresql://u@127.0.0.1/x?prepare_threshold=a&prepare_threshold=b"
    with pytest.raises(ReconcilerError):
        list(sql.rows(url, "SELECT 1", lambda _: None, tmp_path, outside=False))


@pytest.mark.parametrize(
    ("url", "instead"),
    [(f"postgresql+{d}://u@h/x", "psycopg 3") for d in ("psycopg2", "pg8000", "asyncpg", "psycopg_async", "psycopg2cffi")]
    + [(f"{b}+{d}://u@h/x", r"mysql\+pymysql") for b in ("mysql", "mariadb") for d in ("mysqlconnector", "mariadbconnector", "aiomysql", "pyodbc")]
    + [("duckdb:///x.db", r"rows\.parquet")],
)  # fmt: skip
def test_drivers_that_change_values_are_refused(url: str, instead: str, tmp_path: Path) -> None:
    """Some make infinity 9999-12-31, 24:00 midnight, 1.10 in JSON 1.1, and 0000-00-00 NULL; whether they are installed or not."""
    with pytest.raises(ReconcilerError, match="changes some values") as raised:
        list(sql.rows(url, "SELECT 1", lambda _: None, tmp_path, outside=False))
    assert re.search(instead, str(raised.value))
