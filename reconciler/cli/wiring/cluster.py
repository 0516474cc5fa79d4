"""`engine: dask`: chunks are sent by workers of a cluster. The coordinator keeps ledger, lock, pace and the commit gate.

Workers ask for leave by queues of the scheduler, under a ticket for each try (`bulk/upload/tickets.py`). Dask runs a task again
when it loses its worker: one that never had leave may go on under the same ticket, since its body lacked the last block. Where a
ticket had leave, and the answer is not from who had it, nothing is proven, and executions are looked for before anything is sent.
"""

import logging
import os
import secrets
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.api.answers import Answer, Verdict
from reconciler.bulk.upload.commit_gate import ANSWER_TIMEOUT_S, CommitGate
from reconciler.bulk.upload.job import Job
from reconciler.bulk.upload.senders import IN_PROCESS_MAX_BYTES, SenderLost
from reconciler.bulk.upload.tickets import Tickets
from reconciler.cli.wiring.cluster_worker import Errand, Sent, upload_on_worker
from reconciler.cli.wiring.destination import Credential
from reconciler.errors import MissingExtra, ReconcilerError, Refused
from reconciler.ledger.lock import Lock
from reconciler.settings import Dask, Settings

CONNECT_S = 10.0
ALONE_S = 30.0  # without a scheduler or any worker, before a chunk is given up
SHORTEST_SETTLE_S = 2.0
ALONE = "there is no scheduler, or it has no worker"
TRIES = 20  # of a chunk whose workers end before they have leave
_LISTEN_S = 1.0
_LOCAL_THREADS = 2  # of a worker: one makes bytes while the other one waits for an answer


def refuse_what_cannot_be(settings: Settings, engine: Dask) -> None:
    """A worker elsewhere must be silent within `settle` after its coordinator is gone.

    Raises:
        Refused: `settle` is too short for that, or certificates do not fit the address.
    """
    if engine.local:
        return
    if settings.settle < SHORTEST_SETTLE_S:
        raise Refused(
            f"settle is {settings.settle:g} s; with the Dask scheduler {engine.scheduler} it must be at least {SHORTEST_SETTLE_S:g} s",
            help="set settle in reconciler.yaml, or use the scheduler `local`",
        )
    if engine.scheduler.startswith("tls:") is not (engine.tls is not None):
        raise Refused(
            f"the Dask scheduler {engine.scheduler} and `tls` do not fit together",
            help="give tls: {ca, cert, key} for an address that begins with tls://, and only there",
        )


def _silence() -> None:
    """Dask logs to stderr what a run survives, and sets the level of each of its loggers by itself."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


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
    """The workers of one run; connected to, or started, by `start`."""

    def __init__(
        self,
        settings: Settings,
        engine: Dask,
        root: Path,
        credential: Credential,
        lock: Lock,
        stopping: Callable[[], bool],
    ) -> None:
        refuse_what_cannot_be(settings, engine)
        self._engine, self._root, self._stopping = engine, root, stopping
        self._terms = Terms(
            credential,
            engine.local,
            ANSWER_TIMEOUT_S if engine.local else min(ANSWER_TIMEOUT_S, settings.settle / 2),
            tuple(str(p) for p in lock.sender_files) if engine.local else (),
        )
        self._guard = threading.Lock()
        self._workers: Workers | None = None
        self._client: Any = None
        self._cluster: Any = None

    def start(self) -> None:
        """Connect to the scheduler, or start a cluster here.

        Raises:
            MissingExtra: Dask is not installed.
            ReconcilerError: the scheduler does not answer.
        """
        try:
            import distributed
        except ImportError:
            raise MissingExtra("engine: dask", "dask") from None
        _silence()
        try:
            if self._engine.local:
                self._cluster = distributed.LocalCluster(
                    n_workers=self._engine.workers or max(2, min(8, os.cpu_count() or 1)),
                    threads_per_worker=_LOCAL_THREADS,
                    processes=True,
                    dashboard_address=None,
                    memory_limit=0,
                    host="127.0.0.1",
                    security=distributed.Security.temporary(),
                    silence_logs=logging.CRITICAL + 1,
                )
            self._client = distributed.Client(
                self._cluster or self._engine.scheduler,
                timeout=CONNECT_S,
                set_as_default=False,
                name="reconciler",
                security=self._security(distributed),
            )
        except (
            Exception
        ) as e:  # of many kinds: no such address, other certificates, a worker that ended at its start
            self.close()
            raise ReconcilerError(
                f"cannot use the Dask scheduler {self._engine.scheduler}: {type(e).__name__}; nothing was sent",
                help="check the address and the certificates, or leave `engine` out to send from this machine",
            ) from None

    def _security(self, distributed: Any) -> Any:
        tls = self._engine.tls
        if tls is None:
            return None if self._cluster is None else self._cluster.security
        ca, cert, key = (str(self._root / tls[k]) for k in ("ca", "cert", "key"))
        return distributed.Security(
            tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key, require_encryption=True
        )

    def asking(self, gate: CommitGate) -> "Workers":
        """Workers that ask this gate."""
        with self._guard:
            if self._workers is None or self._workers.gate is not gate:
                if self._workers is not None:
                    self._workers.close()
                self._workers = Workers(self._client, self._terms, gate, self._stopping)
            return self._workers

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._workers is not None:
            self._workers.close()
        for each in (self._client, self._cluster):
            if each is not None:
                with suppress(Exception):
                    each.close(timeout=5)
        self._client = self._cluster = self._workers = None


class Workers:
    """Sends chunks by workers, with tickets of one gate."""

    def __init__(self, client: Any, terms: "Terms", gate: CommitGate, stopping: Callable[[], bool]) -> None:
        self.gate, self._client, self._terms, self._stopping = gate, client, terms, stopping
        self._tickets, self._closed = Tickets(gate.may_commit), threading.Event()
        self._run = f"reconciler-{secrets.token_hex(8)}"
        self._thread = threading.Thread(target=self._serve, daemon=True, name="commit-gate-of-workers")
        self._thread.start()

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
        self._thread.join(timeout=2 * _LISTEN_S)

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
            future = self._client.submit(
                upload_on_worker, errand, key=f"upload-{ticket}", pure=False, retries=0
            )
            sent = self._result(future)
        except (Exception, CancelledError) as e:
            return None, ALONE if not self._reachable() else type(e).__name__
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
                sent: Sent = future.result(timeout=_LISTEN_S)
            except TimeoutError:
                pass
            else:
                return sent
            if self._reachable():
                seen = time.monotonic()
            elif self._stopping() or time.monotonic() - seen > ALONE_S:
                return None

    def _reachable(self) -> bool:
        try:
            return self._client.status == "running" and bool(self._client.nthreads())
        except (Exception, CancelledError):
            return False

    def _serve(self) -> None:
        """Answer who asks, one after the other."""
        from distributed import Queue

        while not self._closed.is_set():
            try:
                questions = Queue(self._run, client=self._client)
                ticket, asker = questions.get(timeout=_LISTEN_S)
            except TimeoutError:
                continue
            except (Exception, CancelledError):
                self._closed.wait(_LISTEN_S)
                continue
            allowed = self._tickets.grant(ticket, asker)
            with suppress(Exception, CancelledError):
                Queue(f"{self._run}-{asker}", client=self._client).put(allowed)
