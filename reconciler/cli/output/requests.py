"""`--verbose` and `--request-log FILE`: one line for each request, without identifiers, query values, bodies and tokens."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from reconciler.api.observer import Exchange
from reconciler.cli.output import output_file
from reconciler.cli.output.activity import Activity
from reconciler.cli.output.console import say
from reconciler.errors import DiskFailed
from reconciler.model.foreign import plain_json


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the log.

    Attributes:
        at: when it ended, in UTC.
        method: of HTTP.
        route: template of the path; identifiers stand there as `{id}`.
        ms: from sending it until the answer was there.
        status: of the answer; none where there was none.
        failure: why there was none.
    """

    at: str
    method: str
    route: str
    ms: float
    status: int | None = None
    failure: str | None = None


class Requests:
    """Told of every request: passes it on to the activity, and shows or writes it where that is wanted."""

    def __init__(
        self, activity: Activity, log: Path | None, now: Callable[[], str], *, verbose: bool = False
    ) -> None:
        """Open the log.

        Args:
            activity: is told as well.
            log: file that gets a line for each request; None for none.
            now: the time, as text.
            verbose: show a line for each request.

        Raises:
            DiskFailed: the log cannot be written.
        """
        self._activity, self._path, self._now, self._verbose = activity, log, now, verbose
        self._descriptor = output_file.open_to_append(log, "a log of requests") if log is not None else None
        self._lock = threading.Lock()

    def begun(self, exchange: Exchange) -> None:
        """A request is sent."""
        self._activity.begun(exchange)

    def ended(self, exchange: Exchange) -> None:
        """It was answered, or not."""
        self._activity.ended(exchange)
        ms = round(exchange.seconds * 1000, 1)
        if self._verbose:
            self._activity.tell(
                f"{exchange.method} {exchange.route} {exchange.status or exchange.failure} {ms:,.0f} ms"
            )
        if self._descriptor is not None:
            line = Line(self._now(), exchange.method, exchange.route, ms, exchange.status, exchange.failure)
            self._write(f"{plain_json(msgspec.json.encode(line).decode())}\n".encode())

    def retrying(self, what: str, attempt: int, wait: float, why: str) -> None:
        """It is sent again.

        Args:
            what: method and route template.
            attempt: number of the next try.
            wait: seconds until then.
            why: what the last try came to.
        """
        self._activity.retrying(what, attempt, wait, why)

    def _write(self, line: bytes) -> None:
        """One write a line, so that a killed process leaves whole lines; the first that fails is told and is the last."""
        with self._lock:
            if self._descriptor is None:
                return
            try:
                output_file.write_all(self._descriptor, line)
            except OSError as e:
                self._descriptor = None
                say(f"{DiskFailed.of('write', self._path, e)}; no further requests are logged")
