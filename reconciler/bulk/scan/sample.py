"""Some identities of a source with all commands about them, in bounded memory. The same ones each time, as a hash chooses them."""

import hashlib
import heapq
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.bulk.records.identity import spelled

MOST = 100  # commands kept of one identity


class Sampled(NamedTuple):
    """One command of a source, and where it comes from."""

    path: str
    line: int
    command: bytes


class Identity(NamedTuple):
    """What a source holds about one identity.

    Attributes:
        commands: in their order, at most `MOST`.
        more: there are more commands than that.
    """

    commands: list[Sampled]
    more: bool


class Sample:
    """Gathers; `add` is called with what is sent, in order.

    Args:
        size: identities to keep: those whose hash is lowest.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._highest: list[int] = []  # hashes of those that are kept, negated: a heap gives the lowest first
        self._kept: dict[int, list[Sampled]] = {}
        self._crowded: set[int] = set()
        self.commands = 0

    def add(self, path: str, before: int, data: bytes, places: Sequence[int]) -> None:
        """Commands of one segment.

        Args:
            path: its file.
            before: lines of the file before the segment.
            data: commands, a line each.
            places: for each, the line of its row in the segment (0 is the first).
        """
        for line, place in zip(data.split(b"\n"), places, strict=False):
            self.commands += 1
            chosen = int.from_bytes(hashlib.blake2b(spelled(line), digest_size=16).digest())
            if self._chosen(chosen):
                found = self._kept[chosen]
                if len(found) == MOST:
                    self._crowded.add(chosen)
                else:
                    found.append(Sampled(path, before + place + 1, line))

    def _chosen(self, candidate: int) -> bool:
        if candidate in self._kept:
            return True
        if len(self._kept) < self._size:
            heapq.heappush(self._highest, -candidate)
        elif self._size and candidate < -self._highest[0]:
            dropped = -heapq.heapreplace(self._highest, -candidate)
            del self._kept[dropped]
            self._crowded.discard(dropped)
        else:
            return False
        self._kept[candidate] = []
        return True

    def result(self) -> list[Identity]:
        """The identities in the order of their first commands."""
        found = [Identity(commands, chosen in self._crowded) for chosen, commands in self._kept.items()]
        return sorted(found, key=lambda one: one.commands[0][:2])
