"""How many requests may be on their way at once: fewer when the remote says it is too much, more again when it does not.

Additive increase, multiplicative decrease, as TCP does it: a 429 or 503 halves the number, each well answered request adds a
share of one, and `Retry-After` holds all requests back, not only the one that was told so (contract 11).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TOO_MUCH = (429, 503)
SHORTEST, LONGEST = 0.1, 60.0  # seconds that all requests wait after one that was too much


class Pace:
    """Slots for requests. Safe to share between threads."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self.most, self.limit = most, float(most)
        self._now = now
        self._busy = self._first_waiting = self._ended = 0
        self._taken = 0.0
        self._not_before = 0.0
        self._lock = threading.Lock()
        self._first, self._others = threading.Condition(self._lock), threading.Condition(self._lock)

    @contextmanager
    def slot(self, *, first: bool = False) -> Iterator[None]:
        """Wait for leave to send one request, and hold it until the answer is there.

        Args:
            first: before all that wait without it, as for a look at what was written, which others wait for.
        """
        with self._lock:
            self._first_waiting += first
            while (wait := self._not_before - self._now()) > 0 or not self._free(first=first):
                (self._first if first else self._others).wait(wait if wait > 0 else None)
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
                if now >= self._not_before:  # answers to what was sent before the last cut say the same again
                    self.limit = max(1.0, self.limit / 2)
                self._not_before = max(
                    self._not_before, now + min(max(retry_after or 0.0, SHORTEST), LONGEST)
                )
            elif status is not None and self.limit < self.most:
                self.limit = min(float(self.most), self.limit + 1 / self.limit)
                self._wake()
