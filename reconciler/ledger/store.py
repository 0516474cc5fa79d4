"""The ledger: runs, their plans, and a journal of every write's intent and outcome, whatever database they are in.

Durable before and after each write. Rows are keyed by endpoint origin and organisation. Nothing secret or personal is
written: names, digests, counts (G9).
"""

import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler.ledger import baselines
from reconciler.ledger.database import Database
from reconciler.ledger.open_writes import EVERY_LOAD, EVERYTHING, OpenWrites
from reconciler.model.actor import Actor
from reconciler.model.baseline import Left
from reconciler.model.load import ManualVerdict, UploadNotes
from reconciler.model.removal import NO_SUCH_CALL, RefusedRemoval

_OF_A_DATAMART = "WHERE origin=? AND organisation_id=? AND datamart_id=?"
_NOTE = "INSERT INTO journal(run, at, address, step, state, detail) VALUES (?,?,?,?,?,?)"
_RUN = "SELECT id, plan_digest, plan, state, started, ended FROM runs WHERE origin=? AND organisation_id=?"


def upload_notes(database: Database, datamart: tuple[str, str, str]) -> UploadNotes:
    """What is known of uploads to a datamart.

    Args:
        database: of the ledger.
        datamart: origin of the endpoint, organisation id, datamart id.
    """
    names = database.rows(f"SELECT name FROM refused_uploads {_OF_A_DATAMART}", *datamart)  # noqa: S608 - words of ours
    sql = f"SELECT load, chunk, attempt, sent FROM settled_chunks {_OF_A_DATAMART}"  # noqa: S608 - words of ours
    rows = database.rows(sql, *datamart)
    verdicts = {(load, chunk): ManualVerdict(attempt, bool(sent)) for load, chunk, attempt, sent in rows}
    return UploadNotes(frozenset(n for (n,) in names), verdicts)


@dataclass(frozen=True, slots=True)
class Run:
    """One apply. `state` is running, finished (all good), ended (something is left) or unsettled."""

    id: int
    plan_digest: str
    plan: str
    state: str
    started: float
    ended: float | None


