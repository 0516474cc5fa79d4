"""One listing for all who wait for it: two thousand changes must not read a list of two thousand rows two thousand times."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from reconciler.api.presence import Clock
from reconciler.model.listing import Listing

Row = TypeVar("Row")
PAUSE, LONGEST = 0.03, 0.15  # seconds between two readings, and at most


class SharedListing(Generic[Row]):
    """Reads a collection once for everybody who needs it as it is from some instant on. Safe to share between threads."""

    def __init__(
        self, read: Callable[[], Listing[Row]], clock: Clock, known: tuple[float, Listing[Row]] | None = None
    ) -> None:
        """`known`: a listing that was read already, and the instant before which it was not begun."""
        self._read, self._clock = read, clock
        self._changed = threading.Condition()
        self._reading = False
        self._readings = 0
        self._last: Listing[Row] | None
        self._begun, self._last = known or (float("-inf"), None)

    def since(self, instant: float) -> tuple[float, Listing[Row]]:
        """A listing begun at `instant` or later, and when it was begun."""
        with self._changed:
            while self._last is None or self._begun < instant:
                if not self._reading:
                    self._reading = True
                    break
                self._changed.wait()
            else:
                return self._begun, self._last
        try:
            return self._read_again()
        finally:
            with self._changed:
                self._reading = False
                self._changed.notify_all()

    def _read_again(self) -> tuple[float, Listing[Row]]:
        # The more it is asked for, the more are waited for before it is read again.
        self._clock.sleep(max(0.0, self._begun + min(PAUSE * self._readings, LONGEST) - self._clock.now()))
        begun = self._clock.now()
        found = self._read()
        with self._changed:
            self._begun, self._last, self._readings = begun, found, self._readings + 1
        return begun, found
