"""Workers of a Dask cluster that read: they do the tasks of `reconciler.bulk.scan.worker_frames` and `worker_tasks`.

Such a task writes nothing, so one whose worker is lost is done again by another one. What a worker finds wrong comes back as a
value: an exception would be logged with what the task was handed.
"""

import secrets
import time
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from reconciler.bulk.scan.worker_frames import frame
from reconciler.cli.wiring.cluster_connection import ALONE, ALONE_S, LISTEN_S, Connection
from reconciler.cli.wiring.cluster_worker import Done, do, packed
from reconciler.errors import Interrupted, ReconcilerError

TRIES = 20  # of a task whose workers end
# Where the worker that digests the source is lost, another one begins anew; so this machine takes over before it never ends.
FRAME_TRIES = 3


class Readers:
    """Workers that read for one command."""

    def __init__(self, connected: Connection, stopping: Callable[[], bool]) -> None:
        self._connected, self._stopping = connected, stopping
        self.at_once = max(2, sum(connected.client.nthreads().values()))

    def names(self) -> list[str]:
        """Of the workers that are there."""
        return self._connected.workers()

    def give(self, task: Callable[..., Any], *args: Any, near: str = "", first: bool = False) -> "Task":
        """Have a worker do something.

        Args:
            task: a function of a module.
            args: can be pickled, and hold nothing secret.
            near: the worker that does it soonest.
            first: before others that wait.
        """
        return Task(self._connected, self._stopping, (task, args), near, first=first)

    def tell(self, task: Callable[..., None], *args: Any) -> None:
        """Have all workers do something, if they can."""
        with suppress(Exception, CancelledError):
            self._connected.client.run(task, *args, wait=False, on_error="ignore")


class Task:
    """Something that a worker was given."""

    def __init__(
        self,
        connected: Connection,
        stopping: Callable[[], bool],
        job: tuple[Callable[..., Any], tuple[Any, ...]],
        near: str,
        *,
        first: bool,
    ) -> None:
        self._connected, self._stopping, self._job, self._first = connected, stopping, job, first
        self.worker, self._near, self._done = "", near, False
        self._future: Any = None
        self._why = ""
        self._value: Any = None
        self._submit()

    def _submit(self) -> None:
        task, args = self._job
        near = {"workers": [self._near], "allow_other_workers": True} if self._near else {}
        with suppress(
            Exception, CancelledError
        ):  # a connection that is lost is told where the result is waited for
            self._future = self._connected.client.submit(
                do,
                *packed(task, args),
                key=f"read-{secrets.token_hex(8)}",
                pure=False,
                priority=int(self._first),
                **near,
            )

    def done(self) -> bool:
        """Whether it is."""
        return self._done or (self._future is not None and self._future.done())

    def result(self) -> Any:
        """What it made; waits for it.

        Raises:
            ReconcilerError: the source cannot be read, or there is no worker.
            Interrupted: the run is to end.
        """
        if not self._done:
            self._value, self._done = self._waited_for(), True
            self.cancel()
        return self._value

    def _waited_for(self) -> Any:
        task, args = self._job
        for _ in range(FRAME_TRIES if task is frame else TRIES):
            found = self._ended()
            if found is None:
                self._submit()
                continue
            if found.failure is not None:
                raise ReconcilerError(found.failure.words, help=found.failure.help)
            self.worker = found.worker
            return found.value
        if task is frame:
            return task(*args)
        raise ReconcilerError(
            f"no worker of the cluster could read the source ({self._why}); nothing was sent",
            help="every worker needs this version of reconciler, with the same extras; look at the logs of the workers. Or leave `engine` out to read on this machine",
        )

    def _ended(self) -> Done | None:
        """What a worker made of it; None if it is lost.

        Raises:
            ReconcilerError: there is no scheduler, or no worker.
            Interrupted: the run is to end.
        """
        seen = time.monotonic()
        while True:
            if self._stopping():
                raise Interrupted
            found = self._asked()
            if found is not None:
                return found
            if self._connected.reachable():
                if self._future is None:
                    return None
                seen = time.monotonic()
            elif time.monotonic() - seen > ALONE_S:
                raise ReconcilerError(
                    f"no worker of the cluster can read the source: {ALONE}; nothing was sent",
                    help="run the same command again when the cluster is there, or leave `engine` out",
                )

    def _asked(self) -> Done | None:
        """What a worker made of it; None if that is not known yet, and there is no future any more if it is lost."""
        if self._future is None:
            time.sleep(LISTEN_S)
            return None
        try:
            found: Done = self._future.result(timeout=LISTEN_S)
        except TimeoutError:
            if self._near and not self._connected.has(self._near):
                # Dask never gives a task to others that came while there was no worker at all, if it names one that is gone.
                self._future, self._near = None, ""
            return None
        except (Exception, CancelledError) as e:
            self._future, self._near, self._why = None, "", type(e).__name__
            return None
        return found

    def cancel(self) -> None:
        """Its result is not wanted: what nobody holds is not done any more."""
        self._future = None
