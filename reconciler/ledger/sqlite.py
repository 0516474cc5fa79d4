"""The ledger's database in a file, for one machine: WAL, and durable when a statement returns (synchronous FULL)."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from reconciler.errors import DiskFailed, LedgerFailed
from reconciler.ledger.database import SCHEMA_VERSION, Row, migration, too_new
from reconciler.private_folder import make_folder, own_file

_WORDS = {
    "SQLITE_NOTADB": "it is not a database",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another process is using it",
    "SQLITE_LOCKED": "another process is using it",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_PERM": "it may not be opened",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_IOERR": "it cannot be read or written",
}


WAIT_S = 10.0  # for another process that uses the file
BESIDE = ("-wal", "-shm")  # files that belong to the database


class SqliteDatabase:
    """An open file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._db = path, connection
        self._lock = threading.Lock()

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement, committed when it returns; its rows, if it has any.

        Raises:
            LedgerFailed: the database did not do it.
        """
        with self._lock, self._told():
            return self._db.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run one statement for each row, all in one transaction.

        Raises:
            LedgerFailed: the database did not do it.
        """
        with self._lock, self._told(), self._db:
            self._db.execute("BEGIN")
            self._db.executemany(sql, rows)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as e:
            raise LedgerFailed(f"the ledger {self._path} failed: {_said(e)}", help=_todo(e)) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def _said(e: Exception) -> str:
    """What happened, in words of our own: those of the database may quote what a file holds."""
    if isinstance(e, OSError):
        return e.strerror or type(e).__name__
    name = getattr(e, "sqlite_errorname", None)
    if name is None:  # said here, or by Python of a connection that is closed
        return str(e)
    return next((words for start, words in _WORDS.items() if name.startswith(start)), name)


def _todo(e: Exception) -> str:
    name = getattr(e, "sqlite_errorname", "")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return "free some space there, and see that the disk is well; then run the same command again: the file is whole"
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return "give this user the right to write the file and its folder"
    if _busy(e):
        return "wait until the other process has ended, and run the same command again; no state is lost"
    return "move the file away; the next run continues from the state of the platform"


def open_file(path: Path) -> SqliteDatabase:
    """A file that is read and written; made, or migrated with a copy of it kept, where that is needed.

    Raises:
        DiskFailed: its folder cannot be made, or what is there is a link or another user's.
        LedgerFailed: it cannot be opened, or a newer program wrote it.
    """
    make_folder(path.parent)
    for suffix in ("", *BESIDE):
        own_file(path.with_name(path.name + suffix), written=True)
    with ExitStack() as opened:  # closes what cannot be used
        try:
            db = opened.enter_context(closing(_connected(path)))
            own_file(path, written=True)  # of a new one, before anything beside it takes its mode
            _write_ahead(db)
            db.execute("PRAGMA synchronous=FULL")
            _migrate(path, db)
        except (OSError, sqlite3.Error) as e:
            raise LedgerFailed(f"cannot open the ledger {path}: {_said(e)}", help=_todo(e)) from None
        opened.pop_all()
    return SqliteDatabase(path, db)


def damage(path: Path) -> str:
    """What is wrong with the file, if it is no ledger any more: all that it holds can be lost (G5). Empty if it is one, or missing."""
    if not path.exists():
        return ""
    if not path.is_file():
        return "it is not a file"
    try:
        with closing(_unwritten(path)) as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError:  # busy, or not to be read: opening it says so
        return ""
    except sqlite3.DatabaseError as e:
        return _said(e)
    return "" if found == "ok" else "its pages are damaged"


def set_aside(path: Path, at: str) -> Path:
    """Rename a damaged ledger, and the files beside it that belong to it; where it is now.

    Args:
        path: the ledger.
        at: when, for the name.

    Raises:
        DiskFailed: it cannot be renamed.
    """
    kept = path.with_name(f"{path.name}.damaged-{at}")
    try:
        path.rename(kept)
        for suffix in BESIDE:
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(kept.with_name(kept.name + suffix))
    except OSError as e:
        raise DiskFailed.of("rename the damaged ledger", path, e) from None
    return kept


def _connected(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=WAIT_S, uri=uri)


def _write_ahead(db: sqlite3.Connection) -> None:
    """Set the journal's mode. Where another process sets it as well, SQLite says at once that the file is busy, and does not wait."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as e:
            if not _busy(e) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _busy(e: Exception) -> bool:
    return getattr(e, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _version(db: sqlite3.Connection) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if words := too_new(version):
        raise sqlite3.DatabaseError(words)
    return version


def _migrate(path: Path | None, db: sqlite3.Connection) -> None:
    version = _version(db)
    if path is not None and 0 < version < SCHEMA_VERSION:
        with closing(sqlite3.connect(path.with_name(f"{path.name}.v{version}.bak"))) as kept:
            db.backup(kept)
    if version < SCHEMA_VERSION:
        db.execute("BEGIN IMMEDIATE")  # of two processes that open a new file, one makes it
        with db:
            for statement in migration(_version(db), "INTEGER PRIMARY KEY").split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


@contextmanager
def read_only(path: Path) -> Iterator[SqliteDatabase | None]:
    """A ledger that is read and never written, not even migrated; None where there is none.

    Raises:
        DiskFailed: it is a link, or another user's.
        LedgerFailed: it cannot be read, or a newer program wrote it.
    """
    if not path.exists():
        yield None
        return
    own_file(path)
    with ExitStack() as opened:
        try:
            db = opened.enter_context(closing(_unwritten(path)))
            if _version(db) < SCHEMA_VERSION:  # read as the newest, in a copy
                copy = opened.enter_context(closing(_connected(":memory:")))
                db.backup(copy)
                _migrate(None, copy)
                db = copy
        except sqlite3.Error as e:
            raise LedgerFailed(f"cannot read the ledger {path}: {_said(e)}") from None
        yield opened.enter_context(closing(SqliteDatabase(path, db)))


def _unwritten(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    db = _connected(f"{uri}?mode=ro", uri=True)
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as e:
        db.close()
        if not isinstance(e, sqlite3.OperationalError):
            raise
        # Where nothing can be written, it reads only what it is told not to change.
        return _connected(f"{uri}?immutable=1", uri=True)
    return db
