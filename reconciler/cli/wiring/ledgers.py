"""The workspace's ledger and its lock: a file for one machine, or PostgreSQL for many; opened, locked, read, unlocked."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.output.console import say
from reconciler.cli.wiring import actor, destination, real_clock
from reconciler.errors import LockHeld, ReconcilerError
from reconciler.ledger import lease, lock, postgres, sqlite
from reconciler.ledger.database import Database
from reconciler.ledger.history import History
from reconciler.ledger.lock import FileLock, Lock, Owner
from reconciler.ledger.open_writes import Mark
from reconciler.ledger.rollouts import Rollouts
from reconciler.ledger.store import Ledger
from reconciler.settings import Settings


@dataclass(frozen=True, slots=True)
class TeamLock:
    """The lock of this machine, for its sending processes, and the lease for all machines."""

    local: FileLock
    lease: lease.Lease

    @property
    def sender_files(self) -> list[Path]:
        """What sending processes hold."""
        return self.local.sender_files

    def held(self) -> bool:
        """True while both are ours."""
        return self.local.held() and self.lease.held()

    def undisturbed(self, last: str | None, knows: Callable[[str], bool]) -> bool:
        """True if the ledger's last run left the lease quiet, and this machine's lock was left quiet by one of its runs."""
        if last is None or self.lease.left != Mark(last, quiet=True):
            return False
        local = self.local.left
        return local is None or (local.quiet and knows(local.nonce))

    def mark(self, mark: Mark) -> None:
        """Leave a mark in both."""
        self.local.mark(mark)
        self.lease.mark(mark)

    def release(self) -> None:
        """Give both back."""
        self.lease.release()
        self.local.release()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the ledger is: the file, or the file that local locks are beside and the URL."""

    file: Path
    url: str | None = None


def place(root: Path, settings: Settings) -> Place:
    """Where the workspace's ledger is.

    Raises:
        ReconcilerError: `ledger` is neither sqlite:PATH nor postgresql://…
    """
    text = destination.text_of("ledger", settings.ledger, root, os.environ)
    kind, colon, rest = text.partition(":")
    if kind == "sqlite" and rest:
        return Place(root / Path(rest).expanduser())
    if kind in ("postgresql", "postgres") and rest.startswith("//"):
        return Place(root / ".reconciler" / "ledger", text)
    raise ReconcilerError(
        f"the ledger must be sqlite:PATH or postgresql://…, it is {f'{kind}:' if colon else ''}…"
    )


def lock_folder(root: Path, settings: Settings) -> Path | None:
    """The folder of the machine's locks, where the workspace names one."""
    return None if settings.lock_folder is None else root / settings.lock_folder


def reading(root: Path, settings: Settings) -> AbstractContextManager[Database | None]:
    """The ledger's database, read without writing; None where there is none."""
    where = place(root, settings)
    return sqlite.read_only(where.file) if where.url is None else postgres.read_only(where.url)


def history(root: Path, settings: Settings) -> History:
    """The ledger, read without writing."""
    where = place(root, settings)
    if where.url is not None:
        return _history(root, settings, postgres.Kept(where.url))
    return _history(root, settings, lambda: reading(root, settings))


def not_shared(root: Path, settings: Settings, *, several: bool) -> str:
    """How the ledger is not at hand for all who apply; empty where it is.

    Args:
        root: of the workspace.
        settings: of it.
        several: several machines apply, so that a SQLite ledger is `local`; why a ledger cannot be found is said anyway.
    """
    try:
        return "local" if place(root, settings).url is None and several else ""
    except ReconcilerError as e:
        return str(e)


def expendable_history(root: Path, settings: Settings, tell: Callable[[str], None] = say) -> History:
    """The same for those who do without: a damaged ledger is as good as none (G5), which is said."""
    where = place(root, settings)
    if where.url is not None or not (why := sqlite.damage(where.file)):
        return history(root, settings)
    tell(f"warning: the ledger {where.file} is damaged ({why}); continuing without it")
    return _history(root, settings, lambda: nullcontext(None))


def _history(
    root: Path, settings: Settings, open_: Callable[[], AbstractContextManager[Database | None]]
) -> History:
    return History(open_, destination.origin_key(root, settings), settings.organisation_id)


@contextmanager
def reading_rollouts(root: Path, settings: Settings) -> Iterator[Rollouts | None]:
    """Where rollouts are on record, read without writing; None where there is no ledger."""
    with reading(root, settings) as database:
        yield None if database is None else _rollouts(database, root, settings)


def _rollouts(database: Database, root: Path, settings: Settings) -> Rollouts:
    key = destination.origin_key(root, settings)
    return Rollouts(database, key, settings.organisation_id, real_clock.CLOCK.wall)


def _opened(where: Place) -> Database:
    return sqlite.open_file(where.file) if where.url is None else postgres.open_url(where.url)


