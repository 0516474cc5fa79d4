"""How many requests may be on their way at once: fewer when the remote says it is too much, more again when it does not.

Additive increase, multiplicative decrease, as TCP does it: a 429 or 503 halves the number, each well answered request adds a
share of one, and `Retry-After` holds all requests back, not only the one that was told so (contract 1.7).
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TOO_MUCH = (429, 503)
SHORTEST, LONGEST = 0.1, 60.0  # seconds that all requests wait after one that was too much
HELD = (
    90.0  # seconds for which a platform may answer nothing else before who reads gives up instead of waiting
)


class TooMuch(Exception):
    """The platform has asked to wait for too long already."""


class Pace:
    """Slots for requests. Safe to share between threads."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.most, self.limit = most, float(most)
        self._now = now
        self._busy = self._first_waiting = self._ended = 0
        self._taken = 0.0
        self._not_before = 0.0
        self._refused_since: float | None = None
        self._lock = threading.Lock()
        self._first, self._others = threading.Condition(self._lock), threading.Condition(self._lock)

    @contextmanager
    def slot(self, *, first: bool = False, held: float = math.inf) -> Iterator[None]:
        """Wait for leave to send one request, and hold it until the answer is there.

        Args:
            first: before all that wait without it, as for a look at what was written, which others wait for.
            held: seconds of refusals after which this is not worth waiting for.

        Raises:
            TooMuch: the platform has refused everything for so long, and has to be left alone still.
        """
        with self._lock:
            self._first_waiting += first
            try:
                while (wait := self._not_before - self._now()) > 0 or not self._free(first=first):
                    since = self._now() if self._refused_since is None else self._refused_since
                    left = since + held - self._now()
                    if wait > 0 and left <= 0:
                        raise TooMuch
                    (self._first if first else self._others).wait(min(wait, left) if wait > 0 else None)
            finally:
                self._first_waiting -= first
            self._busy += 1
            begun = self._now()
            self._wake()
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._ended += 1
                self._taken += self._now() - begun
                self._wake()

    @property
    def mean(self) -> float | None:
        """Seconds that a request took on average, its wait for a slot left out; None before the first."""
        return self._taken / self._ended if self._ended else None

    def _free(self, *, first: bool) -> bool:
        return self._busy < int(self.limit) and (first or not self._first_waiting)

    def _wake(self) -> None:
        if self._busy < int(self.limit):
            (self._first if self._first_waiting else self._others).notify()

    def answered(self, status: int | None, retry_after: float | None = None) -> None:
        """Adapt to an answer.

        Args:
            status: of the response; None where there was none, which says nothing about the pace.
            retry_after: seconds that the remote asked to wait.
        """
        with self._lock:
            if status in TOO_MUCH:
                now = self._now()
                self._refused_since = now if self._refused_since is None else self._refused_since
                if now >= self._not_before:  # answers to what was sent before the last cut say the same again
                    self.limit = max(1.0, self.limit / 2)
                self._not_before = max(
                    self._not_before, now + min(max(retry_after or 0.0, SHORTEST), LONGEST)
                )
            elif status is not None:
                self._refused_since = None
            if status is not None and status not in TOO_MUCH and self.limit < self.most:
                self.limit = min(float(self.most), self.limit + 1 / self.limit)
                self._wake()