class Ledger:
    """All that one organisation on one endpoint recorded here. Safe to share between threads.

    Every method raises LedgerFailed if the database does not do its part.
    """

    def __init__(
        self,
        database: Database,
        origin: str,
        organisation_id: str,
        host: str,
        wall: Callable[[], float],
        by: Actor = Actor(),  # noqa: B008 - a value that nothing changes
    ) -> None:
        self.database, self._key = database, (origin, organisation_id)
        self.host, self._wall, self.by = host, wall, by
        self._writing, self._coming = threading.Lock(), threading.Lock()
        self._notes: list[tuple[int, float, str, str, str, str]] = []
        self._noted = self._written = 0

    @property
    def key(self) -> tuple[str, str]:
        """Origin of the endpoint, and organisation id."""
        return self._key

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def last_run(self) -> Run | None:
        """The newest run, or None."""
        rows = self.database.rows(f"{_RUN} ORDER BY id DESC LIMIT 1", *self._key)
        return Run(*rows[0]) if rows else None

    def run(self, run: int) -> Run | None:
        """One run by its id."""
        rows = self.database.rows(f"{_RUN} AND id=?", *self._key, run)
        return Run(*rows[0]) if rows else None

    def last_nonce(self) -> str | None:
        """The nonce of the newest run, if that run ended in order."""
        sql = "SELECT nonce, state FROM runs WHERE origin=? AND organisation_id=? ORDER BY id DESC LIMIT 1"
        rows = self.database.rows(sql, *self._key)
        return rows[0][0] if rows and rows[0][1] != "running" else None

    def knows(self, nonce: str) -> bool:
        """True if a run of this nonce is on record here."""
        sql = "SELECT 1 FROM runs WHERE origin=? AND organisation_id=? AND nonce=?"
        return bool(self.database.rows(sql, *self._key, nonce))

    def open_writes(self) -> OpenWrites:
        """Writes that may still be on their way, of any run; of everything where a run left some that is not known here."""
        opened = (
            "SELECT written, max(run) FROM open_writes WHERE origin=? AND organisation_id=? GROUP BY written"
        )
        seen = "SELECT written, run FROM seen_through WHERE origin=? AND organisation_id=?"
        return OpenWrites(
            dict(self.database.rows(opened, *self._key)), dict(self.database.rows(seen, *self._key))
        )

    def open(self, run: int, keys: Collection[str]) -> None:
        """Record that writes of these may be on their way from now on; durable when it returns."""
        rows = [(*self._key, key, run) for key in sorted(keys)]
        self.database.many("INSERT INTO open_writes VALUES (?,?,?,?) ON CONFLICT DO NOTHING", rows)

    def see_through(self, run: int, keys: Collection[str]) -> None:
        """Record that a run showed what became of all writes of these, its own and earlier ones."""
        sql = (
            "INSERT INTO seen_through VALUES (?,?,?,?) "
            "ON CONFLICT (origin, organisation_id, written) DO UPDATE SET run=excluded.run"
        )
        self.database.many(sql, [(*self._key, key, run) for key in sorted(keys)])
        self.close_writes(keys)

    def close_writes(self, keys: Collection[str], run: int | None = None) -> None:
        """Record that nothing of these can be on its way any more: of one run, or of any.

        What was open of everything stays open of loads.
        """
        if EVERYTHING in keys:
            sql = (
                "INSERT INTO open_writes SELECT origin, organisation_id, ?, run FROM open_writes "
                "WHERE origin=? AND organisation_id=? AND written=? ON CONFLICT DO NOTHING"
            )
            self.database.rows(sql, EVERY_LOAD, *self._key, EVERYTHING)
        sql = "DELETE FROM open_writes WHERE origin=? AND organisation_id=? AND written=?"
        keyed = [(*self._key, key) for key in sorted(keys)]
        if run is None:
            self.database.many(sql, keyed)
        else:
            self.database.many(f"{sql} AND run=?", [(*row, run) for row in keyed])

    def finished(self, plan_digest: str) -> bool:
        """True if this very plan was applied to its end."""
        sql = "SELECT 1 FROM runs WHERE origin=? AND organisation_id=? AND plan_digest=? AND state='finished'"
        return bool(self.database.rows(sql, *self._key, plan_digest))

    def begin(self, plan_digest: str, plan: str, inverse: str, nonce: str, inverse_digest: str = "") -> int:
        """Record that a run starts.

        Args:
            plan_digest: SHA-256 (hex) of the plan.
            plan: its document, as JSON.
            inverse: the plan that would undo it, as JSON.
            nonce: what the run leaves in the lock, by which a later run knows that no write of another ledger came between.
            inverse_digest: SHA-256 (hex) of the plan that would undo it.

        Returns:
            The run's id.
        """
        rows = self.database.rows(
            "INSERT INTO runs(origin, organisation_id, host, plan_digest, plan, inverse, started, state, nonce, "
            "who, source_commit, job, inverse_digest) VALUES (?,?,?,?,?,?,?,'running',?,?,?,?,?) RETURNING id",
            *self._key,
            self.host,
            plan_digest,
            plan,
            inverse,
            self._wall(),
            nonce,
            self.by.who,
            self.by.commit,
            self.by.job,
            inverse_digest,
        )
        return int(rows[0][0])

    def end(self, run: int, state: str) -> None:
        """Record how a run ended: finished, ended, or unsettled (a write may still be on its way)."""
        self.database.rows("UPDATE runs SET ended=?, state=? WHERE id=?", self._wall(), state, run)

    def note(self, run: int, address: str, step: str, state: str, **detail: str | int | None) -> None:
        """Append to the journal; durable when it returns. What comes while another is written goes with the next, at once.

        Args:
            run: id of the run.
            address: of the action.
            step: such as `import` or `upload`.
            state: `intent` before a write; the answer's verdict after it.
            detail: names, ids and counts; never a profile value (G9).
        """
        row = (run, self._wall(), address, step, state, json.dumps(detail, sort_keys=True))
        with self._coming:
            number = self._noted = self._noted + 1
            self._notes.append(row)
        with self._writing:
            if self._written >= number:
                return
            with self._coming:
                rows, last = list(self._notes), self._noted
            self.database.many(_NOTE, rows)  # if it fails, each of them is tried again by whoever noted it
            with self._coming:
                del self._notes[: len(rows)]
            self._written = last

    def remember_compartments(self, workspace: str, ids: Mapping[str, str]) -> None:
        """Record which compartment of the platform each address is: remote ids, by address."""
        sql = (
            "INSERT INTO compartments VALUES (?,?,?,?,?) "
            "ON CONFLICT (origin, organisation_id, workspace, address) DO UPDATE SET remote_id=excluded.remote_id"
        )
        self.database.many(sql, [(*self._key, workspace, a, i) for a, i in sorted(ids.items())])

    def learn_compartments(self, workspace: str, ids: Mapping[str, str]) -> None:
        """Record it for addresses of which nothing is recorded: an apply that had nothing to do found them."""
        sql = "INSERT INTO compartments VALUES (?,?,?,?,?) ON CONFLICT (origin, organisation_id, workspace, address) DO NOTHING"
        self.database.many(sql, [(*self._key, workspace, a, i) for a, i in sorted(ids.items())])

    def keep_baseline(self, workspace: str, rows: Iterable[Left]) -> None:
        """Record how an apply leaves some resources now."""
        baselines.keep(self.database, (*self._key, workspace), rows, self._wall(), self._wall())

    def keep_look(
        self, workspace: str, rows: Collection[Left], datamarts: Collection[str], at: float
    ) -> None:
        """Record how an apply found what there is.

        Args:
            workspace: its name.
            rows: what it saw.
            datamarts: ids of those of which it saw all; none where it saw some resources only.
            at: when it looked, in seconds since 1970; what was recorded later stays.
        """
        key = (*self._key, workspace)
        if datamarts:
            baselines.replace_all(self.database, key, rows, datamarts, at, self._wall())
        else:
            baselines.keep(self.database, key, rows, at, self._wall())

    def refuse(self, datamart_id: str, name: str) -> None:
        """Remember that the remote refused the upload of this chunk: its content is not sent again."""
        sql = "INSERT INTO refused_uploads VALUES (?,?,?,?) ON CONFLICT DO NOTHING"
        self.database.rows(sql, *self._key, datamart_id, name)

    def refuse_removals(self, rows: Iterable[RefusedRemoval]) -> None:
        """Remember that the platform refused to remove these: no plan proposes it again."""
        sql = (
            "INSERT INTO refused_removals VALUES (?,?,?,?,?,?,?) "
            "ON CONFLICT (origin, organisation_id, kind, datamart_id, remote_id) DO UPDATE SET status=excluded.status"
        )
        values = [(*self._key, r.kind, r.datamart_id, r.remote_id, r.status, self._wall()) for r in rows]
        self.database.many(sql, values)

    def removed(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Forget refusals of what was removed after all: kind, datamart id, remote id; and that there is no call for the kind."""
        sql = (
            "DELETE FROM refused_removals WHERE origin=? AND organisation_id=? AND kind=? "
            "AND (status=? OR (datamart_id=? AND remote_id=?))"
        )
        self.database.many(sql, [(*self._key, kind, NO_SUCH_CALL, *row) for kind, *row in rows])

    def report(self, datamart_id: str, executions: Collection[str]) -> None:
        """Remember that these were reported as too many or too late: each is told with exit 3 once."""
        sql = "INSERT INTO reported_executions VALUES (?,?,?,?) ON CONFLICT DO NOTHING"
        self.database.many(sql, [(*self._key, datamart_id, e) for e in sorted(executions)])

    def watch(self, written: str, generation: int) -> None:
        """Remember that a load, by what it writes and its number, begins or ends now: its executions are to be looked at again."""
        sql = (
            "INSERT INTO looks VALUES (?,?,?,?,?,0) ON CONFLICT (origin, organisation_id, written, generation) "
            "DO UPDATE SET begun=excluded.begun, latest=0"
        )
        self.database.rows(sql, *self._key, written, generation, self._wall())

    def look(self, written: str, generation: int, begun: float, latest: float) -> None:
        """Remember that the executions of a finished load were looked at.

        Args:
            written: what the load writes.
            generation: of the load.
            begun: when, in seconds since 1970; the first such time is kept.
            latest: the same, or 0 if somebody has to look again.
        """
        sql = (
            "INSERT INTO looks VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (origin, organisation_id, written, generation) DO UPDATE SET latest=excluded.latest"
        )
        self.database.rows(sql, *self._key, written, generation, begun, latest)

    def record_manual_verdict(
        self, datamart_id: str, load: str, chunk: int, said: ManualVerdict, who: str
    ) -> None:
        """Record a user's verdict on a chunk.

        Args:
            datamart_id: the datamart of the load.
            load: text of the load's key.
            chunk: index from 1.
            said: the verdict.
            who: user and host.
        """
        sql = (
            "INSERT INTO settled_chunks VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (origin, organisation_id, datamart_id, load, chunk) "
            "DO UPDATE SET attempt=excluded.attempt, sent=excluded.sent, at=excluded.at, who=excluded.who"
        )
        values = (said.attempt, int(said.sent), self._wall(), who)
        self.database.rows(sql, *self._key, datamart_id, load, chunk, *values)

    def uploads(self, datamart_id: str) -> UploadNotes:
        """What is known of uploads to a datamart."""
        return upload_notes(self.database, (*self._key, datamart_id))
