"""What an apply is handed, and the journal of its run."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.api.client import Writer
from reconciler.api.presence import Clock
from reconciler.bulk.load.progress import Progress
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.bulk.upload.rate import NextShare, UploadRate
from reconciler.bulk.upload.senders import Senders
from reconciler.errors import LedgerFailed
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Ledger
from reconciler.model.load import UploadNotes
from reconciler.model.outcome import Outcome
from reconciler.settings import Settings

LOST = "the lock was lost: taken by another run, or the connection closed; nothing further is written"


class Watcher(Protocol):
    """Told how the run goes."""

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A plan is being applied: the run's number in the ledger, and how many actions it has."""

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything an apply is handed.

    Attributes:
        stopping: nothing new may begin, whatever the reason.
        interrupted: somebody asked the run to end.
    """

    settings: Settings
    root: Path
    writer: Writer
    token: str
    clock: Clock
    io: Executor
    senders: Callable[[CommitGate], Senders]
    ledger: Ledger
    lock: Lock
    locked_at: float
    nonce: str
    scans: Scans
    sent: SentIndexes
    progress: Progress
    stopping: Callable[[], bool]
    stop: Callable[[], None]
    watcher: Watcher
    from_file: bool
    follow: bool = True
    skip_stale: bool = False
    interrupted: Callable[[], bool] = lambda: False


def may_commit(name: str, run: Run, journal: "RunJournal") -> bool:
    """May the last block of this chunk go out now? `committing` is durable before the answer is yes."""
    if run.stopping():
        return False
    if not run.lock.held():
        run.progress.say("apply", LOST)
        run.stop()
        return False
    journal.note("", "upload", "committing", name=name)
    return True


def shares(run: Run) -> NextShare | None:
    """Hands out `upload_rate` among all uploads of the run, until it stops; None where none is set."""
    if run.settings.upload_rate is None:
        return None
    rate = UploadRate(run.settings.upload_rate, run.settings.parallelism)
    return lambda: None if run.stopping() else rate.next()


@dataclass(frozen=True, slots=True)
class RunJournal:
    """The notes of one run.

    Attributes:
        written: by address, what the ledger calls that which is written.
    """

    ledger: Ledger
    run: int
    lock: Lock
    written: Mapping[str, str]

    def watch(self, address: str, generation: int) -> None:
        """Remember that a load begins or ends now."""
        self.ledger.watch(self.written[address], generation)

    def note(self, address: str, step: str, state: str, **detail: str | int | None) -> None:
        """Durable when it returns; no intent is noted, and so nothing sent, without the lock.

        Raises:
            LedgerFailed: it is not durable, or the lock is lost.
        """
        if state == "intent" and not self.lock.held():
            raise LedgerFailed(LOST)
        self.ledger.note(self.run, address, step, state, **detail)

    def refuse(self, datamart_id: str, name: str) -> None:
        """Remember a refused upload."""
        self.ledger.refuse(datamart_id, name)

    def report(self, datamart_id: str, executions: Collection[str]) -> None:
        """Remember that these executions were reported as too many."""
        self.ledger.report(datamart_id, executions)

    def uploads(self, datamart_id: str) -> UploadNotes:
        """What is known of uploads to a datamart."""
        return self.ledger.uploads(datamart_id)
