"""OpenTelemetry traces, where the standard OTEL_* variables ask: the command, its plan, each run, load, chunk and request.

Names of specs, counts, route templates and states only: no identifier of the platform, no value, no token. Nothing of OpenTelemetry is
imported where no variable asks. A collector that does not answer is told of in one line, and stops nothing.
"""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from reconciler import __version__
from reconciler.api.observer import Exchange, Observer
from reconciler.bulk.load.progress import Before
from reconciler.cli.output.console import say
from reconciler.cli.output.passed_on import PassedOnDisplay, PassedOnRequests
from reconciler.cli.output.progress import Display
from reconciler.model.outcome import GOOD, Outcome

_ASKED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
FLUSH_MS = 5000


def asked(environ: Mapping[str, str]) -> bool:
    """True if the standard variables ask for traces."""
    if (
        environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER") == "none"
    ):
        return False
    return any(environ.get(name) for name in _ASKED)


@cache
def traces() -> "Traces | None":
    """Those of this process; None where nobody asks, or where the extra is not installed, which is said once."""
    if not asked(os.environ):
        return None
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter != "otlp":
        say(f"note: OTEL_TRACES_EXPORTER is {exporter!r}; traces are sent by otlp only, so there are none")
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        say(
            "note: OTEL_* variables are set; traces need the 'otel' extra: pip install 'mics-reconciler[otel]'"
        )
        return None
    logging.getLogger("opentelemetry").addHandler(_OneLine())
    name = os.environ.get("OTEL_SERVICE_NAME") or "reconciler"
    provider = TracerProvider(
        resource=Resource.create({"service.name": name, "service.version": __version__})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    made = Traces(provider)
    atexit.register(made.close)
    return made


class _OneLine(logging.Handler):
    """The first thing that the library complains about is said; its own words may quote what it sends."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._said:
            self._said = True
            say("note: traces could not be sent to the OpenTelemetry endpoint; the command is not affected")


class Traces:
    """Open spans of a process. Safe to use from many threads."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("reconciler", __version__)
        self._lock = threading.Lock()
        self._requests: dict[int, list[Any]] = {}
        self._loads: dict[str, Any] = {}
        self._root = self._tracer.start_span("reconciler " + _command(sys.argv[1:]))
        self._phases = [self._root]
        self._run: Any = None

    def close(self) -> None:
        """End what is open, and send what is left; waits a few seconds at most."""
        with self._lock:
            left = [*self._loads.values(), *(x for spans in self._requests.values() for x in spans)]
            self._loads, self._requests = {}, {}
        for span in (*left, *([self._run] if self._run else []), self._root):
            span.end()
        self._provider.force_flush(FLUSH_MS)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A part of the command, with the requests that are sent meanwhile."""
        span = self._started(name, self._phases[-1])
        self._phases.append(span)
        try:
            yield
        finally:
            self._phases.remove(span)
            span.end()

    def began(self, run: int, actions: int) -> None:
        """A run of the ledger begins; in waves, one after the other."""
        self.ran(None)
        span = self._started("run", self._root, {"reconciler.run": run, "reconciler.actions": actions})
        self._run = span
        self._phases.append(span)

    def ran(self, exit_code: int | None) -> None:
        """It ended; the code of the command, where that is known."""
        if self._run is None:
            return
        if exit_code is not None:
            self._run.set_attribute("reconciler.exit_code", exit_code)
            _judge(self._run, good=exit_code == 0, words=f"exit code {exit_code}")
        self._phases.remove(self._run)
        self._run.end()
        self._run = None

    def loading(self, address: str, chunks: int, lines: int, size: int) -> None:
        """A load begins.

        Args:
            address: of the load.
            chunks: how many are to be sent.
            lines: commands in them.
            size: bytes of them.
        """
        facts = {"reconciler.chunks": chunks, "reconciler.commands": lines, "reconciler.bytes": size}
        span = self._started("load", self._phases[-1], {"reconciler.address": address, **facts})
        with self._lock:
            self._loads[address] = span

    def finished(self, outcome: Outcome) -> None:
        """An action ended; of a load, how many rows became what."""
        with self._lock:
            span = self._loads.pop(outcome.address, None)
        if span is None:
            if not outcome.address.startswith("ProfileSource/"):
                return
            span = self._started("load", self._phases[-1], {"reconciler.address": outcome.address})
        for name, count in outcome.counts.items():
            span.set_attribute(f"reconciler.rows.{name}", count)
        span.set_attribute("reconciler.status", outcome.status.value)
        _judge(span, good=outcome.status in GOOD, words=outcome.status.value)
        span.end()

    def request(self, exchange: Exchange) -> None:
        """A request is sent; one that uploads is within its chunk."""
        with self._lock:
            parent = self._loads.get(exchange.address) or self._phases[-1]
        spans = []
        if exchange.chunk:
            facts = {"reconciler.address": exchange.address, "reconciler.chunk": exchange.chunk}
            parent = self._started("chunk", parent, facts)
            spans.append(parent)
        facts = {"http.request.method": exchange.method, "http.route": exchange.route}
        spans.append(self._started(f"{exchange.method} {exchange.route}", parent, facts))
        with self._lock:
            self._requests[id(exchange)] = spans

    def answered(self, exchange: Exchange) -> None:
        """It was answered, or not."""
        with self._lock:
            spans = self._requests.pop(id(exchange), [])
        for span in reversed(spans):
            if exchange.status is not None:
                span.set_attribute("http.response.status_code", exchange.status)
            if exchange.failure is not None:
                span.set_attribute("error.type", exchange.failure)
            _judge(span, good=exchange.status is not None and exchange.status < 400, words="")
            span.end()

    def _started(self, name: str, parent: Any, attributes: Mapping[str, Any] | None = None) -> Any:
        from opentelemetry.trace import set_span_in_context

        return self._tracer.start_span(name, set_span_in_context(parent), attributes=attributes)


def _judge(span: Any, *, good: bool, words: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    if not good:
        span.set_status(Status(StatusCode.ERROR, words))


def _command(arguments: list[str]) -> str:
    """Its name: what stands before the first word that may be a value."""
    words = arguments[2:] if arguments[:1] == ["-C"] else arguments
    named = words[:1] if words and words[0].isalpha() else ["command"]
    return named[0]


@contextmanager
def phase(name: str) -> Iterator[None]:
    """A part of the command, where traces are asked for."""
    if (found := traces()) is None:
        yield
        return
    with found.phase(name):
        yield


def of_requests(inner: Observer) -> Observer:
    """An observer that is traced as well, where traces are asked for."""
    return inner if (found := traces()) is None else _Observed(inner, found)


def of_display(inner: Display) -> Display:
    """A display that is traced as well, where traces are asked for."""
    return inner if (found := traces()) is None else _Shown(inner, found)


class _Observed(PassedOnRequests):
    """Traces requests."""

    def __init__(self, inner: Observer, found: Traces) -> None:
        super().__init__(inner)
        self._traces = found

    def begun(self, exchange: Exchange) -> None:
        self._traces.request(exchange)
        super().begun(exchange)

    def ended(self, exchange: Exchange) -> None:
        super().ended(exchange)
        self._traces.answered(exchange)


class _Shown(PassedOnDisplay):
    """Traces runs and loads."""

    def __init__(self, inner: Display, found: Traces) -> None:
        super().__init__(inner)
        self._traces = found

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        self._traces.began(run, actions)
        super().began(run, plan_digest, actions)

    def start(self, address: str, chunks: int, lines: int, size: int, before: Before) -> None:
        self._traces.loading(address, chunks, lines, size)
        super().start(address, chunks, lines, size, before)

    def finished(self, outcome: Outcome) -> None:
        self._traces.finished(outcome)
        super().finished(outcome)

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        self._traces.ran(exit_code)
        super().ended(exit_code, summary)
