"""`engine: dask`: chunks are sent by workers of a cluster. The coordinator keeps ledger, lock, pace and the commit gate.

Workers ask for leave by queues of the scheduler, under a ticket for each try (`bulk/upload/tickets.py`). Dask runs a task again
when it loses its worker: one that never had leave may go on under the same ticket, since its body lacked the last block. Where a
ticket had leave, and the answer is not from who had it, nothing is proven, and executions are looked for before anything is sent.
"""

import secrets
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from reconciler.api.answers import Answer, Verdict
from reconciler.bulk.upload.commit_gate import ANSWER_TIMEOUT_S, CommitGate
from reconciler.bulk.upload.job import Job
from reconciler.bulk.upload.senders import IN_PROCESS_MAX_BYTES, SenderLost
from reconciler.bulk.upload.tickets import Tickets
from reconciler.cli.wiring.cluster_connection import ALONE, ALONE_S, LISTEN_S, Connection
from reconciler.cli.wiring.cluster_worker import (
    LEAVE,
    SHARES,
    Errand,
    Sent,
    answer_queue,
    packed,
    question_queue,
    send,
)
from reconciler.cli.wiring.destination import Credential
from reconciler.errors import Refused
from reconciler.ledger.lock import Lock
from reconciler.origin import LocalSandbox
from reconciler.settings import Dask, Settings

SHORTEST_SETTLE_S = 2.0
TRIES = 20  # of a chunk whose workers end before they have leave


