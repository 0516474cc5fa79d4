"""What MySQL's and MariaDB's values become: what is stored, or a row that is not sent; by each driver that is allowed."""

import gc
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.bulk.records.values import written
from reconciler.bulk.sources import mysql_values, sql
from reconciler.errors import ReconcilerError
from tests.support.mariadb import execute, server

NO_DATE = "a date that no calendar has"
SIX = "a FLOAT, of which the server tells only six digits; write CAST(… AS DOUBLE) in the query"
DURATION, BINARY = "a duration", "binary data"
COLUMNS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "date": ("date", [
        ("'0000-00-00'", NO_DATE), ("'2026-00-10'", NO_DATE), ("'2026-02-31'", NO_DATE), ("'9999-12-31'", '"9999-12-31"'),
        ("'1000-01-01'", '"1000-01-01"'), ("NULL", "null"),
    ]),
    "datetime": ("datetime(6)", [
        ("'0000-00-00'", NO_DATE), ("'2026-02-31 10:00'", NO_DATE), ("'2026-01-01 10:00:00.5'", '"2026-01-01T10:00:00.500000"'),
        ("'9999-12-31 23:59:59.999999'", '"9999-12-31T23:59:59.999999"'), ("NULL", "null"),
    ]),
    "timestamp": ("timestamp null", [("'0000-00-00'", NO_DATE), ("'2026-01-01 10:00'", '"2026-01-01T10:00:00"')]),
    "float": ("float", [("0.1", SIX), ("16777217", SIX), ("NULL", "null")]),
    "double": ("double", [("0.1", "0.1"), ("123456789.125", "123456789.125"), ("1e308", "1e308")]),
    "decimal": ("decimal(65,20)", [
        ("12345678901234567.89", "12345678901234567.89" + "0" * 18), ("-1e40", "-1" + "0" * 40 + "." + "0" * 20),
    ]),
    "unsigned": ("bigint unsigned", [("18446744073709551615", "18446744073709551615")]),
    "time": ("time", [("'838:59:59'", DURATION), ("'-25:00'", DURATION), ("'10:00'", DURATION)]),
    "text": ("varchar(20)", [("'ł😀'", '"ł😀"'), ("'NULL'", '"NULL"'), ("''", '""')]),
    "json": ("json", [("""'{"a":1.10}'""", r'"{\"a\":1.10}"'), ("'null'", '"null"'), ("NULL", "null")]),
    "bit": ("bit(8)", [("5", BINARY)]), "blob": ("blob", [("'a'", BINARY)]), "boolean": ("boolean", [("true", "1")]),
    "latin": ("varchar(9) character set latin1", [("'é'", '"é"')]), "set": ("set('a','b')", [("'a,b'", '"a,b"')]),
}  # fmt: skip


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with server(tmp_path_factory.mktemp("mariadb")) as found:
        yield found


@pytest.fixture(params=[("mysql+pymysql", "pymysql"), ("mariadb+mysqldb", "MySQLdb")], ids=lambda p: p[0])
def url(request: pytest.FixtureRequest, port: int) -> str:
    scheme, module = request.param
    try:
        importlib.import_module(module)
    except ImportError:
        pytest.skip(f"{module} is not installed")
    return f"{scheme}://root@127.0.0.1:{port}/t"


def _rows(url: str, query: str) -> list[dict[str, Any]]:
    return list(sql.rows(url, query, lambda _: None, Path(), outside=False))


def _texts(url: str, query: str) -> list[str]:
    """The one value of each row as it is sent, or why it is not."""
    found = []
    for row in _rows(url, query):
        made = written(row, nulls=True)
        if isinstance(made, dict):
            found.append(msgspec.json.encode(*made.values()).decode())
        else:
            found.append(made.reason.partition(" holds ")[2])
    return found


@pytest.mark.parametrize("options", ["", "?charset=latin1"])
@pytest.mark.parametrize("name", COLUMNS)
def test_every_type(name: str, options: str, url: str, port: int) -> None:
    """Whatever the URL says of letters."""
    dtype, values = COLUMNS[name]
    stored = ", ".join(f"({n}, {value})" for n, (value, _) in enumerate(values))
    execute(
        port, "USE t", "CREATE OR REPLACE TABLE x (n int, v " + dtype + ")", "INSERT INTO x VALUES " + stored
    )
    assert _texts(url + options, "SELECT v FROM x ORDER BY n") == [sent for _, sent in values]


def test_a_value_made_of_many_is_whole(url: str) -> None:
    """By itself, MySQL cuts it at 1,024 bytes, and only warns."""
    (text,) = _texts(url, "SELECT GROUP_CONCAT(seq) FROM seq_1_to_300000")
    assert text == f'"{",".join(map(str, range(1, 300_001)))}"'


@pytest.mark.parametrize(
    "cut", ["(SELECT GROUP_CONCAT(seq) FROM seq_1_to_4000000)", "REPEAT(REPEAT('x', 1000000), 2000)"]
)
def test_a_value_that_the_server_cuts_stops_the_source(cut: str, url: str) -> None:
    with pytest.raises(ReconcilerError, match="the database cut a value"):
        _rows(url, f"SELECT seq, {cut} AS v FROM seq_1_to_2")


@pytest.mark.parametrize("engine", ["InnoDB", "MyISAM"])
def test_nothing_is_written(engine: str, url: str, port: int) -> None:
    execute(port, "USE t", f"CREATE OR REPLACE TABLE w (v int) ENGINE={engine}")
    with pytest.raises(ReconcilerError, match="rejected the source's query"):
        _rows(url, "INSERT INTO w VALUES (1) RETURNING v")
    assert execute(port, "SELECT COUNT(*) FROM t.w") == [(0,)]


def test_a_server_without_such_a_setting_is_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others speak as MySQL does; where nothing can be set, a value that is cut still stops the source."""
    monkeypatch.setattr(mysql_values, "SETTINGS", ("SET SESSION no_such_setting = 1",))
    assert _texts(url, "SELECT 1.10") == ["1.10"]
    with pytest.raises(ReconcilerError, match="the database cut a value"):
        _rows(url, "SELECT GROUP_CONCAT(seq) AS v FROM seq_1_to_300000")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of pymysql's own
@pytest.mark.parametrize("ended", ["KILL", "KILL QUERY"])
def test_rows_that_do_not_come_stop_the_source(
    ended: str, url: str, port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nothing of a library's trace is shown: it may quote values."""
    read = sql.rows(
        url, "SELECT seq, REPEAT('x', 99) AS p FROM seq_1_to_2000000", lambda _: None, Path(), outside=False
    )
    next(read)
    others = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command <> 'Daemon' AND db = 't'"
    for (number,) in execute(port, others):
        execute(port, f"{ended} {number}")
    with pytest.raises(ReconcilerError, match="rejected the source's query"):
        for _ in read:
            pass
    del read
    gc.collect()
    assert "sqlalchemy" not in capfd.readouterr().err
