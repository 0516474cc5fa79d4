"""Rows of a query, streamed by a server-side cursor. The only user of SQLAlchemy (extra: sql).

Enters: a database URL and one SELECT. Leaves: rows as dicts of Python values. The connection is opened read-only where the
database has such a thing. What a database says of an error may quote values; `sql_words` says what is passed on.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reconciler.beneath import within
from reconciler.bulk.records.columns import repeated
from reconciler.bulk.records.values import Unwritable
from reconciler.bulk.sources import mysql_values, postgres_values
from reconciler.bulk.sources.sql_words import told
from reconciler.errors import MissingExtra, ReconcilerError

_BATCH = 2_000
_PATH = "write sqlite:///PATH and nothing more; a path in sql.url is relative to the workspace"
_POSTGRES = ("psycopg",), "write postgresql://… alone: psycopg 3 comes with the extra"
_MYSQL = tuple(mysql_values.DRIVERS), "write mysql+pymysql://… (pip install pymysql)"
_DUCKDB = (
    (),
    "write the rows to a file, COPY (…) TO 'rows.parquet' (FORMAT parquet), and name that in `files:`",
)
# Of a database with drivers that change values (infinity -> 9999-12-31, 24:00 -> 00:00, fewer digits): those that are made to give all as
# they are stored, and what to do instead.
_DRIVERS: dict[str, tuple[tuple[str, ...], str]] = {
    "postgresql": _POSTGRES, "cockroachdb": _POSTGRES, "mysql": _MYSQL, "mariadb": _MYSQL, "duckdb": _DUCKDB,
}  # fmt: skip


def rows(
    url: str, query: str, check: Callable[[list[str]], None], root: Path, *, outside: bool
) -> Iterator[dict[str, Any]]:
    """All rows of a query, read once.

    Args:
        url: of the database.
        query: one SELECT.
        check: is given the columns before a row is read; what it raises ends the reading.
        root: folder that the path of an SQLite file is relative to.
        outside: an SQLite file may lie outside of it.

    Raises:
        MissingExtra: SQLAlchemy, or the database's driver, is not installed.
        ReconcilerError: the database cannot be reached, refuses the query, or fails on the way.
    """
    alchemy = _sqlalchemy()
    try:
        place = _placed(alchemy.engine.make_url(_with_driver(url)), root, outside=outside)
        engine = alchemy.create_engine(place, poolclass=alchemy.pool.NullPool, connect_args=_arguments(place))
    except (alchemy.exc.SQLAlchemyError, ImportError, ValueError, TypeError) as e:
        raise _cannot_open(e) from None
    options: dict[str, Any] = {"stream_results": True, "yield_per": _BATCH, "no_parameters": True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    if engine.dialect.driver == "psycopg":
        alchemy.event.listen(engine, "connect", lambda raw, _: postgres_values.prepare(raw), insert=True)
    try:
        with engine.connect().execution_options(**options) as connection:
            _prepare(connection)
            with closing(connection.exec_driver_sql(query)) as result:
                if not result.returns_rows:
                    words = "the query of the source returns no rows"
                    raise ReconcilerError(words, help="the query must be one SELECT statement")
                columns = _columns(list(result.keys()))
                check(columns)
                for row in result:
                    yield dict(zip(columns, row, strict=True))
            if engine.dialect.driver in mysql_values.DRIVERS:
                mysql_values.require_whole(connection.exec_driver_sql("SHOW WARNINGS").all())
    except (alchemy.exc.SQLAlchemyError, engine.dialect.dbapi.Error) as e:
        said = told(e, query)
        raise ReconcilerError(
            f"the database rejected the source's query: {said.words}", help=said.help
        ) from None
    except UnicodeEncodeError:
        raise ReconcilerError(
            "the source's query has letters that the encoding of the database has not",
            help="write it with letters of ASCII; a text may be written as U&'caf\\00e9'",
        ) from None
    except (ValueError, ArithmeticError) as e:  # of a driver, about a value it cannot read; it may quote it
        raise ReconcilerError(
            f"the database's driver could not read a value of the source's query ({type(e).__name__})",
            help="cast the column to text in the query, or remove the column",
        ) from None
    finally:
        engine.dispose()


def _prepare(connection: Any) -> None:
    """Values arrive with all of their digits, and one that Python has nothing for makes a row bad, not the query."""
    driver, raw = connection.dialect.driver, connection.connection.driver_connection
    if driver == "psycopg":
        postgres_values.settle(raw)
    elif driver in mysql_values.DRIVERS:
        mysql_values.settle(raw, connection.dialect.dbapi.Error)
    elif driver == "pysqlite":
        raw.text_factory = _sqlite_text


def _sqlite_text(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Unwritable("text that is not UTF-8")


def _columns(names: list[str]) -> list[str]:
    if (twice := repeated(names)) is not None:
        raise ReconcilerError(
            f"two columns of the query are named '{twice}'", help="name one of them with AS"
        )
    return names


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy
        import sqlalchemy.event
        import sqlalchemy.exc
        import sqlalchemy.pool
    except ImportError:
        raise MissingExtra("a source with sql:", "sql") from None
    # Where a connection is cut, it writes the driver's error with its trace to the terminal, beside raising it.
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL + 1)
    return sqlalchemy


def _with_driver(url: str) -> str:
    """PostgreSQL is spoken to by psycopg 3 unless the URL names another driver."""
    scheme, colon, rest = url.partition("://")
    return f"postgresql+psycopg{colon}{rest}" if scheme in ("postgres", "postgresql") else url


def _placed(url: Any, root: Path, *, outside: bool) -> Any:
    """An SQLite file is looked for in the workspace, must be there, and is opened to be read: opening would make an empty one.

    Args:
        url: of a database.
        root: folder that a path is relative to.
        outside: it may lie outside of the root.

    Raises:
        ReconcilerError: there is no such file, it lies outside, or the URL says how to open it.
    """
    name = url.database
    if url.get_backend_name() != "sqlite":
        return url
    if name and name.startswith("file:"):
        raise ReconcilerError("sql.url names an SQLite file by a `file:` address", help=_PATH)
    if url.query:
        raise ReconcilerError("sql.url of an SQLite file has options after a `?`", help=_PATH)
    if not name or name == ":memory:":
        return url
    path = root / Path(name).expanduser()
    if not outside and not within(os.path.realpath(root), os.path.realpath(path)):
        raise ReconcilerError(
            f"the SQLite file {name} lies outside the workspace",
            help="to allow this, set allow_outside_paths: true in reconciler.yaml",
        )
    if not path.is_file():
        raise ReconcilerError(f"there is no SQLite file {name}", help=_PATH)
    return url.set(database=f"file:{quote(str(path.resolve()))}", query={"mode": "ro", "uri": "true"})


def _arguments(url: Any) -> dict[str, Any]:
    """What the driver is told beside the URL.

    Raises:
        ReconcilerError: it changes values.
        ImportError: it is not installed.
    """
    backend = url.get_backend_name()
    if backend not in _DRIVERS:
        return {}
    drivers, instead = _DRIVERS[backend]
    driver = url.get_driver_name() if drivers else backend
    if driver not in drivers:
        raise ReconcilerError(f"the driver {driver} changes some values of the database; {instead}")
    return mysql_values.arguments(driver) if driver in mysql_values.DRIVERS else {}


def _cannot_open(e: Exception) -> ReconcilerError:
    if isinstance(e, ImportError):
        return ReconcilerError(
            f"the driver for this database is not installed: {e.name}",
            help="install the driver; for PostgreSQL: pip install 'mics-reconciler[sql]'",
        )
    return ReconcilerError(
        "sql.url is not a database URL that SQLAlchemy supports",
        help="for example postgresql://user@host/name or sqlite:///file.db",
    )
