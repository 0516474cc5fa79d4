"""What a load needs from the run around it; handed in by the workflow."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.api.client import Writer
from reconciler.api.pacing import Pace
from reconciler.api.presence import Clock
from reconciler.bulk.load.progress import Progress
from reconciler.bulk.scan.spool import Spools
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.bulk.upload.senders import Senders
from reconciler.model.absence import Absence
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Scan, UploadNotes
from reconciler.model.plan import LoadChange
from reconciler.model.source import SourceDefinition
from reconciler.settings import Guards


class Journal(Protocol):
    """Durable notes of this run."""

    def note(self, address: str, step: str, state: str, **detail: str | int | None) -> None:
        """Append one note."""

    def watch(self, address: str, generation: int) -> None:
        """Remember that a load begins or ends now, by its number: its executions are to be looked at again."""

    def refuse(self, datamart_id: str, name: str) -> None:
        """Remember a refused upload."""

    def report(self, datamart_id: str, executions: Collection[str]) -> None:
        """Remember that these executions were reported as too many."""

    def uploads(self, datamart_id: str) -> UploadNotes:
        """What is known of uploads to a datamart."""


@dataclass(frozen=True, slots=True)
class VisibilityWindow:
    """From when, and for how long, a write of an earlier run could still become visible (design 6, "Absence").

    Attributes:
        since: monotonic instant this run took the lock.
        settle: seconds that a listing may lag.
        open: true of an address that a write still on its way may concern.
    """

    since: float
    settle: float
    open: Callable[[str], bool]

    def absence(self, address: str) -> Absence:
        """Evidence to begin with, for something of this address."""
        return Absence(self.since, self.settle if self.open(address) else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Collaborators of a load.

    Attributes:
        scan: reads a source, or remembers having read it while its places are the same.
        forget: has a source read anew the next time.
        sent: what sources sent before, of those that send only what changed.
        readable: makes a source that cannot be read twice one that can.
        approval: digest of the plan.
        spools: where such sources are kept.
        unmet: why the platform is not any more what a load requires, with the ids of its compartments.
        schemas: by datamart, those that profiles are compared with once more before they are sent.
        guards: limits for what a load's source holds, by its address.
        io: threads for small requests.
        pace: of uploads.
        senders: who sends what this process does not send itself.
        stopping: true once the run must not begin anything new.
        stop: makes it so.
    """

    writer: Writer
    token: str
    root: Path
    scan: Callable[[SourceDefinition], Scan]
    forget: Callable[[SourceDefinition], None]
    sent: SentIndexes
    readable: Callable[[SourceDefinition, str], SourceDefinition]
    approval: str
    spools: Spools | None
    unmet: Callable[[LoadChange, Mapping[str, str]], str | None]
    schemas: Mapping[str, DatamartSchema]
    guards: Callable[[str], Guards]
    clock: Clock
    settle: float
    follow_timeout: float
    write_timeout: float
    visibility: VisibilityWindow
    journal: Journal
    progress: Progress
    io: Executor
    pace: Pace
    senders: Callable[[], Senders]
    gate: CommitGate
    stopping: Callable[[], bool]
    stop: Callable[[], None]
    follow: bool = True
    poll: float = 0.1
