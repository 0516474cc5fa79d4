"""The rule of absence (design 6, "Absence"), as a pure value.

"Not there" counts only from complete listings begun at least `settle` seconds after the last instant the write could
have left, and takes five of them spread over the window, because a lag may be counted in reads; with `settle: 0` one
is enough. Presence takes one listing. The clock is the caller's: monotonic seconds.
"""

from dataclasses import dataclass, replace

LISTINGS = 5


@dataclass(frozen=True, slots=True)
class Absence:
    """Evidence gathered so far that something is not on the remote.

    Attributes:
        since: the last instant the write could have left.
        settle: seconds a listing may lag behind a write.
        listings: how many complete listings did not show it.
        last_begun: when the newest of them was begun.
    """

    since: float
    settle: float
    listings: int = 0
    last_begun: float = float("-inf")

    def unseen(self, begun: float) -> "Absence":
        """Add a complete listing, begun at `begun`, that did not show the thing."""
        if begun < self.since:
            return self
        return replace(self, listings=self.listings + 1, last_begun=max(self.last_begun, begun))

    @property
    def conclusive(self) -> bool:
        """True once the thing may be taken as absent."""
        if self.settle <= 0:
            return self.listings >= 1
        return self.listings >= LISTINGS and self.last_begun >= self.since + self.settle

    def wait(self, now: float) -> float:
        """Seconds until the next listing is worth reading."""
        if self.settle <= 0 or self.conclusive:
            return 0.0
        due = self.since + self.settle * min(self.listings, LISTINGS - 1) / (LISTINGS - 1)
        return max(0.0, due - now)
