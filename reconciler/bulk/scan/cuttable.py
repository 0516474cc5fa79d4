"""Lines that can be cut into chunks: held as bytes, or known only by where they end, where another machine holds them. Pure."""

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import Any, Protocol

_FAST = 1  # of zlib's levels
_PIECE = 1 << 16


class Cuttable(Protocol):
    """Lines to send, each ended by a newline.

    Attributes:
        size: of all, in bytes.
    """

    size: int

    def end_within(self, begin: int, room: int) -> int:
        """Where the last line ends that fits into so many bytes from an index on; `begin` or less if none does."""

    def count(self, begin: int, end: int) -> int:
        """How many lines end there."""

    def feed(self, digest: Any, begin: int, end: int) -> None:
        """Give their bytes to a digest, if they are here."""


class Held:
    """Lines that are here."""

    def __init__(self, data: bytes) -> None:
        self._data, self._view, self.size = data, memoryview(data), len(data)

    def end_within(self, begin: int, room: int) -> int:
        """Where the last line ends that fits into so many bytes from an index on; `begin` or less if none does."""
        rest = self.size - begin
        return self.size if rest <= room else self._data.rfind(b"\n", begin, begin + room) + 1

    def count(self, begin: int, end: int) -> int:
        """How many lines end there."""
        return self._data.count(b"\n", begin, end)

    def feed(self, digest: Any, begin: int, end: int) -> None:
        """Give their bytes to a digest."""
        digest.update(self._view[begin:end])


class Ends:
    """Lines that are elsewhere: how many bytes, and where each line ends, which is asked for or unpacked where a chunk ends among them."""

    def __init__(self, size: int, packed: bytes | Callable[[], bytes]) -> None:
        self.size, self._packed = size, packed

    @cached_property
    def _ends(self) -> "array[int]":
        packed = self._packed if isinstance(self._packed, bytes) else self._packed()
        lengths = array("I")
        lengths.frombytes(zlib.decompress(packed))
        return array("Q", accumulate(n + 1 for n in lengths))

    def end_within(self, begin: int, room: int) -> int:
        """Where the last line ends that fits into so many bytes from an index on; `begin` or less if none does."""
        if self.size - begin <= room:
            return self.size
        at = bisect_right(self._ends, begin + room)
        return self._ends[at - 1] if at else 0

    def count(self, begin: int, end: int) -> int:
        """How many lines end there."""
        return bisect_right(self._ends, end) - bisect_right(self._ends, begin)

    def feed(self, digest: Any, begin: int, end: int) -> None:
        """Nothing: who has the bytes digests them."""


def ends_of(data: bytes) -> bytes:
    """What `Ends` reads: the lengths of lines, without their newlines."""
    lengths, at = array("I"), 0
    while at < len(data):  # in pieces that a processor's cache holds
        end = data.find(b"\n", min(at + _PIECE, len(data)) - 1) + 1
        lengths.extend(map(len, data[at : end - 1].split(b"\n")))
        at = end
    return zlib.compress(lengths, _FAST)
