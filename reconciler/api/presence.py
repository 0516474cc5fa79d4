"""Wait until a listing shows something, or until its absence is proven (design 6, "Absence")."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reconciler.model.absence import LISTINGS, Absence
from reconciler.model.listing import Listed, Listing, Unlisted

Found = TypeVar("Found")
Row = TypeVar("Row")

# With `settle: 0` a missing row still gets this many looks before a write counts as never seen: cheap, and kind to
# remotes whose lag is counted in reads.
MIN_LISTINGS = LISTINGS


def _untold(_what: str, _seconds: float) -> None:
    """Who is told of waits where nobody asked."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Monotonic seconds, sleep, and wall-clock seconds; handed in so that tests can turn time themselves.

    Attributes:
        told: is told what each longer wait is for, and its seconds.
    """

    now: Callable[[], float]
    sleep: Callable[[float], None]
    wall: Callable[[], float]
    told: Callable[[str, float], None] = _untold

    def wait(self, seconds: float, what: str) -> None:
        """Sleep, and say what for: "waiting " and these words make a message."""
        self.told(what, seconds)
        self.sleep(seconds)


# From an instant on: when a listing was begun that is not older, and what it showed.
Fetch = Callable[[float], tuple[float, Listing[Row]]]
FRESH_S = 2.0  # seconds for which one listing serves all that only need to know how things stood a moment ago


def direct(listing: Callable[[], Listing[Row]], clock: Clock) -> Fetch[Row]:
    """A fetch that lists each time it is asked."""
    return lambda _since: (clock.now(), listing())


def prove_absent_or_find(
    fetch: Fetch[Row],
    find: Callable[[Listed[Row]], Found | None],
    absence: Absence,
    clock: Clock,
) -> Found | Unlisted | None:
    """What `find` finds, None if it is proven absent, or `Unlisted` if the listing fails.

    Args:
        fetch: lists the complete, unfiltered collection.
        find: looks for the thing in a listing.
        absence: from which instant, and how long a listing may lag.
        clock: time.
    """
    while True:
        clock.wait(
            absence.wait(clock.now()), f"until lists show all earlier writes (settle {absence.settle:g} s)"
        )
        now = clock.now()
        begun, result = fetch(now if absence.settle > 0 else max(absence.since, now - FRESH_S))
        if not isinstance(result, Listed):
            return result
        if (found := find(result)) is not None:
            return found
        absence = absence.unseen(begun)
        if absence.conclusive:
            return None


def wait_until_visible(
    fetch: Fetch[Row],
    find: Callable[[Listed[Row]], Found | None],
    settle: float,
    clock: Clock,
) -> Found | Unlisted | None:
    """Wait for a listing to show our own write, bounded by `settle` (G3; contract 12).

    Args:
        fetch: lists the complete collection.
        find: what is wanted of a listing, or None.
        settle: seconds that a listing may lag behind a write.
        clock: time.

    Returns:
        What `find` finds, `Unlisted` if the last listing failed, or None if no listing showed it in time.
    """
    deadline = clock.now() + settle
    pause = 0.05
    count = 0
    while True:
        _, result = fetch(clock.now())
        count += 1
        if isinstance(result, Listed) and (found := find(result)) is not None:
            return found
        if isinstance(result, Unlisted) and result.unauthorized:
            return result
        if clock.now() >= deadline and count >= MIN_LISTINGS:
            return result if isinstance(result, Unlisted) else None
        clock.wait(pause, f"until a list shows a write (settle {settle:g} s)")
        pause = min(pause * 2, max(0.05, settle / LISTINGS), 5.0)