def refuse_short_settle(settings: Settings, engine: Dask) -> None:
    """A worker elsewhere must be silent within `settle` after its coordinator is gone.

    Raises:
        Refused: `settle` is too short for that.
    """
    if not engine.local and settings.settle < SHORTEST_SETTLE_S:
        in_file = "set settle in reconciler.yaml, or use the scheduler `local`"
        served = "with `endpoint: sandbox:` it is 0; use the scheduler `local`, or set endpoint to the address that `reconciler sandbox serve` prints"
        raise Refused(
            f"settle is {settings.settle:g} s; with the Dask scheduler {engine.scheduler} it must be at least {SHORTEST_SETTLE_S:g} s",
            help=served if isinstance(settings.endpoint, LocalSandbox) else in_file,
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What all errands of a run have in common.

    Attributes:
        credential: where the token is found on a worker.
        local: workers are processes of this machine, which the run started.
        limit: seconds after which an answer counts as a no.
        locks: files of the senders' lock, for local workers.
    """

    credential: Credential
    local: bool
    limit: float
    locks: tuple[str, ...]


class Cluster:
    """The workers that send chunks of one run."""

    def __init__(
        self,
        settings: Settings,
        connected: Connection,
        engine: Dask,
        credential: Credential,
        lock: Lock,
        stopping: Callable[[], bool],
    ) -> None:
        self._connected, self._stopping = connected, stopping
        self._terms = Terms(
            credential,
            engine.local,
            ANSWER_TIMEOUT_S if engine.local else min(ANSWER_TIMEOUT_S, settings.settle / 2),
            tuple(str(p) for p in lock.sender_files) if engine.local else (),
        )
        self._guard = threading.Lock()
        self._workers: Workers | None = None

    def asking(self, gate: CommitGate) -> "Workers":
        """Workers that ask this gate."""
        with self._guard:
            if self._workers is None or self._workers.gate is not gate:
                self.close()
                self._workers = Workers(self._connected, self._terms, gate, self._stopping)
            return self._workers

    def close(self) -> None:
        """Answer no worker any more."""
        if self._workers is not None:
            self._workers.close()


class Workers:
    """Sends chunks by workers, with tickets of one gate."""

    def __init__(
        self, connected: Connection, terms: "Terms", gate: CommitGate, stopping: Callable[[], bool]
    ) -> None:
        self.gate, self._connected, self._client = gate, connected, connected.client
        self._terms, self._stopping = terms, stopping
        self._tickets, self._closed = Tickets(gate.may_commit), threading.Event()
        self._run = f"reconciler-{secrets.token_hex(8)}"
        answers: list[tuple[str, Callable[[str, str], object]]] = [(LEAVE, self._tickets.grant)]
        if gate.limited:  # apart: leave may have to be asked of a server
            answers.append((SHARES, self._next_share))
        self._threads = [
            threading.Thread(target=self._serve, args=each, daemon=True, name=f"{each[0]}-of-workers")
            for each in answers
        ]
        for thread in self._threads:
            thread.start()

    def takes(self, job: Job, size: int) -> bool:
        """True of large loads whose files a worker can have, too."""
        return size > IN_PROCESS_MAX_BYTES and (self._terms.local or not job.source.of_this_run)

    def send(self, job: Job) -> Answer:
        """Send one chunk once.

        Raises:
            SenderLost: a worker that had leave is gone.
        """
        why = ""
        for _ in range(TRIES):
            ticket = secrets.token_hex(8)
            self._tickets.issue(ticket, job.name)
            sent, why = self._ended(job, ticket)
            asker = self._tickets.close(ticket)
            if asker is not None and (sent is None or sent.asker != asker):
                raise SenderLost("a worker of the cluster ended unexpectedly")
            if sent is not None and not sent.unanswered:
                return sent.answer
            if self._stopping():
                return Answer(Verdict.WITHHELD, "the run is ending")
            if why == ALONE:
                break
        return Answer(Verdict.SITUATION, f"no worker of the cluster could send it: {why}")

    def close(self) -> None:
        """Answer no one any more."""
        self._closed.set()
        for thread in self._threads:
            thread.join(timeout=2 * LISTEN_S)

    def _ended(self, job: Job, ticket: str) -> tuple[Sent | None, str]:
        """What a worker made of it; or None, and why."""
        errand = Errand(
            job=replace(job, token=""),
            credential=self._terms.credential,
            run=self._run,
            ticket=ticket,
            limit=self._terms.limit,
            locks=self._terms.locks,
        )
        future = None
        try:
            future = self._client.submit(send, *packed(errand), key=f"upload-{ticket}", pure=False, retries=0)
            sent = self._result(future)
        except (Exception, CancelledError) as e:
            return None, ALONE if not self._connected.reachable() else type(e).__name__
        finally:
            if future is not None:
                with suppress(Exception):
                    future.cancel()
        if sent is None:
            return None, ALONE
        return sent, "the coordinator's answer was late" if sent.unanswered else ""

    def _result(self, future: Any) -> Sent | None:
        """Wait for it, for as long as there is a scheduler with a worker."""
        seen = time.monotonic()
        while True:
            try:
                sent: Sent = future.result(timeout=LISTEN_S)
            except TimeoutError:
                pass
            else:
                return sent
            if self._connected.reachable():
                seen = time.monotonic()
            elif self._stopping() or time.monotonic() - seen > ALONE_S:
                return None

    def _next_share(self, ticket: str, _asker: str) -> tuple[int, float] | None:
        """Of the rate; None for a worker that was given up, and once the run is ending."""
        share = self.gate.next_share() if self._tickets.is_open(ticket) else None
        return None if share is None else (share.bytes, share.wait)

    def _serve(self, what: str, answer: Callable[[str, str], object]) -> None:
        """Answer who asks for this, one after the other."""
        from distributed import Queue

        while not self._closed.is_set():
            try:
                questions = Queue(question_queue(self._run, what), client=self._client)
                ticket, asker = questions.get(timeout=LISTEN_S)
            except TimeoutError:
                continue
            except (Exception, CancelledError):
                self._closed.wait(LISTEN_S)
                continue
            said = answer(ticket, asker)
            with suppress(Exception, CancelledError):
                Queue(answer_queue(self._run, what, asker), client=self._client).put(said)
