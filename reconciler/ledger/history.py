"""What the ledger recorded, read without writing: no lock, no migration, no ledger made where there is none (G1)."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from reconciler.ledger import baselines
from reconciler.ledger.database import Database, Row
from reconciler.ledger.store import upload_notes
from reconciler.model.actor import Actor
from reconciler.model.baseline import Baseline
from reconciler.model.load import UploadNotes
from reconciler.model.removal import RefusedRemoval, RefusedRemovals

Open = Callable[[], AbstractContextManager[Database | None]]


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
    by: Actor = field(default_factory=Actor)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a run's journal."""

    at: float
    address: str
    step: str
    state: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """How work on one address ended, over all runs.

    Attributes:
        succeeded: when it last did, in seconds since 1970; partial counts, for what failed is told apart. None if it never did.
        failed_rows: of the newest load; None where the address is no load's.
    """

    address: str
    succeeded: float | None
    failed_rows: int | None = None


class History:
    """Runs of one organisation on one endpoint. Every method raises LedgerFailed if the ledger cannot be read."""

    def __init__(self, open_: Open, origin: str, organisation_id: str) -> None:
        self._open, self._key = open_, (origin, organisation_id)

    def runs(self, limit: int) -> list[Recorded]:
        """The newest runs, newest first."""
        return self._runs("ORDER BY id DESC LIMIT ?", limit)

    def run(self, run: int) -> Recorded | None:
        """One run."""
        return next(iter(self._runs("AND id=?", run)), None)

    def inverse(self, run: int) -> str | None:
        """The plan that would undo a run, if it recorded one."""
        sql = "SELECT inverse FROM runs WHERE origin=? AND organisation_id=? AND id=?"
        rows = self._rows(sql, *self._key, run)
        return rows[0][0] if rows else None

    def inverses(self, plan_digest: str) -> list[str]:
        """Plans of this digest that would undo a run, as JSON."""
        sql = "SELECT inverse FROM runs WHERE origin=? AND organisation_id=? AND inverse_digest=?"
        return [row[0] for row in self._rows(sql, *self._key, plan_digest)]

    def journal(self, run: int) -> list[Entry]:
        """The journal of a run, in order."""
        sql = "SELECT at, address, step, state, detail FROM journal WHERE run=? ORDER BY id"
        rows = self._rows(sql, run)
        return [Entry(at, address, step, state, json.loads(d)) for at, address, step, state, d in rows]

    def compartments(self, workspace: str) -> dict[str, str]:
        """Which compartment of the platform each address was at the last apply: remote ids, by address."""
        sql = (
            "SELECT address, remote_id FROM compartments WHERE origin=? AND organisation_id=? AND workspace=?"
        )
        return dict(self._rows(sql, *self._key, workspace))

    def baseline(self, workspace: str) -> Baseline:
        """How applies of a workspace left the platform."""
        with self._open() as database:
            return baselines.read(database, (*self._key, workspace)) if database else Baseline()

    def refused_removals(self) -> RefusedRemovals:
        """Removals that the platform refused."""
        sql = "SELECT kind, datamart_id, remote_id, status, at FROM refused_removals WHERE origin=? AND organisation_id=?"
        return RefusedRemovals(RefusedRemoval(*row) for row in self._rows(sql, *self._key))

    def loads_ended(self, since: float) -> dict[str, float]:
        """When loads last came to their end, by address, of those that did since a time (seconds since 1970)."""
        sql = (
            "SELECT address, max(at) FROM journal WHERE step='load' AND state IN ('succeeded', 'partial', 'duplicated') "
            "AND at>=? AND run IN (SELECT id FROM runs WHERE origin=? AND organisation_id=?) GROUP BY address"
        )
        return dict(self._rows(sql, since, *self._key))

    def load_ends(self) -> dict[tuple[int, str], str]:
        """How each load of each run ended, by run and address; those of which no end is recorded are not in it."""
        sql = (
            "SELECT run, address, state FROM journal WHERE id IN (SELECT max(id) FROM journal WHERE step='load' "
            "AND run IN (SELECT id FROM runs WHERE origin=? AND organisation_id=?) GROUP BY run, address)"
        )
        return {(run, address): state for run, address, state in self._rows(sql, *self._key)}

    def reported(self) -> frozenset[tuple[str, str]]:
        """(datamart id, execution id) pairs that runs reported as too many or too late."""
        sql = "SELECT datamart_id, execution FROM reported_executions WHERE origin=? AND organisation_id=?"
        return frozenset(self._rows(sql, *self._key))

    def work_ends(self) -> list[WorkEnd]:
        """How work on each address ended: single changes and loads."""
        ours = "run IN (SELECT id FROM runs WHERE origin=? AND organisation_id=?)"
        good = f"SELECT address, max(at) FROM journal WHERE step IN ('load', 'create', 'update', 'delete') AND state IN ('succeeded', 'partial', 'duplicated') AND {ours} GROUP BY address"  # noqa: S608 - words of ours
        newest = f"SELECT address, detail FROM journal WHERE id IN (SELECT max(id) FROM journal WHERE step='load' AND {ours} GROUP BY address)"  # noqa: S608
        with self._open() as database:
            if database is None:
                return []
            succeeded: dict[str, float] = dict(database.rows(good, *self._key))
            failed = {a: int(json.loads(d).get("failed", 0)) for a, d in database.rows(newest, *self._key)}
        return [WorkEnd(a, succeeded.get(a), failed.get(a)) for a in {**succeeded, **failed}]

    def looks(self) -> dict[tuple[str, int], tuple[float, float]]:
        """When applies first and last looked at the executions of finished loads, by what is written and generation."""
        sql = "SELECT written, generation, begun, latest FROM looks WHERE origin=? AND organisation_id=?"
        rows = self._rows(sql, *self._key)
        return {(written, generation): (begun, latest) for written, generation, begun, latest in rows}

    def newest_loads(self) -> dict[str, int]:
        """The highest number of the loads that applies made or looked at, by what is written."""
        sql = (
            "SELECT written, max(generation) FROM looks WHERE origin=? AND organisation_id=? GROUP BY written"
        )
        return dict(self._rows(sql, *self._key))

    def uploads(self, datamart_id: str) -> UploadNotes:
        """What is known of uploads to a datamart; nothing where there is no ledger."""
        with self._open() as database:
            return upload_notes(database, (*self._key, datamart_id)) if database else UploadNotes()

    def _runs(self, rest: str, value: int) -> list[Recorded]:
        columns = "id, host, plan, plan_digest, state, started, ended, who, source_commit, job"
        sql = f"SELECT {columns} FROM runs WHERE origin=? AND organisation_id=? {rest}"  # noqa: S608 - words of ours
        return [
            Recorded(run, host, plan, digest, state, started, ended, Actor(*by))
            for run, host, plan, digest, state, started, ended, *by in self._rows(sql, *self._key, value)
        ]

    def _rows(self, sql: str, *values: Any) -> list[Row]:
        """Rows of one statement; none where there is no ledger."""
        with self._open() as database:
            return database.rows(sql, *values) if database else []