def _whole(where: Place) -> None:
    """Set a damaged ledger aside; to be called with the lock. The run goes on as with one that was lost."""
    if where.url is None and (why := sqlite.damage(where.file)):
        kept = sqlite.set_aside(
            where.file, time.strftime("%Y%m%dT%H%M%S", time.gmtime(real_clock.CLOCK.wall()))
        )
        say(f"warning: the ledger was damaged ({why}); it is now {kept}, and a new ledger is begun")


@contextmanager
def rollouts(root: Path, settings: Settings) -> Iterator[Rollouts]:
    """Where rollouts are on record; needs no lock, so that one can be paused while a run works.

    Raises:
        LedgerFailed: the ledger cannot be opened.
    """
    with closing(_opened(place(root, settings))) as database:
        yield _rollouts(database, root, settings)


@contextmanager
def noting(root: Path, settings: Settings) -> Iterator[Ledger]:
    """The ledger, for notes about what was read; needs no lock, since nothing is sent.

    Raises:
        LedgerFailed: the ledger cannot be opened.
    """
    with closing(_opened(place(root, settings))) as database:
        origin, host = destination.origin_key(root, settings), os.uname().nodename
        yield Ledger(database, origin, settings.organisation_id, host, real_clock.CLOCK.wall)


@contextmanager
def locked(
    root: Path, settings: Settings, timeout: float, waiting: Callable[[str], None]
) -> Iterator[tuple[Lock, Ledger, float]]:
    """The organisation's lock and the ledger, and the instant the lock was taken.

    Args:
        root: folder of the workspace.
        settings: of the workspace.
        timeout: seconds to wait for the lock.
        waiting: is told what is waited for.

    Raises:
        LockHeld: somebody else has it.
        LedgerFailed: the ledger cannot be opened.
    """
    where, origin, clock = place(root, settings), destination.origin_key(root, settings), real_clock.CLOCK
    host = os.uname().nodename
    owner = Owner(secrets.token_hex(4), actor.who(), host, os.getpid(), clock.wall())
    begun = clock.now()
    with ExitStack() as stack:
        held: Lock
        held = local = lock.acquire(
            where.file, origin, settings.organisation_id, folder=lock_folder(root, settings),
            timeout=timeout, owner=owner, now=clock.now, sleep=clock.sleep, waiting=waiting,
        )  # fmt: skip
        stack.callback(local.release)
        if where.url is not None:
            # A connection of its own: renewing must not wait behind the journal.
            database = postgres.open_url(where.url)
            stack.callback(database.close)
            taken_lease = lease.Lease(
                database, origin, settings.organisation_id, owner, clock.now, pooled=database.pooled
            )
            taken_lease.take(max(0.0, timeout - (clock.now() - begun)), clock.sleep, waiting)
            held = TeamLock(local, taken_lease)
            stack.callback(taken_lease.release)
        taken = clock.now()
        _whole(where)
        opened = _opened(where)
        ledger = Ledger(opened, origin, settings.organisation_id, host, clock.wall, actor.this())
        stack.callback(ledger.close)
        yield held, ledger, taken


def holder(root: Path, settings: Settings) -> Owner | None:
    """Who holds the organisation's lock; None if it is free. Writes nothing."""
    where, origin = place(root, settings), destination.origin_key(root, settings)
    if where.url is None:
        return lock.holder(where.file, origin, settings.organisation_id, lock_folder(root, settings))
    with postgres.read_only(where.url) as database:
        return lease.holder(database, origin, settings.organisation_id) if database else None


def locked_since(root: Path, settings: Settings) -> float | None:
    """Since when the organisation's lock is held, in seconds since 1970; None if it is free. Writes nothing."""
    owner = holder(root, settings)
    return owner.since if owner else None


def unlock(root: Path, settings: Settings, identity: str) -> str:
    """Break the lock of this id; what was done, in words.

    Raises:
        ReconcilerError: nobody has a lock of that id.
        LockHeld: a process of this machine has it; its end is the only way.
    """
    where, origin = place(root, settings), destination.origin_key(root, settings)
    owner = None
    if where.url is not None:
        with closing(postgres.open_url(where.url)) as database:
            owner = lease.holder(database, origin, settings.organisation_id)
            if owner is not None and lease.release(database, origin, settings.organisation_id, identity):
                return f"Released the lock of {owner.describe()}. If that run is alive, it writes nothing after its present step."
    local = lock.holder(where.file, origin, settings.organisation_id, lock_folder(root, settings))
    if local is not None and local.id == identity:
        raise LockHeld(
            f"the lock is held by {local.describe()}",
            help=f"end that process (kill {local.pid}); this releases the lock, and the next run continues",
        )
    held = local if where.url is None else owner
    raise ReconcilerError(
        f"no lock has the id {identity}",
        help=f"the organisation is locked by {held.describe()}" if held else "the organisation is not locked",
    )


def no_run(run_id: int | None, help_text: str) -> ReconcilerError:
    """That the ledger does not have the run, or none.

    Args:
        run_id: as asked for; None asked for the newest.
        help_text: what to do.
    """
    if run_id is None:
        return ReconcilerError("the ledger has no runs", help="`reconciler apply` makes one")
    return ReconcilerError(f"the ledger has no run {run_id}", help=help_text)
