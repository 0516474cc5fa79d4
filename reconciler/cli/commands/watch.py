"""`watch`."""

import os
import random
import sys
import threading
from dataclasses import replace
from typing import Annotated

import typer

from reconciler.api.observer import Exchange, Observer
from reconciler.cli import options as opt
from reconciler.cli import plan_pages, session
from reconciler.cli.flags import Flags, takes
from reconciler.cli.output.log_lines import LogLines
from reconciler.cli.output.metrics import Metrics
from reconciler.cli.output.passed_on import PassedOnRequests
from reconciler.cli.wiring import interruption, ledgers, real_clock, watch_server
from reconciler.errors import ReconcilerError, SpecError, UsageError
from reconciler.model.exit_code import Exit
from reconciler.model.observation import Observation
from reconciler.settings import seconds
from reconciler.workflows.drift import audited
from reconciler.workflows.watch import Watch, observe
from reconciler.workflows.watch import watch as run_loop

STOP_S = 3.0  # how long a look in progress may take once it is to end; nothing is lost with it
STALE = 3  # intervals without a good look after which the watcher is not ready
SHORTEST_S = 1.0


@takes("only", "environment", "endpoint", "token_file", "parallelism", "request_log")
def watch(
    flags: Flags,
    every: Annotated[
        str,
        typer.Option("--every", metavar="TIME", help="Time between two looks.", envvar="RECONCILER_EVERY"),
    ] = "10m",
    jitter: Annotated[
        int,
        typer.Option("--jitter", metavar="PERCENT", min=0, max=50, help="How much that time varies."),
    ] = 10,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Where /metrics, /healthz and /readyz are served.",
            envvar="RECONCILER_LISTEN",
        ),
    ] = "127.0.0.1:9464",
) -> int:
    """Serve drift and pending changes as Prometheus metrics. Compares specs and platform at regular times; never applies."""
    flags = replace(flags, output=opt.Format.JSON, no_color=True)
    return run_watch(flags, seconds(every), jitter / 100, watch_server.address(listen))


def run_watch(flags: Flags, every: float, jitter: float, where: tuple[str, int]) -> int:
    """`watch`: 0 once it was told to end.

    Args:
        flags: as given.
        every: seconds between two looks.
        jitter: share by which that varies.
        where: host and port.

    Raises:
        MissingExtra: prometheus_client is not installed.
        UsageError: the time between two looks is too short.
    """
    if every < SHORTEST_S:
        raise UsageError(f"--every must be at least {SHORTEST_S:g}s")
    log = LogLines(real_clock.created_at)
    flags.activity.speak_through(log.tell)
    recorder = _Recorder(Metrics(), log, every)
    counted = _Counted(flags.requests, recorder.metrics)
    interrupt = interruption.Interrupt(lambda _: log.info("stopping"))
    ended = threading.Event()
    loop = Watch(
        look=lambda: _look(flags, counted),
        recorder=recorder,
        now=real_clock.CLOCK.now,
        wait=interrupt.wait,
        every=every,
        jitter=jitter,
        dice=random.Random(),  # noqa: S311 - no secret
    )

    def looking() -> None:
        try:
            run_loop(loop)
        finally:
            ended.set()

    pages = {"/metrics": recorder.page, "/healthz": lambda: _health(ended), "/readyz": recorder.readiness}
    with interrupt.installed(), watch_server.serving(where, pages) as url:
        log.info("listening", url=url, every_s=every)
        threading.Thread(target=looking, daemon=True, name="watch").start()
        while not (interrupt.wait(1.0) or ended.is_set()):
            pass
        orderly = ended.wait(STOP_S)
        log.info("stopped", orderly=orderly)
    if not orderly:  # a look hangs in a request; it only reads
        sys.stderr.flush()
        os._exit(Exit.DONE)
    return Exit.DONE


def _look(flags: Flags, observer: Observer) -> Observation:
    """Everything is read again each time: specs, token, platform, ledger."""
    checked = session.read_workspace(flags)
    where = replace(session.target(flags, checked.settings), observer=observer)
    with session.progress(flags) as shown:
        made = session.plan(
            flags, checked, where, lambda: session.new_scans(flags, shown, kept=True), seen=False
        )
        plan_pages.tell_findings(made, flags)
    history = ledgers.history(flags.root, checked.settings)
    found = audited(made, history)
    return observe(made, found.resource_drift, history.work_ends(), checked.desired().datamarts)


def _health(ended: threading.Event) -> tuple[int, bytes, str]:
    alive = not ended.is_set()
    return (200, b"ok\n", watch_server.PLAIN) if alive else (500, b"the watcher ended\n", watch_server.PLAIN)


def _words(error: Exception) -> tuple[str, str]:
    """What happened and what to do; of an unexpected error only the type is shown, for its text may quote data."""
    match error:
        case SpecError():
            return str(error), "run `reconciler validate`, which shows them with their places"
        case ReconcilerError():
            return str(error), error.help or "run `reconciler doctor` where the watcher runs"
        case OSError() if error.filename:
            return f"cannot use {error.filename}: {error.strerror}", "correct the cause"
        case _:
            return f"a bug in reconciler: {type(error).__name__}", "please report this"


class _Recorder:
    """Shows each look as metrics, in the log and as readiness."""

    def __init__(self, metrics: Metrics, log: LogLines, every: float) -> None:
        self.metrics, self._log, self._every = metrics, log, every
        metrics.schedule(every)
        self._good: float | None = None

    def observed(self, found: Observation, seconds: float, following: float) -> None:
        """It went well; where something could not be read it is no good look."""
        if not found.errored:
            self._good = real_clock.CLOCK.now()
        self.metrics.observed(found, seconds, real_clock.CLOCK.wall())
        known = (
            {}
            if found.errored
            else {
                "pending": sum(found.pending.values()),
                "drift": sum(found.drift.values()),
            }
        )
        self._log.info(
            "observed",
            **known,
            failed_rows=sum(found.failed_rows.values()),
            errored=found.errored,
            seconds=round(seconds, 3),
            next_s=round(following, 1),
        )

    def failed(self, error: Exception, seconds: float, following: float) -> None:
        """It did not."""
        self.metrics.failed(seconds)
        message, todo = _words(error)
        self._log.failure(
            "observation failed",
            error=message,
            help=todo,
            seconds=round(seconds, 3),
            next_s=round(following, 1),
        )

    def page(self) -> tuple[int, bytes, str]:
        """`/metrics`."""
        content, kind = self.metrics.text()
        return 200, content, kind

    def readiness(self) -> tuple[int, bytes, str]:
        """`/readyz`: a look went well, and not too long ago."""
        if self._good is None:
            return 503, b"no observation has succeeded yet\n", watch_server.PLAIN
        ago = real_clock.CLOCK.now() - self._good
        if ago > STALE * self._every:
            return 503, f"the last good observation was {ago:.0f} s ago\n".encode(), watch_server.PLAIN
        return 200, b"ok\n", watch_server.PLAIN


class _Counted(PassedOnRequests):
    """Counts requests, and passes them on."""

    def __init__(self, inner: Observer, metrics: Metrics) -> None:
        super().__init__(inner)
        self._metrics = metrics

    def ended(self, exchange: Exchange) -> None:
        """It was answered, or not."""
        self._metrics.ended(exchange)
        super().ended(exchange)

    def retrying(self, what: str, attempt: int, wait: float, why: str) -> None:
        """It is sent again; arguments as those of `Observer.retrying`."""
        self._metrics.retried()
        super().retrying(what, attempt, wait, why)
