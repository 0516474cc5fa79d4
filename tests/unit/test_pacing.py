"""Pacing: how many requests are on their way, and one listing for all who wait for it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.api.pacing import Pace, TooMuch
from reconciler.api.presence import Clock
from reconciler.api.shared import SharedListing
from reconciler.model.listing import Listed, Listing


class Time:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at


def test_too_much_halves_and_good_answers_bring_it_back_to_the_most() -> None:
    clock = Time()
    pace = Pace(16, clock.now)
    limits = []
    for _ in range(5):
        pace.answered(429)
        pace.answered(503)  # of the same moment: not cut again
        limits.append(pace.limit)
        clock.at += 1
    assert limits == [8, 4, 2, 1, 1]
    needed = 0
    while pace.limit < 16:
        before = pace.limit
        pace.answered(200)
        assert before < pace.limit <= before + 1
        needed += 1
    assert 100 < needed < 200  # about one more for each round of as many
    pace.answered(None)
    pace.answered(500)
    assert pace.limit == 16


def test_retry_after_holds_every_request_back() -> None:
    pace = Pace(4)
    pace.answered(429, 0.4)
    begun = time.monotonic()

    def request() -> float:
        with pace.slot():
            return time.monotonic() - begun

    with ThreadPoolExecutor(4) as pool:
        waited = [f.result() for f in [pool.submit(request) for _ in range(4)]]
    assert min(waited) >= 0.39


def test_never_more_requests_than_allowed_and_each_gets_a_turn() -> None:
    pace, most, now = Pace(5), [0], [0]
    lock = threading.Lock()

    def request(n: int) -> None:
        with pace.slot(first=n % 7 == 0):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.0005)
            with lock:
                now[0] -= 1
        pace.answered(429 if n % 50 == 0 else 200)

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(request, range(400)))
    assert 1 < most[0] <= 5


def test_one_listing_serves_all_and_is_never_older_than_asked() -> None:
    clock = Clock(time.monotonic, time.sleep, time.time)
    readings: list[float] = []

    def read() -> Listing[int]:
        readings.append(time.monotonic())
        time.sleep(0.01)
        return Listed((len(readings),))

    shared = SharedListing(read, clock)

    def look(_: int) -> None:
        for _ in range(5):
            asked = time.monotonic()
            begun, listing = shared.since(asked)
            assert asked <= begun
            assert begun <= readings[listing.rows[0] - 1]  # type: ignore[union-attr]

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(look, range(40)))
    assert len(readings) <= 12  # two hundred looks
    assert shared.since(0.0)[1] == Listed((len(readings),))


def test_a_reading_that_raises_releases_all_who_wait() -> None:
    tried: list[int] = []

    def read() -> Listing[int]:
        tried.append(1)
        if len(tried) == 1:
            raise OSError
        return Listed(())

    shared = SharedListing(read, Clock(time.monotonic, time.sleep, time.time))
    with ThreadPoolExecutor(3) as pool:
        found = [f.exception() for f in [pool.submit(shared.since, 0.0) for _ in range(3)]]
    assert sum(e is not None for e in found) == 1


def test_who_reads_gives_up_where_everything_was_refused_for_long() -> None:
    """A Retry-After of years, again and again: no listing waits behind another for ever."""
    now = [0.0]
    pace = Pace(4, lambda: now[0])
    pace.answered(429, 60.0)
    now[0] = 60.0
    with pace.slot(held=90.0):
        pace.answered(429, 60.0)
    now[0] = 90.5
    with pytest.raises(TooMuch), pace.slot(held=90.0):
        pass
    now[0] = 120.0  # not held back any more: it is asked again
    with pace.slot(held=90.0):
        pace.answered(200)
    pace.answered(503, 60.0)
    now[0] = 181.0
    with pace.slot(held=90.0):
        pass


def test_who_waits_when_the_time_is_over_is_told_then() -> None:
    pace = Pace(4)
    pace.answered(429, 30.0)
    begun = time.monotonic()
    with pytest.raises(TooMuch), pace.slot(held=0.2):
        pass
    assert time.monotonic() - begun < 5
    assert pace._first_waiting == 0
