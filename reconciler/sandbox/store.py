"""The sandbox's objects: rows of SQLite, in memory or in a file. Survives `kill -9` of itself and of its clients."""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

VERSION = 2  # of the schema; state of another version is begun anew
KEPT_REQUESTS = 100_000
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS objects (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL,
  shown TEXT, written REAL NOT NULL, reads INTEGER NOT NULL DEFAULT 0, lag_reads INTEGER NOT NULL, lag_seconds REAL NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects(kind, parent, id);
CREATE INDEX IF NOT EXISTS unfinished ON objects(id) WHERE kind='execution' AND json_extract(body, '$.status') IN ('PENDING', 'RUNNING');
CREATE TABLE IF NOT EXISTS failures (execution INTEGER, line INTEGER, body TEXT, PRIMARY KEY (execution, line));
CREATE TABLE IF NOT EXISTS identifiers (datamart TEXT, identifier TEXT, point TEXT, body TEXT, PRIMARY KEY (datamart, identifier));
CREATE INDEX IF NOT EXISTS identifiers_by_point ON identifiers(datamart, point);
CREATE TABLE IF NOT EXISTS profiles (datamart TEXT, point TEXT, compartment TEXT, account TEXT, body TEXT,
  shown TEXT, written REAL NOT NULL, reads INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (datamart, point, compartment, account));
CREATE INDEX IF NOT EXISTS profiles_by_account ON profiles(datamart, account);
CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, method TEXT, path TEXT, status INTEGER,
  fault TEXT, milliseconds REAL);
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """How long listings do not show a write: for so many of them, and for so many seconds."""

    reads: int = 0
    seconds: float = 0.0


# Prefixes the kind of what was deleted while listings lag.
_GONE = "gone "
# What is written in a request gets the lag in force then.
_NONE = Lag()
lag: ContextVar[Lag] = ContextVar("lag", default=_NONE)


