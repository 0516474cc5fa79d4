"""Where rollouts are, in the ledger: written with or without the lock, so that a rollout can be paused while a run works.

States of a rollout: running, paused, stopped, aborted, finished. Of a wave: applying, soaking, closed and closed after
soak (a gate), accepted (closed, and somebody went on all the same), passed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.ledger.database import Database

ACCEPTED = "; accepted by "  # in a wave's reason, before who accepted the closed gate, and when
_BEFORE = "; before that: "
_NEWEST = 50  # rollouts whose waves a list of runs names
_COLUMNS = "id, plan_digest, plan, state, why, who, started, updated"


@dataclass(frozen=True, slots=True)
class WaveRecord:
    """One wave as it was left; `at` is when that was, and `runs` are the runs that applied it."""

    state: str
    at: float
    why: str = ""
    runs: tuple[int, ...] = ()

    @property
    def acceptance(self) -> str:
        """Why a gate of it was closed that somebody accepted, who, and when; empty of any other."""
        return acceptance(self.why)

    @property
    def shown(self) -> str:
        """The state that people are told: a wave that passed because somebody accepted a closed gate stays accepted."""
        return shown(self.state, self.why)


def acceptance(why: str) -> str:
    """What is kept in a wave's reason of a gate that somebody accepted; empty where nobody did."""
    return why.rpartition(_BEFORE)[2] if ACCEPTED in why else ""


def shown(state: str, why: str) -> str:
    """A wave's state as people are told it, from its state and reason."""
    return "accepted" if state == "passed" and acceptance(why) else state


def with_acceptance(why: str, kept: str) -> str:
    """A reason, and behind it what somebody accepted before."""
    return f"{why}{_BEFORE}{kept}" if why and kept else why or kept


