"""What is told of a database's error: its class and code, never its text."""

import re
import warnings
from pathlib import Path

import pytest

from reconciler.bulk.sources import sql
from reconciler.bulk.sources.sql import _words
from reconciler.errors import ReconcilerError


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
    words = _words(_Wrapped(original))
    assert words.startswith("OperationalError")
    assert (state or "") in words
    assert not any(part in words for part in ("Dupont", "s3cret", "FR76"))


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
