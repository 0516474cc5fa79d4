"""Whether the platform still answers at all, whatever it says: known from every request of a run, and asked by who waits."""

import threading
import time
from collections.abc import Callable

# Seconds without any answer after which the platform counts as gone. Shorter outages are waited out: a load takes hours.
GONE_S = 60.0


class Silence:
    """How long no request has had an answer. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._since: float | None = None
        self._answered = float("-inf")
        self._lock = threading.Lock()

    def ended(self) -> None:
        """A request has an answer, whichever."""
        with self._lock:
            self._since, self._answered = None, self.now()

    def lasts(self, begun: float) -> None:
        """A request has had none.

        Args:
            begun: when it was sent; it says nothing about the time before, nor against an answer that came since.
        """
        with self._lock:
            if self._since is None and begun >= self._answered:
                self._since = begun

    @property
    def begun(self) -> bool:
        """True if the newest that is known is that a request had no answer."""
        return self._since is not None

    @property
    def gone(self) -> bool:
        """True once it has lasted so long that nothing is worth waiting for."""
        since = self._since
        return since is not None and self.now() - since >= GONE_S