@dataclass(frozen=True, slots=True)
class Recorded:
    """One rollout; `plan_digest` is its key."""

    id: int
    plan_digest: str
    plan: str
    state: str
    why: str
    who: str
    started: float
    updated: float
    waves: Mapping[str, WaveRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaveOfRun:
    """Which wave a run applied.

    Attributes:
        rollout: its number.
        plan_digest: of the plan of the whole rollout, which was reviewed; a run has the part that it carries out.
        wave: its name.
        state: of the wave now, as it is shown.
        why: why it is so, such as what closed its gate.
        several: other runs applied this wave, too: batches of its datamarts, or the same ones again.
        ended: how the rollout is now, by whom and why, of its last run; empty of others, and where it continues or is finished.
    """

    rollout: int
    plan_digest: str
    wave: str
    state: str = "passed"
    why: str = ""
    several: bool = False
    ended: str = ""


def _ended(state: str, why: str, who: str) -> str:
    """How a rollout ended, or who stopped it; nothing of one that continues, and a gate says itself why it is closed."""
    return f"{state} by {who}{f': {why}' if why else ''}" if state in ("paused", "aborted") else ""


class Rollouts:
    """Rollouts of one organisation on one endpoint. Every method raises LedgerFailed if the database does not do its part."""

    def __init__(
        self, database: Database, origin: str, organisation_id: str, wall: Callable[[], float]
    ) -> None:
        self._db, self._key, self._wall = database, (origin, organisation_id), wall

    def find(self, plan_digest: str) -> Recorded | None:
        """The one of this plan."""
        return self._one("AND plan_digest=?", plan_digest)

    def newest(self) -> Recorded | None:
        """The one that was begun last."""
        return self._one("ORDER BY id DESC LIMIT 1")

    def numbered(self, identity: int) -> Recorded | None:
        """The one with this number."""
        return self._one("AND id=?", identity)

    def begin(self, plan_digest: str, plan: str, who: str) -> Recorded:
        """The rollout of this plan, begun now if it is not on record."""
        now = self._wall()
        self._db.rows(
            "INSERT INTO rollouts(origin, organisation_id, plan_digest, plan, state, why, who, started, updated) "
            "VALUES (?,?,?,?,'running','',?,?,?) ON CONFLICT (origin, organisation_id, plan_digest) DO NOTHING",
            *self._key, plan_digest, plan, who, now, now,
        )  # fmt: skip
        found = self.find(plan_digest)
        assert found is not None  # noqa: S101 - just written
        return found

    def move(self, identity: int, state: str, why: str, who: str, *, unless: tuple[str, ...] = ()) -> bool:
        """Set a rollout's state, unless it is in one of these; True if it was set.

        Args:
            identity: of the rollout.
            state: the new state.
            why: reason, shown by `rollout status`.
            who: user and host.
            unless: states that stay as they are.
        """
        held = f" AND state NOT IN ({','.join('?' * len(unless))})" if unless else ""
        sql = f"UPDATE rollouts SET state=?, why=?, who=?, updated=? WHERE id=?{held} RETURNING id"  # noqa: S608 - marks of ours
        rows = self._db.rows(sql, state, why, who, self._wall(), identity, *unless)
        return bool(rows)

    def note(self, identity: int, wave: str, state: str, why: str, runs: Sequence[int]) -> None:
        """How a wave is now, and all the runs that applied it.

        Args:
            identity: of the rollout.
            wave: name of the wave.
            state: the new state.
            why: reason, shown by `rollout status`.
            runs: ids of all runs that applied it.
        """
        self._db.rows(
            "INSERT INTO waves(rollout, wave, state, at, why, runs) VALUES (?,?,?,?,?,?) ON CONFLICT (rollout, wave) "
            "DO UPDATE SET state=excluded.state, at=excluded.at, why=excluded.why, runs=excluded.runs",
            identity, wave, state, self._wall(), why, json.dumps(list(runs)),
        )  # fmt: skip

    def now(self, identity: int, wave: str) -> WaveRecord:
        """A wave that is on record, as it is now."""
        (row,) = self._db.rows(
            "SELECT state, at, why, runs FROM waves WHERE rollout=? AND wave=?", identity, wave
        )
        state, at, why, runs = row
        return WaveRecord(state, at, why, tuple(json.loads(runs)))

    def runs(self, identity: int, wave: str) -> tuple[int, ...]:
        """The runs that applied a wave; none where it is not on record."""
        rows = self._db.rows("SELECT runs FROM waves WHERE rollout=? AND wave=?", identity, wave)
        return tuple(json.loads(rows[0][0])) if rows else ()

    def of_runs(self) -> dict[int, WaveOfRun]:
        """Of each run that applied a wave of one of the newest rollouts, that wave."""
        # A query for each rollout: with one for all of them PostgreSQL reads the table of waves whole.
        newest = self._db.rows(
            "SELECT id, plan_digest, state, why, who FROM rollouts WHERE origin=? AND organisation_id=? ORDER BY id DESC LIMIT ?",
            *self._key,
            _NEWEST,
        )
        found: dict[int, WaveOfRun] = {}
        for identity, digest, state, why, who in newest:
            sql = "SELECT wave, state, why, runs FROM waves WHERE rollout=?"
            rows = [(*row[:3], json.loads(row[3])) for row in self._db.rows(sql, identity)]
            last = max((run for row in rows for run in row[3]), default=0)
            ended = _ended(state, why, who)
            for wave, how, cause, runs in rows:
                for run in runs:
                    told = ended if run == last else ""
                    found[run] = WaveOfRun(
                        identity, digest, wave, shown(how, cause), cause, len(runs) > 1, told
                    )
        return found

    def _one(self, rest: str, *values: str | int) -> Recorded | None:
        sql = f"SELECT {_COLUMNS} FROM rollouts WHERE origin=? AND organisation_id=? {rest}"  # noqa: S608 - words of ours
        rows = self._db.rows(sql, *self._key, *values)
        if not rows:
            return None
        waves = self._db.rows("SELECT wave, state, at, why, runs FROM waves WHERE rollout=?", rows[0][0])
        records = {
            w: WaveRecord(state, at, why, tuple(json.loads(runs))) for w, state, at, why, runs in waves
        }
        identity, plan_digest, plan, state, why, who, started, updated = rows[0]
        return Recorded(identity, plan_digest, plan, state, why, who, started, updated, records)
