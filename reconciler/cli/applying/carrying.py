"""What an apply works with, and the one place where it takes the lock and carries a plan out, or a part of one."""

import secrets
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.api.client import Writer
from reconciler.bulk.scan.source_scans import Scans
from reconciler.cli import session
from reconciler.cli.flags import Flags
from reconciler.cli.output.console import say
from reconciler.cli.output.progress import Display
from reconciler.cli.wiring import connections, destination, interruption, ledgers, processes, sent
from reconciler.ledger.lock import Lock
from reconciler.model.plan import Plan
from reconciler.settings import Settings, seconds
from reconciler.workflows.apply import Result, apply_plan
from reconciler.workflows.applying.run import Run
from reconciler.workflows.check import Checked

if TYPE_CHECKING:  # few have a cluster
    from reconciler.cli.wiring.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Means:
    """What an apply works with.

    Attributes:
        flags: as given.
        checked: the checked workspace.
        scans: reads sources, each once.
        where: endpoint and token.
        shown: what shows the progress.
    """

    flags: Flags
    checked: Checked
    scans: Scans
    where: destination.Target
    shown: Display

    @property
    def settings(self) -> Settings:
        """Those of the workspace."""
        return self.checked.settings


@dataclass(frozen=True, slots=True)
class Opened:
    """What an apply holds open while it writes.

    Attributes:
        interrupt: says when to stop.
        writer: sends requests that write.
        io: threads for small requests.
    """

    interrupt: interruption.Interrupt
    writer: Writer
    io: Executor


@contextmanager
def opened(means: Means) -> Iterator[Opened]:
    """From here on signals end the run in order, and its progress is shown."""
    interrupt = interruption.Interrupt(say, means.scans.abandon)
    with (
        interrupt.installed(),
        connections.writer(means.where, means.settings.parallelism) as writer,
        connections.threads(means.settings.parallelism) as io,
        means.shown,
    ):
        yield Opened(interrupt, writer, io)


def carry_out(made: Plan, means: Means, held: Opened, *, saved: bool, from_file: bool) -> Result:
    """Take the lock, carry a plan out, and give the lock back.

    Args:
        made: the plan.
        means: what to do it with.
        held: what is open for it.
        saved: the plan is its own approval, and used up by being applied.
        from_file: the plan, or the one that it is a part of, was read from a file.

    Raises:
        LockHeld: another run is at work.
        ReconcilerError: the ledger or the cluster cannot be used; or see `apply_plan`.
    """
    flags, settings, scans, stopping = means.flags, means.settings, means.scans, held.interrupt.stopping
    waiting, timeout = session.lock_waits(flags), seconds(flags.lock_timeout)
    scans.stop_when(stopping)
    with (
        ledgers.locked(flags.root, settings, timeout, waiting) as (lock, ledger, taken),
        sent.indexes(flags.root, settings, scans) as indexes,
    ):
        senders = _senders(made, means, lock, held.interrupt)
        try:
            return apply_plan(
                made,
                Run(
                    settings=settings,
                    root=flags.root,
                    writer=held.writer,
                    token=means.where.token,
                    clock=flags.clock,
                    io=held.io,
                    senders=senders.asking,
                    ledger=ledger,
                    lock=lock,
                    locked_at=taken,
                    nonce=secrets.token_hex(8),
                    scans=scans,
                    sent=indexes,
                    progress=means.shown,
                    stopping=stopping,
                    stop=held.interrupt.stop,
                    watcher=means.shown,
                    from_file=from_file,
                    follow=not flags.no_wait,
                    skip_stale=flags.skip_stale,
                    interrupted=lambda: held.interrupt.code is not None,
                ),
                saved=saved,
            )
        finally:
            senders.close()


def _senders(
    made: Plan, means: Means, lock: Lock, interrupt: interruption.Interrupt
) -> "processes.Senders | Cluster":
    """Who sends chunks: the workers of a cluster where the workspace has one and the plan has something for them.

    Raises:
        ReconcilerError: the cluster cannot be used.
    """
    flags, settings = means.flags, means.settings
    if settings.engine is None or all(load.actions == ("no-op",) for load in made.loads):
        return processes.Senders(settings.parallelism, lock)
    from reconciler.cli.wiring.cluster import Cluster, refuse_short_settle
    from reconciler.cli.wiring.cluster_connection import connection

    refuse_short_settle(settings, settings.engine)
    connected = connection(settings.engine, flags.root)
    credential = destination.credential(settings, flags.token_file)
    return Cluster(settings, connected, settings.engine, credential, lock, interrupt.stopping)