class Store:
    """Objects by kind and parent (a datamart, an organisation or an import)."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.db = self._open(folder / "state.db" if folder else ":memory:")

    def _open(self, path: Path | str) -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if isinstance(path, Path) and found != VERSION and db.execute("PRAGMA page_count").fetchone()[0]:
            db.close()
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")  # a killed process loses nothing by that, only a machine would
        db.executescript(_SCHEMA)
        return db

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody in between."""
        with self.lock:
            self.db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    def empty(self) -> bool:
        """True before a seed was planted."""
        with self.lock:
            return bool(self.db.execute("SELECT count(*) FROM objects").fetchone()[0] == 0)

    def free_id(self, first: int) -> str:
        """An id that no object has; what is created after it has a higher one."""
        with self.lock:
            (highest,) = self.db.execute("SELECT coalesce(max(id), 0) FROM objects").fetchone()
        return str(max(highest, first) + 1)

    def counts(self) -> dict[str, int]:
        """How many objects there are, by kind."""
        with self.lock:
            rows = self.db.execute(
                "SELECT kind, count(*) FROM objects GROUP BY kind ORDER BY kind"
            ).fetchall()
        return {kind: count for kind, count in rows if not kind.startswith(_GONE)}

    def add(self, kind: str, parent: str, body: Row, identity: str | None = None) -> Row:
        """Create an object; its id is given, or the next free one.

        Args:
            kind: such as `compartment`.
            parent: id of the object it belongs to, or empty.
            body: fields.
            identity: id to use.
        """
        late = lag.get()
        with self.lock:
            cursor = self.db.execute(
                "INSERT INTO objects(id, kind, parent, body, written, lag_reads, lag_seconds) VALUES (?,?,?,?,?,?,?)",
                (
                    int(identity) if identity else None,
                    kind,
                    parent,
                    json.dumps(body),
                    time.time(),
                    late.reads,
                    late.seconds,
                ),
            )
            return {"id": str(cursor.lastrowid), **body}

    def get(self, kind: str, identity: str, parent: str | None = None) -> Row | None:
        """One object, as it is now."""
        if not (identity.isascii() and identity.isdigit()) or len(identity) > 18:
            return None
        with self.lock:
            row = self.db.execute(
                "SELECT body, parent FROM objects WHERE kind=? AND id=?", (kind, int(identity))
            ).fetchone()
        if row is None or (parent is not None and row[1] != parent):
            return None
        return {"id": identity, **json.loads(row[0])}

    def update(self, kind: str, identity: str, changes: Row, *, lagging: bool = False) -> None:
        """Change fields; with `lagging`, listings go on showing the old ones for a while.

        Args:
            kind: such as `compartment`.
            identity: id of the object.
            changes: fields to set.
            lagging: listings show the old fields until the lag has passed.
        """
        late = lag.get()
        with self.lock:
            (body,) = self.db.execute(
                "SELECT body FROM objects WHERE kind=? AND id=?", (kind, int(identity))
            ).fetchone()
            new = json.dumps({**json.loads(body), **changes})
            if lagging:
                self.db.execute(
                    "UPDATE objects SET body=?, shown=?, written=?, reads=0, lag_reads=?, lag_seconds=? WHERE id=?",
                    (new, body, time.time(), late.reads, late.seconds, int(identity)),
                )
            else:
                self.db.execute("UPDATE objects SET body=? WHERE id=?", (new, int(identity)))

    def all(self, kind: str, parent: str) -> list[Row]:
        """All objects of a parent, as they are now."""
        with self.lock:
            rows = self.db.execute(
                "SELECT id, body FROM objects WHERE kind=? AND parent=? ORDER BY id", (kind, parent)
            ).fetchall()
        return [{"id": str(i), **json.loads(body)} for i, body in rows]

    def unfinished(self) -> list[Row]:
        """Executions that go on, oldest first."""
        with self.lock:
            rows = self.db.execute(
                "SELECT id, body FROM objects WHERE kind='execution' AND json_extract(body, '$.status')"
                " IN ('PENDING', 'RUNNING') AND json_extract(body, '$.stuck') IS NULL ORDER BY id"
            ).fetchall()
        return [{"id": str(i), **json.loads(body)} for i, body in rows]

    def listed(self, kind: str, parent: str, *, first_page: bool) -> list[Row]:
        """What a listing shows: younger writes are missing, show their old fields, or are still there, for a while."""
        with self.lock:
            if first_page:
                self.db.execute(
                    "UPDATE objects SET reads=reads+1 WHERE kind IN (?, ?) AND parent=? AND reads<=lag_reads AND lag_reads>0",
                    (kind, _GONE + kind, parent),
                )
            rows = self.db.execute(
                "SELECT id, CASE kind WHEN ? THEN body END, shown,"
                " (lag_reads>0 AND reads<=lag_reads) OR (lag_seconds>0 AND ?-written<lag_seconds)"
                " FROM objects WHERE kind IN (?, ?) AND parent=? ORDER BY id",
                (kind, time.time(), kind, _GONE + kind, parent),
            ).fetchall()
        return [
            {"id": str(identity), **json.loads(shown if fresh else body)}
            for identity, body, shown, fresh in rows
            if (shown if fresh else body) is not None
        ]

    def remove(self, kind: str, identity: str) -> None:
        """Delete one object; listings go on showing it for a while, where they lag."""
        late = lag.get()
        with self.lock:
            if late == _NONE:
                self.db.execute("DELETE FROM objects WHERE kind=? AND id=?", (kind, int(identity)))
            else:
                self.db.execute(
                    "UPDATE objects SET kind=?, shown=body, written=?, reads=0, lag_reads=?, lag_seconds=? WHERE kind=? AND id=?",
                    (_GONE + kind, time.time(), late.reads, late.seconds, kind, int(identity)),
                )

    def failures(self, execution: str) -> list[Row]:
        """Lines of an execution that failed, as its error file has them."""
        with self.lock:
            sql = "SELECT body FROM failures WHERE execution=? ORDER BY line"
            rows = self.db.execute(sql, (int(execution),)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def record(self, method: str, path: str, status: int, fault: str = "", milliseconds: float = 0.0) -> None:
        """Add to the record of requests; very old entries are removed.

        Args:
            method: of the request.
            path: of the request.
            status: of the answer; 0 if the connection was dropped.
            fault: what the fault script did.
            milliseconds: until the answer.
        """
        with self.lock:
            found = self.db.execute(
                "INSERT INTO requests(at, method, path, status, fault, milliseconds) VALUES (?,?,?,?,?,?)",
                (time.time(), method, path, status, fault, milliseconds),
            ).lastrowid
            if found and found % 1000 == 0:
                self.db.execute("DELETE FROM requests WHERE id<=?", (found - KEPT_REQUESTS,))

    def requests(self, after: int = 0, newest: int = KEPT_REQUESTS) -> list[Row]:
        """The record of requests after a number, oldest first; status 0 is a dropped connection."""
        with self.lock:
            rows = self.db.execute(
                "SELECT id, at, method, path, status, fault, milliseconds FROM requests WHERE id>? ORDER BY id DESC LIMIT ?",
                (after, newest),
            ).fetchall()
        keys = ("id", "at", "method", "path", "status", "fault", "milliseconds")
        return [dict(zip(keys, row, strict=True)) for row in reversed(rows)]
