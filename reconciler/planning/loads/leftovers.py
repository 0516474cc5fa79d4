"""Which of the rows that lie on disk a load may still need, by what the ledger says of its runs. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_DONE = frozenset({"succeeded", "partial", "unchanged"})
Declared = Mapping[str, Collection[str]]


class Need(StrEnum):
    """Why rows lie there."""

    OPEN = "open"  # a load that specs declare is not finished
    FINISHED = "finished"  # every load that was made of them is
    ABANDONED = "abandoned"  # an unfinished load that no spec declares any more
    UNKNOWN = "unknown"  # no run that the ledger knows used them, and no spec would


@dataclass(frozen=True, slots=True)
class Attempt:
    """One load of one run.

    Attributes:
        state: how it ended; None if no end is recorded.
        places: where its rows may lie.
        retry: it sends failed rows of a load again.
    """

    run: int
    address: str
    state: str | None
    places: frozenset[str]
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one place: the load and the run that last used it, where that is known."""

    need: Need
    address: str | None = None
    run: int | None = None


def need(place: str, attempts: Sequence[Attempt], declared: Declared | None) -> Found:
    """Whether a load may still need what lies in a place.

    Args:
        place: the folder's name.
        attempts: of every run, the newest first.
        declared: where the rows of each load that specs declare may lie; None if that is not known.
    """
    users = {a.address: a for a in reversed(attempts) if place in a.places}
    last: dict[str, Attempt] = {}
    for attempt in attempts:
        last.setdefault(attempt.address, attempt)
    left = [a for a in users.values() if last[a.address].state not in _DONE]
    wanted = [a for a in left if declared is None or _declares(declared, a, place)]
    if wanted:
        return Found(Need.OPEN, wanted[0].address, wanted[0].run)
    if left:
        return Found(Need.ABANDONED, left[0].address, left[0].run)
    if users:
        user = max(users.values(), key=lambda a: a.run)
        return Found(Need.FINISHED, user.address, user.run)
    by = next((a for a, places in (declared or {}).items() if place in places), None)
    return Found(Need.OPEN, by) if by is not None else Found(Need.UNKNOWN)


def _declares(declared: Declared, attempt: Attempt, place: str) -> bool:
    places = declared.get(attempt.address)
    return places is not None and (attempt.retry or place in places)
