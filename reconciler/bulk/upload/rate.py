"""Bytes a second, for all uploads of a run together: the coordinator hands out shares of what may leave, and says when.

A sender asks for a share before it lets a block out, and waits as long as it is told. Who is gone asks no more, so at most the one
share that it had is lost. In any span of time at most `rate x span` bytes leave, and `burst` beside it: a share may be used late.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.bulk.scan.chunker import BLOCK

# A share is half a second of an upload's part of the rate; within these, so that questions are few and bursts small.
_SECONDS, _MOST_BLOCKS = 0.5, 16


@dataclass(frozen=True, slots=True)
class Share:
    """So many bytes may leave, after so many seconds from now."""

    bytes: int
    wait: float


NextShare = Callable[[], Share | None]


class UploadRate:
    """The coordinator's side. Safe to share between threads."""

    def __init__(self, rate: int, uploads: int, now: Callable[[], float] = time.monotonic) -> None:
        """Nothing has left yet.

        Args:
            rate: bytes a second.
            uploads: how many are on their way at once, at most.
            now: a monotonic clock.
        """
        self.rate, self.uploads, self._now = rate, uploads, now
        blocks = int(rate * _SECONDS / uploads / BLOCK)
        self.share = BLOCK * min(_MOST_BLOCKS, max(1, blocks))
        self._free = now()
        self._lock = threading.Lock()

    @property
    def burst(self) -> int:
        """Bytes that may leave beside `rate x span`: one share, and what each upload was given and did not use yet."""
        return self.share + self.uploads * (self.share + BLOCK)

    def next(self) -> Share:
        """The next share; answered at once, with the time to wait, so that nobody waits for who asked before."""
        with self._lock:
            now = self._now()
            at = max(now, self._free)
            self._free = at + self.share / self.rate
            return Share(self.share, at - now)


class Allowance:
    """A sender's side: what it may still let out, of one upload."""

    def __init__(
        self, next_share: NextShare | None, sleep: Callable[[float], None], now: Callable[[], float]
    ) -> None:
        """Nothing may leave yet.

        Args:
            next_share: asks the coordinator; None where no rate is set.
            sleep: waits.
            now: a monotonic clock.
        """
        self._next, self._sleep, self._now = next_share, sleep, now
        self._left = 0
        self.waited = 0.0  # seconds, of all waits: they are not the platform's

    def wait_for(self, size: int) -> bool:
        """Wait until so many bytes may leave; False where the coordinator gives no share any more."""
        if self._next is None:
            return True
        while self._left < size:
            begun = self._now()
            share = self._next()
            if share is None:
                return False
            self._sleep(share.wait)
            self.waited += self._now() - begun
            self._left += share.bytes
        self._left -= size
        return True
