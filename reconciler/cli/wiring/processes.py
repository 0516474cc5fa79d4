"""Processes that read sources and send chunks, and where spools lie."""

import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.api.answers import Answer
from reconciler.bulk.scan.held import Owner
from reconciler.bulk.scan.spool import Spools
from reconciler.cli.output.console import say
from reconciler.cli.wiring.destination import text_of
from reconciler.ledger.lock import Lock

if TYPE_CHECKING:
    from reconciler.bulk.upload.commit_gate import CommitGate
    from reconciler.bulk.upload.job import Job

LONGEST_FOLDER = 60  # characters


def reading_processes() -> int:
    """How many read a large source: one for each processor."""
    return max(2, min(8, os.cpu_count() or 1))


def sending_processes(parallelism: int) -> int:
    """How many make the bytes that they send: that takes a processor, so many more than those would only take memory."""
    return min(parallelism, max(4, os.cpu_count() or 1))


@contextmanager
def readers() -> Iterator[Executor]:
    """Processes that share the reading of a large source; it is said where one was killed, since this one then reads alone."""
    from reconciler.bulk.upload.processes import belong_to_coordinator, keep_freed_memory

    keep_freed_memory()
    pool = ProcessPoolExecutor(
        reading_processes(), mp_context=_processes(), initializer=belong_to_coordinator
    )
    try:
        yield pool
    finally:
        killed = _is_broken(pool)
        pool.shutdown(cancel_futures=True)
    if killed:
        say(
            "warning: a process that read the source was killed, or did not begin; the rest was read without it, more slowly. "
            "If there was not enough memory, give the command more"
        )


# Where this process is killed, the one that tidies up after it warns of that on the terminal, in words of Python.
_NO_WORD = "ignore:resource_tracker:UserWarning"


def _is_broken(pool: ProcessPoolExecutor) -> bool:
    return bool(getattr(pool, "_broken", False))


def _processes() -> Any:
    """How processes begin: small, and without threads or locks of this one."""
    if _NO_WORD not in sys.warnoptions:
        sys.warnoptions.append(_NO_WORD)
    here = (
        len(tempfile.gettempdir()) <= LONGEST_FOLDER
    )  # its socket lies there, and a socket's name has to be short
    if not here or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reconciler.bulk.upload.job"])
    return context


def spools(root: Path, owner: Callable[[], Owner]) -> Spools:
    """Where sources that cannot be read twice are kept while they are loaded.

    Args:
        root: of the workspace.
        owner: for what they are read.
    """

    def resolve(what: str, value: str | Mapping[str, str], outside: bool) -> str:
        return text_of(what, value, root, os.environ, inside=not outside)

    return Spools(root / ".reconciler" / "spool", root, resolve, owner)


class Senders:
    """Processes that make the bytes they send, started when first needed, and anew should one be killed."""

    def __init__(self, parallelism: int, lock: Lock) -> None:
        self._count, self._lock = sending_processes(parallelism), lock
        self._pool: ProcessPoolExecutor | None = None
        self._gate: CommitGate | None = None
        self._guard = threading.Lock()

    def get(self, gate: "CommitGate") -> Executor:
        """The pool; its processes ask this gate."""
        from reconciler.bulk.upload.job import prepare

        with self._guard:
            if self._pool is None or self._gate is not gate or _is_broken(self._pool):
                if self._pool is not None:
                    self._pool.shutdown(wait=False)
                self._gate = gate
                self._pool = ProcessPoolExecutor(
                    self._count,
                    mp_context=_processes(),
                    initializer=prepare,
                    initargs=([str(p) for p in self._lock.sender_files], gate.channels(self._count)),
                )
            return self._pool

    def asking(self, gate: "CommitGate") -> "OfGate":
        """The same, for one gate."""
        return OfGate(self, gate)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class OfGate:
    """Senders whose processes ask this gate."""

    senders: Senders
    gate: "CommitGate"

    def takes(self, job: "Job", size: int) -> bool:
        """True where the bytes have to be made, and are many: what stands in the source just so needs no processor."""
        from reconciler.bulk.upload.senders import IN_PROCESS_MAX_BYTES

        return not job.chunk.verbatim and size > IN_PROCESS_MAX_BYTES

    def send(self, job: "Job") -> Answer:
        """Send one chunk once, in a process.

        Raises:
            SenderLost: the process was killed, or could not begin.
        """
        from reconciler.bulk.upload.job import upload_in_process
        from reconciler.bulk.upload.senders import SenderLost

        try:
            return self.senders.get(self.gate).submit(upload_in_process, job).result()
        except (BrokenProcessPool, EOFError, OSError):
            raise SenderLost("an upload process ended unexpectedly, or did not begin") from None
