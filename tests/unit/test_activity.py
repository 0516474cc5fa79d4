"""What a command says while it works: at least a line every 15 s, and each retry; with a clock that the test turns."""

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.observer import Exchange
from reconciler.bulk.load.progress import Before
from reconciler.cli.output.activity import EVERY_S, Activity


class Turned:
    def __init__(self) -> None:
        self.now = 100.0
        self.lines: list[tuple[float, str]] = []
        self.activity = Activity(lambda: self.now, lambda text: self.lines.append((self.now, text)))

    def passes(self, seconds: float) -> None:
        """The heart asks every second."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1)
            self.activity.heartbeat()

    def last(self) -> str:
        return self.lines[-1][1]


@given(st.lists(st.tuples(st.sampled_from(["say", "retry", "nothing"]), st.floats(0, 60)), max_size=20))
def test_no_gap_between_two_lines_is_longer_than_15_s_and_a_second(steps: list[tuple[str, float]]) -> None:
    clock = Turned()
    for what, seconds in steps:
        if what == "say":
            clock.activity.tell("x")
        elif what == "retry":
            clock.activity.retrying("GET /v1/datamarts", 2, 1.0, "503")
        clock.passes(seconds)
    times = [100.0, *(at for at, _ in clock.lines), clock.now]
    assert max(b - a for a, b in itertools.pairwise(times)) <= EVERY_S + 1
    beats = [at for at, text in clock.lines if text.startswith("still working")]
    for beat in beats:  # only where nothing was said before
        assert max((at for at, _ in clock.lines if at < beat), default=100.0) <= beat - EVERY_S


def said_after(arrange: Callable[[Turned], object]) -> str:
    clock = Turned()
    arrange(clock)
    clock.passes(16)
    return clock.last()


def test_it_says_what_is_waited_for() -> None:
    def flying(clock: Turned) -> None:
        clock.activity.begun(Exchange("GET", "/v1/datamarts/{id}/compartments", clock.now))
        clock.activity.begun(Exchange("POST", "/v1/user_account_compartments", clock.now + 1))

    def loading(clock: Turned) -> None:
        clock.activity.begin(3)
        clock.activity.load("ProfileSource/crm@fr", 10)
        clock.activity.advance("ProfileSource/crm@fr", "sent", 10)
        clock.activity.advance("ProfileSource/crm@fr", "done", 4)

    def continuing(clock: Turned) -> None:
        """Two loads; one of them had been begun by another run."""
        loading(clock)
        clock.activity.load("ProfileSource/crm@de", 14, Before(sent=10, done=8))
        clock.activity.begun(Exchange("GET", "/v1/datamarts/{id}/document_imports", clock.now + 15))

    assert said_after(continuing) == (
        "still working: 0 of 3 actions done; 2 loads: 20 of 24 chunks sent, 12 done"
    )
    assert said_after(flying) == (
        "still working: waiting for the answer to GET /v1/datamarts/{id}/compartments (15 s) and 1 other request"
    )
    assert said_after(loading) == (
        "still working: 0 of 3 actions done; ProfileSource/crm@fr: 10 of 10 chunks sent, 4 done"
    )
    assert said_after(lambda c: c.activity.waits("for the lock", 30)) == (
        "still working: waiting for the lock, 15 s at most"
    )
    assert (
        said_after(lambda c: c.activity.scanned("crm", 1_200_000))
        == "still working: crm: 1,200,000 rows read"
    )
    assert (
        said_after(lambda c: c.activity.waits("x", 3))
        == "still working: this machine computes; no request is in flight"
    )


def test_what_ended_is_not_waited_for() -> None:
    clock = Turned()
    exchange = Exchange("GET", "/v1/datamarts", clock.now)
    clock.activity.begun(exchange)
    clock.activity.ended(exchange)
    clock.activity.load("a", 1)
    clock.activity.advance("a", "sent", 1)
    clock.activity.advance("a", "done", 1)
    clock.passes(16)
    assert "waiting for" not in clock.last()
    assert "chunk" not in clock.last()


def test_a_retry_is_said_once_for_many_that_are_alike() -> None:
    clock = Turned()
    for _ in range(50):
        clock.activity.retrying("GET /v1/datamarts", 3, 8.0, "429")
    clock.activity.retrying("POST /v1/datamarts/{id}/compartments", 2, 0.0, "no clear answer")
    assert [text for _, text in clock.lines] == [
        "retrying GET /v1/datamarts, attempt 3, next in 8 s (429)",
        "retrying POST /v1/datamarts/{id}/compartments, attempt 2, now (no clear answer)",
    ]
    clock.passes(1)
    clock.activity.retrying("GET /v1/datamarts", 4, 16.0, "429")
    assert "attempt 4, next in 16 s" in clock.last()
    clock.passes(15)
    assert "waiting before attempt 4 of GET /v1/datamarts" in clock.last()


def test_while_the_connection_is_refused_it_is_said_once_and_then_at_intervals() -> None:
    clock = Turned()
    for n in range(120):
        for route in ("datamarts", "compartments", "schemas"):
            clock.activity.retrying(f"GET /v1/{route}", n + 2, 0.5, "connection refused")
        clock.passes(0.5)
    said = [(at, text) for at, text in clock.lines if text.startswith("retrying")]
    assert [at for at, _ in said] == [100.0, 115.0, 130.0, 145.0]
    assert all("(connection refused)" in text for _, text in said)
    clock.activity.retrying("GET /v1/datamarts", 2, 0.5, "name not known")
    clock.activity.retrying("POST /v1/x", 2, 0.5, "connection refused")
    assert [text.split()[1] for _, text in clock.lines[-2:]] == ["GET", "POST"]
