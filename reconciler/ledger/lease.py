"""The lock per organisation across machines: a lease in the PostgreSQL ledger, renewed while the run lives.

It ends with the run's own connection (a killed run leaves none), when it is not renewed in time (a machine that is gone), or
when somebody breaks it. Behind a pooler no process of the server is the run's own: there a killed run's lease ends in time only. Whoever has it asks the server before every write, so a run that lost it writes nothing more; what
it had on its way is covered by the next one's `settle`, as after a kill. Times are the server's: clocks of runners need not
agree.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict

from reconciler.errors import LedgerFailed
from reconciler.ledger.database import Database
from reconciler.ledger.lock import Owner, held_by
from reconciler.ledger.open_writes import Mark

DURATION = 60.0  # seconds; renewed four times as often
_POOLED = 0  # instead of a process of the server
_NOW = "EXTRACT(EPOCH FROM clock_timestamp())"
_OVER = f"(leases.id = '' OR leases.expires < {_NOW} OR (leases.backend <> {_POOLED} AND NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = leases.backend)))"  # noqa: S608
_TAKE = (
    f"INSERT INTO leases (origin, organisation_id, id, owner, since, expires, backend) VALUES (?,?,?,?,{_NOW},{_NOW}+?,CASE WHEN ?=1 THEN {_POOLED} ELSE pg_backend_pid() END) ON CONFLICT (origin, organisation_id) DO UPDATE SET "  # noqa: S608
    "id=excluded.id, owner=excluded.owner, since=excluded.since, expires=excluded.expires, backend=excluded.backend "
    f"WHERE {_OVER} RETURNING nonce, quiet"
)
_OURS = "WHERE origin=? AND organisation_id=? AND id=?"
# A pooler that was not recognised gives the connection another process of the server: then the lease counts as lost.
_PINNED = f"backend IN ({_POOLED}, pg_backend_pid())"
_RENEW = f"UPDATE leases SET expires={_NOW}+? {_OURS} AND {_PINNED} RETURNING id"  # noqa: S608
_MARK = f"UPDATE leases SET nonce=?, quiet=? {_OURS} RETURNING id"  # noqa: S608
_HELD = f"SELECT 1 FROM leases {_OURS} AND {_PINNED} AND expires > {_NOW}"  # noqa: S608


class Lease:
    """Held from `take` until `release`, somebody breaks it, or it cannot be renewed."""

    def __init__(
        self,
        database: Database,
        origin: str,
        organisation_id: str,
        owner: Owner,
        now: Callable[[], float],
        *,
        pooled: bool,
    ) -> None:
        self._pooled = pooled
        self._database, self._key, self._owner, self._now = database, (origin, organisation_id), owner, now
        self.left: Mark | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True, name="lease")

    def take(
        self,
        timeout: float,
        sleep: Callable[[float], None],
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Wait for it, and keep it from then on.

        Raises:
            LockHeld: somebody still has it after `timeout` seconds.
            LedgerFailed: the database cannot be reached.
        """
        deadline, told = self._now() + timeout, False
        while True:
            owner = json.dumps(asdict(self._owner))
            if rows := self._database.rows(
                _TAKE, *self._key, self._owner.id, owner, DURATION, int(self._pooled)
            ):
                self.left = Mark(rows[0][0], bool(rows[0][1])) if rows[0][0] else None
                self._thread.start()
                return
            who = holder(self._database, *self._key)
            words = f"another run: {who.describe()}" if who else "another run"
            if self._now() >= deadline:
                raise held_by(self._key[1], words)
            if waiting and not told:
                waiting(f"waiting for {words}")
                told = True
            sleep(0.2)

    def held(self) -> bool:
        """True while it is ours, as the server says now."""
        try:
            return bool(self._database.rows(_HELD, *self._key, self._owner.id))
        except LedgerFailed:
            return False

    def mark(self, mark: Mark) -> None:
        """Leave a mark for whoever holds it next; a lease that was lost is marked by nobody.

        Raises:
            LedgerFailed: it could not be written.
        """
        self._database.rows(_MARK, mark.nonce, int(mark.quiet), *self._key, self._owner.id)
        self.left = mark

    def release(self) -> None:
        """Give it back."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            release(self._database, *self._key, self._owner.id)
        except LedgerFailed:
            return  # it expires by itself

    def _renew(self) -> None:
        while not self._ended.wait(DURATION / 4):
            try:
                if not self._database.rows(_RENEW, DURATION, *self._key, self._owner.id):
                    return  # somebody broke it
            except LedgerFailed:
                return  # it went with the connection


def holder(database: Database, origin: str, organisation_id: str) -> Owner | None:
    """Who holds the lease now, or did until it expired."""
    sql = "SELECT owner FROM leases WHERE origin=? AND organisation_id=? AND id<>''"
    rows = database.rows(sql, origin, organisation_id)
    return Owner(**json.loads(rows[0][0])) if rows else None


def release(database: Database, origin: str, organisation_id: str, identity: str) -> bool:
    """End this lease, whoever has it; False if there is none of that id. What its run marked it with stays.

    Args:
        database: the PostgreSQL ledger.
        origin: of the endpoint.
        organisation_id: whose lock.
        identity: the lock's id.
    """
    sql = "UPDATE leases SET id='' WHERE origin=? AND organisation_id=? AND id=? RETURNING origin"
    return bool(identity) and bool(database.rows(sql, origin, organisation_id, identity))
