"""The emulator's objects: rows of SQLite, in memory or in a file. Survives `kill -9` of itself and of its clients."""

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL,
  shown TEXT, written REAL NOT NULL, reads INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects(kind, parent, id);
CREATE TABLE IF NOT EXISTS identifiers (datamart TEXT, identifier TEXT, point TEXT, body TEXT, PRIMARY KEY (datamart, identifier));
CREATE INDEX IF NOT EXISTS identifiers_by_point ON identifiers(datamart, point);
CREATE TABLE IF NOT EXISTS profiles (datamart TEXT, point TEXT, compartment TEXT, account TEXT, body TEXT,
  PRIMARY KEY (datamart, point, compartment, account));
CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT, path TEXT, status INTEGER);
"""


class Store:
    """Objects by kind and parent (a datamart, an organisation or an import)."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.db = sqlite3.connect(
            folder / "state.db" if folder else ":memory:", check_same_thread=False, isolation_level=None
        )
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.executescript(_SCHEMA)

    def empty(self) -> bool:
        """True before a seed was planted."""
        with self.lock:
            return bool(self.db.execute("SELECT count(*) FROM objects").fetchone()[0] == 0)

    def add(self, kind: str, parent: str, body: Row, identity: str | None = None) -> Row:
        """Create an object; its id is given, or the next free one."""
        with self.lock:
            cursor = self.db.execute(
                "INSERT INTO objects(id, kind, parent, body, written) VALUES (?,?,?,?,?)",
                (int(identity) if identity else None, kind, parent, json.dumps(body), time.time()),
            )
            return {"id": str(cursor.lastrowid), **body}

    def get(self, kind: str, identity: str, parent: str | None = None) -> Row | None:
        """One object, as it is now."""
        if not identity.isdigit():
            return None
        with self.lock:
            row = self.db.execute(
                "SELECT body, parent FROM objects WHERE kind=? AND id=?", (kind, int(identity))
            ).fetchone()
        if row is None or (parent is not None and row[1] != parent):
            return None
        return {"id": identity, **json.loads(row[0])}

    def update(self, kind: str, identity: str, changes: Row, *, lagging: bool = False) -> None:
        """Change fields; with `lagging`, listings go on showing the old ones for a while."""
        with self.lock:
            (body,) = self.db.execute(
                "SELECT body FROM objects WHERE kind=? AND id=?", (kind, int(identity))
            ).fetchone()
            new = json.dumps({**json.loads(body), **changes})
            if lagging:
                self.db.execute(
                    "UPDATE objects SET body=?, shown=?, written=?, reads=0 WHERE id=?",
                    (new, body, time.time(), int(identity)),
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
        """Executions that have not ended, oldest first."""
        with self.lock:
            rows = self.db.execute(
                "SELECT id, body FROM objects WHERE kind='execution' AND json_extract(body, '$.status')"
                " IN ('PENDING', 'RUNNING') ORDER BY id"
            ).fetchall()
        return [{"id": str(i), **json.loads(body)} for i, body in rows]

    def listed(
        self, kind: str, parent: str, *, lag_reads: int, lag_seconds: float, first_page: bool
    ) -> list[Row]:
        """What a listing shows: younger writes are missing, or show their old fields, for a while."""
        with self.lock:
            if first_page and lag_reads:
                self.db.execute(
                    "UPDATE objects SET reads=reads+1 WHERE kind=? AND parent=? AND reads<=?",
                    (kind, parent, lag_reads),
                )
            rows = self.db.execute(
                "SELECT id, body, shown, written, reads FROM objects WHERE kind=? AND parent=? ORDER BY id",
                (kind, parent),
            ).fetchall()
        found = []
        for identity, body, shown, written, reads in rows:
            fresh = (lag_reads and reads <= lag_reads) or (
                lag_seconds and time.time() - written < lag_seconds
            )
            if fresh and shown is None:
                continue
            found.append({"id": str(identity), **json.loads(shown if fresh else body)})
        return found

    def remove(self, kind: str, identity: str) -> None:
        """Delete one object."""
        with self.lock:
            self.db.execute("DELETE FROM objects WHERE kind=? AND id=?", (kind, int(identity)))

    def record(self, method: str, path: str, status: int) -> None:
        """Add to the record of requests."""
        with self.lock:
            self.db.execute(
                "INSERT INTO requests(method, path, status) VALUES (?,?,?)", (method, path, status)
            )

    def requests(self) -> list[Row]:
        """The record of requests, oldest first; status 0 is a dropped connection."""
        with self.lock:
            rows = self.db.execute("SELECT method, path, status FROM requests ORDER BY id").fetchall()
        return [{"method": m, "path": p, "status": s} for m, p, s in rows]
