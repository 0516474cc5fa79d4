"""What the ledger recorded, read without writing: no lock, no migration, no ledger made where there is none (G1)."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.ledger.sqlite import SCHEMA_VERSION, SETTLED_SQL
from reconciler.model.load import Settled, Settlements


@dataclass(frozen=True, slots=True)
class Recorded:
    """One run. `state` is running (or cut off), finished, ended, or unsettled; times are seconds since 1970."""

    id: int
    host: str
    plan: str
    plan_digest: str
    state: str
    started: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a run's journal."""

    at: float
    address: str
    step: str
    state: str
    detail: dict[str, Any]


class History:
    """Runs of one organisation on one endpoint."""

    def __init__(self, path: Path, origin: str, organisation_id: str) -> None:
        self._path, self._key = path, (origin, organisation_id)

    def runs(self, limit: int) -> list[Recorded]:
        """The newest runs, newest first.

        Raises:
            ReconcilerError: the ledger cannot be read.
        """
        return self._runs("ORDER BY id DESC LIMIT ?", limit)

    def run(self, run: int) -> Recorded | None:
        """One run."""
        return next(iter(self._runs("AND id=?", run)), None)

    def journal(self, run: int) -> list[Entry]:
        """The journal of a run, in order."""
        with self._open() as db:
            rows = db.execute(
                "SELECT at, address, step, state, detail FROM journal WHERE run=? ORDER BY id", (run,)
            ).fetchall()
        return [Entry(at, address, step, state, json.loads(d)) for at, address, step, state, d in rows]

    def settled(self, datamart_id: str) -> Settlements:
        """What people said of chunks on a datamart; nothing where there is no ledger."""
        if not self._path.exists():
            return {}
        with self._open() as db:
            known = db.execute("SELECT 1 FROM sqlite_master WHERE name='settled_chunks'").fetchone()
            rows = db.execute(SETTLED_SQL, (*self._key, datamart_id)).fetchall() if known else []
        return {(load, chunk): Settled(attempt, bool(sent)) for load, chunk, attempt, sent in rows}

    def _runs(self, rest: str, value: int) -> list[Recorded]:
        if not self._path.exists():
            return []
        columns = "id, host, plan, plan_digest, state, started, ended"
        with self._open() as db:
            rows = db.execute(
                f"SELECT {columns} FROM runs WHERE origin=? AND organisation_id=? {rest}",  # noqa: S608 - words of ours
                (*self._key, value),
            ).fetchall()
        return [Recorded(*row) for row in rows]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connect()) as db:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version > SCHEMA_VERSION:
                    raise sqlite3.DatabaseError(
                        f"it has the newer format {version}; this reconciler knows {SCHEMA_VERSION}"
                    )
                yield db
        except sqlite3.Error as e:
            raise ReconcilerError(f"cannot read the ledger {self._path}: {e}") from None

    def _connect(self) -> sqlite3.Connection:
        uri = self._path.resolve().as_uri()
        db = sqlite3.connect(f"{uri}?mode=ro", uri=True)
        try:
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
        except (
            sqlite3.OperationalError
        ):  # where nothing can be written, SQLite reads only what it is told not to change
            db.close()
            db = sqlite3.connect(f"{uri}?immutable=1", uri=True)
        return db
