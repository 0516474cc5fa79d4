"""The ledger in SQLite: runs, their plans, and a journal of every write's intent and outcome.

Durable before and after each write (WAL, synchronous FULL). Rows are keyed by endpoint origin and organisation. Nothing
secret or personal is written: names, digests, counts (G9).
"""

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.model.load import Settled, Settlements

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, origin TEXT NOT NULL, organisation_id TEXT NOT NULL, host TEXT NOT NULL,
  plan_digest TEXT NOT NULL, plan TEXT NOT NULL, started REAL NOT NULL, ended REAL, state TEXT NOT NULL);
CREATE TABLE journal (
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs(id), at REAL NOT NULL,
  address TEXT NOT NULL, step TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX journal_by_step ON journal(step, state);
CREATE TABLE refused_uploads (origin TEXT NOT NULL, organisation_id TEXT NOT NULL, datamart_id TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (origin, organisation_id, datamart_id, name));
"""
_SETTLED = """
CREATE TABLE settled_chunks (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, datamart_id TEXT NOT NULL, load TEXT NOT NULL, chunk INTEGER NOT NULL,
  attempt INTEGER NOT NULL, sent INTEGER NOT NULL, at REAL NOT NULL, who TEXT NOT NULL,
  PRIMARY KEY (origin, organisation_id, datamart_id, load, chunk));
"""
_STEPS = (_SCHEMA, _SETTLED)  # from one version to the next
SETTLED_SQL = "SELECT load, chunk, attempt, sent FROM settled_chunks WHERE origin=? AND organisation_id=? AND datamart_id=?"


@dataclass(frozen=True, slots=True)
class Run:
    """One apply. `state` is running, finished (all good), or ended (something is left)."""

    id: int
    plan_digest: str
    plan: str
    state: str
    started: float
    ended: float | None


class Ledger:
    """All that one organisation on one endpoint recorded here. Safe to share between threads."""

    def __init__(
        self, path: Path, origin: str, organisation_id: str, host: str, wall: Callable[[], float]
    ) -> None:
        self.path, self.origin, self.organisation_id, self.host, self._wall = (
            path,
            origin,
            organisation_id,
            host,
            wall,
        )
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._migrate()
        except (OSError, sqlite3.Error) as e:
            raise ReconcilerError(
                f"cannot open the ledger {path}: {e}",
                help="it holds only history: move the file away, and the next run goes on from the remote",
            ) from None

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"it has the newer format {version}; this reconciler knows {SCHEMA_VERSION}"
            )
        if version < SCHEMA_VERSION:
            steps = " ".join(_STEPS[version:])
            self._db.executescript(f"BEGIN; {steps} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def last_run(self) -> Run | None:
        """The newest run, or None."""
        rows = self._run(
            "SELECT id, plan_digest, plan, state, started, ended FROM runs WHERE origin=? AND organisation_id=? ORDER BY id DESC LIMIT 1",
            self.origin,
            self.organisation_id,
        )
        return Run(*rows[0]) if rows else None

    def run(self, run: int) -> Run | None:
        """One run by its id."""
        rows = self._run(
            "SELECT id, plan_digest, plan, state, started, ended FROM runs WHERE origin=? AND organisation_id=? AND id=?",
            self.origin,
            self.organisation_id,
            run,
        )
        return Run(*rows[0]) if rows else None

    def closed_cleanly(self) -> bool:
        """True if the last run on this host ended with every write settled: then none can still be on its way."""
        rows = self._run(
            "SELECT state, host FROM runs WHERE origin=? AND organisation_id=? ORDER BY id DESC LIMIT 1",
            self.origin,
            self.organisation_id,
        )
        return bool(rows) and rows[0][0] in ("finished", "ended") and rows[0][1] == self.host

    def finished(self, plan_digest: str) -> bool:
        """True if this very plan was applied to its end."""
        return bool(
            self._run(
                "SELECT 1 FROM runs WHERE origin=? AND organisation_id=? AND plan_digest=? AND state='finished'",
                self.origin,
                self.organisation_id,
                plan_digest,
            )
        )

    def begin(self, plan_digest: str, plan: str) -> int:
        """Record that a run starts; its id."""
        with self._lock:
            cursor = self._db.execute(
                "INSERT INTO runs(origin, organisation_id, host, plan_digest, plan, started, state) VALUES (?,?,?,?,?,?,'running')",
                (self.origin, self.organisation_id, self.host, plan_digest, plan, self._wall()),
            )
            return int(cursor.lastrowid or 0)

    def end(self, run: int, state: str) -> None:
        """Record how a run ended: finished, ended, or unsettled (a write may still be on its way)."""
        self._run("UPDATE runs SET ended=?, state=? WHERE id=?", self._wall(), state, run)

    def note(self, run: int, address: str, step: str, state: str, **detail: str | int | None) -> None:
        """Append to the journal; durable when it returns."""
        self._run(
            "INSERT INTO journal(run, at, address, step, state, detail) VALUES (?,?,?,?,?,?)",
            run,
            self._wall(),
            address,
            step,
            state,
            json.dumps(detail, sort_keys=True),
        )

    def refuse(self, datamart_id: str, name: str) -> None:
        """Remember that the remote refused the upload of this chunk: its content is not sent again."""
        self._run(
            "INSERT OR IGNORE INTO refused_uploads VALUES (?,?,?,?)",
            self.origin,
            self.organisation_id,
            datamart_id,
            name,
        )

    def settle(self, datamart_id: str, load: str, chunk: int, settled: Settled, who: str) -> None:
        """Remember what a person said of a chunk."""
        self._run(
            "INSERT OR REPLACE INTO settled_chunks VALUES (?,?,?,?,?,?,?,?,?)",
            self.origin,
            self.organisation_id,
            datamart_id,
            load,
            chunk,
            settled.attempt,
            int(settled.sent),
            self._wall(),
            who,
        )

    def settled(self, datamart_id: str) -> Settlements:
        """What was said of chunks on this datamart."""
        rows = self._run(SETTLED_SQL, self.origin, self.organisation_id, datamart_id)
        return {(load, chunk): Settled(attempt, bool(sent)) for load, chunk, attempt, sent in rows}

    def refused(self, datamart_id: str) -> frozenset[str]:
        """Chunk names whose upload was refused on this datamart."""
        rows = self._run(
            "SELECT name FROM refused_uploads WHERE origin=? AND organisation_id=? AND datamart_id=?",
            self.origin,
            self.organisation_id,
            datamart_id,
        )
        return frozenset(r[0] for r in rows)
