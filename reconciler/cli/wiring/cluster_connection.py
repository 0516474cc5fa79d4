"""The connection of this process to a Dask cluster: one, for all that the command has workers do."""

import logging
import os
import threading
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.cli.wiring import command_end
from reconciler.errors import MissingExtra, ReconcilerError, Refused
from reconciler.settings import Dask

CONNECT_S = 10.0
ASK_S = 5.0  # for one worker to say something
ALONE_S = 30.0  # without a scheduler or any worker, before a task is given up
ALONE = "there is no scheduler, or it has no worker"
LISTEN_S = 1.0
_LOCAL_THREADS = 2  # of a worker: one makes bytes while the other one waits for an answer
_OF_THIS_MACHINE = {
    # Scheduler and workers answer HTTP to every user of the machine, dashboard or not; so they say nothing.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # What is measured for a dashboard that is not there: every 10 and 20 ms the thread that works was stopped for it.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}
_guard = threading.Lock()
_made: list["Connection"] = []


def connection(engine: Dask, root: Path) -> "Connection":
    """The connection to this cluster, made when it is first asked for; it ends with the command.

    Args:
        engine: which cluster.
        root: the workspace, in which certificates lie.

    Raises:
        Refused: certificates do not fit the address.
        MissingExtra: Dask is not installed.
        ReconcilerError: the scheduler does not answer.
    """
    with _guard:
        if _made and _made[0].serves(engine, root):
            return _made[0]
        if not _made:
            command_end.at_end(_end)
        for each in _made:
            each.close()
        _made[:] = [Connection(engine, root)]
        _made[0].start()
        return _made[0]


def _end() -> None:
    for each in _made:
        each.close()
    _made.clear()


def _silence() -> None:
    """Dask logs to stderr what a run survives, and sets the level of each of its loggers by itself."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class Connection:
    """A client of a scheduler, and the cluster itself where it was started here."""

    def __init__(self, engine: Dask, root: Path) -> None:
        self._engine, self._root = engine, root
        self.client: Any = None
        self._cluster: Any = None

    def serves(self, engine: Dask, root: Path) -> bool:
        """True if it leads there, and was not lost."""
        return (self._engine, self._root) == (engine, root) and self.reachable()

    def reachable(self) -> bool:
        """True while there is a scheduler with a worker."""
        try:
            return self.client.status == "running" and bool(self.client.nthreads())
        except (Exception, CancelledError):
            return False

    def has(self, worker: str) -> bool:
        """True if this worker is there, as far as is known."""
        try:
            return worker in self.client.nthreads()
        except (Exception, CancelledError):
            return True

    def workers(self) -> list[str]:
        """Those that are there, as far as is known."""
        try:
            return sorted(self.client.nthreads())
        except (Exception, CancelledError):
            return []

    def asked(self, question: Callable[[], object]) -> dict[str, object]:
        """What each worker makes of a function without arguments; an exception where it has none. Without those that say nothing in time."""
        found: dict[str, object] = {}
        for worker in self.workers():
            with suppress(Exception, CancelledError):
                found |= self.client.sync(
                    self.client._run, question, workers=[worker], on_error="return", callback_timeout=ASK_S
                )
        return found

    def start(self) -> None:
        """Connect to the scheduler, or start a cluster here.

        Raises:
            Refused: certificates do not fit the address.
            MissingExtra: Dask is not installed.
            ReconcilerError: the scheduler does not answer.
        """
        if not self._engine.local and self._engine.scheduler.startswith("tls:") is not (
            self._engine.tls is not None
        ):
            raise Refused(
                f"the Dask scheduler {self._engine.scheduler} and `tls` do not fit together",
                help="give tls: {ca, cert, key} for an address that begins with tls://, and only there",
            )
        try:
            import dask
            import distributed
        except ImportError:
            raise MissingExtra("engine: dask", "dask") from None
        _silence()
        try:
            if self._engine.local:
                dask.config.set(_OF_THIS_MACHINE)
                self._cluster = distributed.LocalCluster(
                    n_workers=self._engine.workers or max(2, min(8, os.cpu_count() or 1)),
                    threads_per_worker=_LOCAL_THREADS,
                    processes=True,
                    dashboard_address=None,
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    memory_limit=0,
                    host="127.0.0.1",
                    security=distributed.Security.temporary(),
                    silence_logs=logging.CRITICAL + 1,
                )
            self.client = distributed.Client(
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

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        for each in (self.client, self._cluster):
            if each is not None:
                with suppress(Exception):
                    each.close(timeout=5)
        self.client = self._cluster = None
