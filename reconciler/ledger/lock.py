"""The lock per organisation on one machine (design 6): whoever can send holds it.

Two kernel file locks, so that a killed process never leaves one behind:

    run      exclusive, held by the coordinator for the whole run
    senders  shared, held by every sending process; a new run must get it exclusively once, so it begins only when no
             sender of an earlier run is left

Each is taken beside the ledger (two containers that share a volume exclude each other) and in a folder of the machine, keyed
by endpoint and organisation (a deleted ledger folder, or a second workspace, does not break exclusion).

Evidence that nothing is on its way is kept where exclusion is kept: a run leaves its nonce in the machine's lock, and says there
whether it ended in order. A ledger that does not know that nonce as its last (another checkout, an older copy) knows too little.
"""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

from reconciler.errors import LockHeld, ReconcilerError
from reconciler.ledger.lock_folder import default_folder, open_lock, ready
from reconciler.ledger.open_writes import Mark
from reconciler.private_folder import make_folder


class Lock(Protocol):
    """Leave to write; whoever sends asks `held` before every write."""

    @property
    def sender_files(self) -> list[Path]:
        """What sending processes hold, shared, for as long as they live."""

    def held(self) -> bool:
        """True while it is ours."""

    def undisturbed(self, last: str | None, knows: Callable[[str], bool]) -> bool:
        """True if no run has held it since the ledger's last one, of this nonce, which ended in order.

        Args:
            last: the nonce of the ledger's last run, if that ended in order.
            knows: true of nonces of all runs of the ledger.
        """

    def mark(self, mark: Mark) -> None:
        """Leave a mark for whoever holds it next; durable when it returns."""

    def release(self) -> None:
        """Give it back."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock, from where and since when (seconds since 1970)."""

    id: str
    who: str
    host: str
    pid: int
    since: float

    def describe(self) -> str:
        """The same, for messages."""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.since))
        return f"{self.who} on {self.host} (process {self.pid}), since {since}, lock {self.id}"


class FileLock:
    """Held from construction until `release` or the end of the process."""

    def __init__(
        self,
        run_files: list[Path],
        sender_files: list[Path],
        handles: list[IO[str]],
        owner: Owner,
        left: Mark | None,
    ) -> None:
        self.run_files, self.sender_files, self._handles = run_files, sender_files, handles
        self._owner, self.left = owner, left

    def held(self) -> bool:
        """True while it is ours."""
        return bool(self._handles)

    def undisturbed(self, last: str | None, knows: Callable[[str], bool]) -> bool:
        """True if the ledger's last run, of this nonce, left the machine's lock quiet."""
        return last is not None and self.left == Mark(last, quiet=True)

    def mark(self, mark: Mark) -> None:
        """Leave a mark for whoever holds it next; durable when it returns.

        Raises:
            ReconcilerError: it cannot be written.
        """
        try:
            _write(self._handles[-1], self._owner, mark)
        except OSError as e:
            raise ReconcilerError(f"cannot write {self.run_files[-1]}: {e.strerror}") from None
        self.left = mark

    def release(self) -> None:
        """Give it back."""
        for handle in self._handles:
            handle.close()
        self._handles = []


def folders(ledger: Path, folder: Path | None) -> list[Path]:
    """Where lock files live: two folders, or one that is both; taking its lock twice would be waiting for oneself.

    Raises:
        DiskFailed: one cannot be made, or is not private.
    """
    beside, shared = _places(ledger, folder)
    made = [make_folder(beside), ready(shared, chosen=folder is not None)]
    return made[:1] if made[0].samefile(made[1]) else made


