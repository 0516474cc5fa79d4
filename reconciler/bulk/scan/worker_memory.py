"""What a worker of a cluster has in memory between two tasks of a pass. Another worker that has it not makes it again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

MOST_OPEN = 4  # readings that can go on where they were


class Answer(Protocol):
    """What a reading gives."""

    @property
    def last(self) -> bool:
        """Whether that is all."""


A = TypeVar("A", bound=Answer)


class Continued(Generic[A]):
    """Readings that were begun here, each after so many answers; one that is not here is begun anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = OrderedDict[tuple[str, str | int], tuple[int, Iterator[A]]]()

    def item(self, key: tuple[str, str | int], number: int, begin: Callable[[], Iterator[A]]) -> A:
        """The answer after so many others."""
        with self._lock:
            at, items = self._open.pop(key, (number + 1, iter(())))
        if at > number:
            at, items = 0, begin()
        for _ in range(number - at):
            next(items)
        found = next(items)
        if not found.last:
            with self._lock:
                self._open[key] = number + 1, items
                while len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)
        return found

    def forget(self, key: str) -> None:
        """Those of a pass."""
        with self._lock:
            for one in [k for k in self._open if k[0] == key]:
                del self._open[one]


class Kept:
    """Lines that were made here, so many bytes of them."""

    def __init__(self, most: int) -> None:
        self._lock, self._most, self._size = threading.Lock(), most, 0
        self._lines = OrderedDict[tuple[str, int, int], bytes]()
        self._used = dict[tuple[str, int, int], int]()

    def put(self, key: tuple[str, int, int], data: bytes) -> None:
        """Keep these, and the oldest no more."""
        with self._lock:
            self._size += len(data) - len(self._lines.pop(key, b""))
            self._lines[key] = data
            self._used[key] = 0
            while self._size > self._most:
                self._drop(next(iter(self._lines)))

    def get(self, key: tuple[str, int, int]) -> bytes | None:
        """Those that are still here."""
        with self._lock:
            return self._lines.get(key)

    def used(self, key: tuple[str, int, int], size: int) -> None:
        """So many bytes of these were digested. Those of which that is all are not needed any more: what comes next has their room.

        Two chunks may share a segment, and be digested in any order.
        """
        with self._lock:
            if key in self._lines:
                self._used[key] += size
                if self._used[key] >= len(self._lines[key]):
                    self._drop(key)

    def forget(self, key: str) -> None:
        """Those of a pass."""
        with self._lock:
            for one in [k for k in self._lines if k[0] == key]:
                self._drop(one)

    def _drop(self, key: tuple[str, int, int]) -> None:
        self._size -= len(self._lines.pop(key))
        del self._used[key]
