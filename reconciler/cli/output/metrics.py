"""Observations and requests as Prometheus metrics; see docs/operations.md for each."""

from reconciler import __version__
from reconciler.api.observer import Exchange
from reconciler.errors import MissingExtra
from reconciler.model.observation import Observation

PREFIX = "reconciler"
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """All metrics of one watcher, in a registry of its own."""

    def __init__(self) -> None:
        """Make them.

        Raises:
            MissingExtra: prometheus_client is not installed.
        """
        try:
            from prometheus_client import (
                CollectorRegistry,
                Counter,
                Gauge,
                Histogram,
                disable_created_metrics,
            )
        except ImportError:
            raise MissingExtra("watch", "watch") from None
        disable_created_metrics()  # when a series was made is nothing to look at
        self.registry = registry = CollectorRegistry()

        def gauge(name: str, told: str, *labels: str) -> Gauge:
            return Gauge(f"{PREFIX}_{name}", told, labels, registry=registry)

        gauge("build_info", "Version of reconciler.", "version").labels(__version__).set(1)
        self._looks = Counter(
            f"{PREFIX}_observations", "Observations, by result.", ["result"], registry=registry
        )
        for result in ("ok", "failed"):
            self._looks.labels(result)
        self._last = gauge(
            "last_observation_timestamp_seconds", "When the last observation that went well ended."
        )
        self._took = gauge("observation_duration_seconds", "How long the last observation took.")
        self._interval = gauge(
            "observation_interval_seconds", "Seconds between two observations, without jitter."
        )
        self._pending = gauge(
            "pending_changes", "Changes and loads that apply would carry out.", "kind", "datamart", "action"
        )
        self._in_sync = gauge("in_sync", "1 if nothing is pending on a datamart.", "datamart")
        self._drift = gauge("drift", "Resources that changed on the platform since the last apply.", "kind")
        self._unmanaged = gauge("unmanaged", "What exists on the platform and no spec declares.", "kind")
        self._findings = gauge("findings", "Findings of the plan.", "severity")
        self._errored = gauge("plan_errored", "1 if something on the platform or a source could not be read.")
        self._applyable = gauge("plan_applyable", "1 if apply would not be refused.")
        self._success = gauge(
            "last_success_timestamp_seconds",
            "When work on a datamart last succeeded, as the ledger has it.",
            "datamart",
        )
        self._failed = gauge(
            "failed_rows", "Rows that the platform failed in the newest load.", "source", "datamart"
        )
        self._requests = Counter(
            f"{PREFIX}_requests",
            "Requests to the platform.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._latency = Histogram(
            f"{PREFIX}_request_duration_seconds",
            "Time until the answer to a request.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._retries = Counter(f"{PREFIX}_retries", "Requests that were sent again.", registry=registry)

    def schedule(self, every: float) -> None:
        """The interval that was asked for."""
        self._interval.set(every)

    def observed(self, found: Observation, seconds: float, ended: float) -> None:
        """Show an observation in place of the last one; what it does not name any more disappears.

        Where something could not be read, what the platform holds is not known: that stays as it was last seen, and the look failed.

        Args:
            found: the observation.
            seconds: how long it took.
            ended: when it ended, in seconds since 1970.
        """
        self._looks.labels("failed" if found.errored else "ok").inc()
        self._took.set(seconds)
        self._show_ledger(found)
        for severity in ("error", "warning", "note"):
            self._findings.labels(severity).set(found.findings.get(severity, 0))
        self._errored.set(found.errored)
        self._applyable.set(found.applyable)
        if not found.errored:
            self._last.set(ended)
            self._show_platform(found)

    def _show_ledger(self, found: Observation) -> None:
        for gauge in (self._success, self._failed):
            gauge.clear()
        for datamart, at in found.last_success.items():
            self._success.labels(datamart).set(at)
        for (source, datamart), n in found.failed_rows.items():
            self._failed.labels(source, datamart).set(n)

    def _show_platform(self, found: Observation) -> None:
        for gauge in (self._pending, self._in_sync):
            gauge.clear()
        for labels, n in found.pending.items():
            self._pending.labels(*labels).set(n)
        busy = {datamart for _, datamart, _ in found.pending}
        for datamart in found.datamarts:
            self._in_sync.labels(datamart).set(datamart not in busy)
        for kind in ("Compartment", "Activation"):
            self._drift.labels(kind).set(found.drift.get(kind, 0))
            self._unmanaged.labels(kind).set(found.unmanaged.get(kind, 0))

    def failed(self, seconds: float) -> None:
        """An observation failed; what the last one saw stays."""
        self._looks.labels("failed").inc()
        self._took.set(seconds)

    def ended(self, exchange: Exchange) -> None:
        """A request was answered, or not."""
        status = str(exchange.status) if exchange.status is not None else "none"
        self._requests.labels(exchange.method, exchange.route, status).inc()
        self._latency.labels(exchange.method, exchange.route).observe(exchange.seconds)

    def retried(self) -> None:
        """A request is sent again."""
        self._retries.inc()

    def text(self) -> tuple[bytes, str]:
        """All of them as Prometheus reads them, and their content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self.registry), CONTENT_TYPE_LATEST