def acquire(
    ledger: Path,
    origin: str,
    organisation_id: str,
    *,
    folder: Path | None = None,
    timeout: float,
    owner: Owner,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    waiting: Callable[[str], None] | None = None,
) -> FileLock:
    """Take the run lock, and wait until no sender of an earlier run is left.

    Args:
        ledger: its file; the lock lives beside it.
        origin: of the endpoint.
        organisation_id: what is locked.
        folder: of the machine's locks, where the workspace names one.
        timeout: seconds to wait.
        owner: who wants it.
        now: monotonic clock.
        sleep: how to wait.
        waiting: is told once who holds it.

    Raises:
        LockHeld: somebody still holds it after `timeout`.
        DiskFailed: a folder of locks cannot be made, or is not private.
    """
    key = _key(origin, organisation_id)
    places = folders(ledger, folder)
    run_files = [p / f"run-{key}.lock" for p in places]
    sender_files = [p / f"senders-{key}.lock" for p in places]
    deadline = now() + timeout
    told = False
    with (
        ExitStack() as taken,
        ExitStack() as once,
    ):  # whatever ends this before it is done leaves nothing locked
        handles: list[IO[str]] = []
        for path in (*run_files, *sender_files):
            handle = (taken if path in run_files else once).enter_context(open_lock(path))
            while not _try(handle, fcntl.LOCK_EX):
                who = (
                    _owner(run_files[0])
                    if path in run_files
                    else "a sending process of an earlier run that has not ended yet"
                )
                if now() >= deadline:
                    raise held_by(organisation_id, who)
                if waiting and not told:
                    waiting(f"waiting for {who}")
                    told = True
                sleep(0.1)
            handles.append(handle)
        handles = handles[: len(run_files)]
        left = _mark(run_files[-1])
        _write(handles[0], owner, None)
        _write(handles[-1], owner, left)
        taken.pop_all()
    return FileLock(run_files, sender_files, handles, owner, left)


def _write(handle: IO[str], owner: Owner, mark: Mark | None) -> None:
    """Replace what a lock file says; one that is cut off in the middle says nothing, which is what a dirty mark says."""
    handle.seek(0)
    handle.truncate()
    handle.write(json.dumps({"owner": asdict(owner), "left": asdict(mark) if mark else None}))
    handle.flush()
    os.fsync(handle.fileno())


def _mark(path: Path) -> Mark | None:
    try:
        return Mark(**json.loads(path.read_text())["left"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _owner_in(path: Path) -> Owner:
    return Owner(**json.loads(path.read_text())["owner"])


def hold_shared(files: list[Path]) -> list[IO[str]]:
    """Take the senders' lock, shared; in a sending process, for its whole life.

    Raises:
        DiskFailed: a lock file cannot be opened.
    """
    handles: list[IO[str]] = [open_lock(path) for path in files]
    for handle in handles:
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handles


def _try(handle: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def held_by(organisation_id: str, who: str) -> LockHeld:
    """What to say of a lock that somebody else has."""
    found = re.search(r", lock (\w+)$", who)
    return LockHeld(
        f"organisation {organisation_id} is locked by {who}",
        help=f"wait until that run ends, or give --lock-timeout; if that run is dead: `reconciler unlock {found[1] if found else 'ID'}`",
    )


def _owner(path: Path) -> str:
    try:
        return f"another run: {_owner_in(path).describe()}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another run"


def holder(ledger: Path, origin: str, organisation_id: str, folder: Path | None = None) -> Owner | None:
    """Who holds the lock now; None if nobody does. Takes nothing and writes nothing.

    Args:
        ledger: path of the workspace's ledger; one of the locks lies beside it.
        origin: key of the endpoint.
        organisation_id: of the organisation that the lock is for.
        folder: where the machine's lock lies; the user's own folder if it is left out.
    """
    for place in _places(ledger, folder):
        path = place / f"run-{_key(origin, organisation_id)}.lock"
        try:
            with path.open() as handle:
                if _try(handle, fcntl.LOCK_SH):
                    continue
                return _owner_in(path)
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return None


def _key(origin: str, organisation_id: str) -> str:
    return hashlib.sha256(f"{origin}\n{organisation_id}".encode()).hexdigest()[:16]


def _places(ledger: Path, folder: Path | None) -> list[Path]:
    return [ledger.parent, folder or default_folder()]
