"""Records, sorted in bounded memory.

So many at a time are sorted and written to a file without a name, and in the end all are merged.
"""

import heapq
import os
import tempfile
from collections.abc import Iterator
from typing import IO

_BLOCK = 1024  # records read at once
_READ = 1 << 17  # bytes read at once
_OBJECT = 41  # bytes that a record takes beside its own


class SortedRecords:
    """Takes records in any order, gives them in order.

    Args of the constructor:
        size: bytes of a record.
        at_once: how many are held in memory.
    """

    def __init__(self, size: int, at_once: int) -> None:
        self._size, self._limit = size, at_once * size
        self._held = bytearray()
        self._spilled: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []

    def add(self, records: bytes) -> None:
        """One more, or several one behind the other; those that are in order already are soon sorted."""
        self._held += records
        if len(self._held) >= self._limit:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        """All of them, in order."""
        return heapq.merge(self._sorted(), *(self._run(*run) for run in self._runs))

    def merged(self) -> Iterator[bytes]:
        """The same, once; from then on nothing is left to be merged."""
        if not self._runs:
            yield from self
            return
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        block = bytearray()
        for record in self:
            block += record
            if len(block) >= _READ:
                file.write(block)
                block.clear()
            yield record
        file.write(block)
        file.flush()
        self.close()
        self._spilled, self._runs = file, [(0, file.tell())]
        self._held.clear()

    def close(self) -> None:
        """Forget all."""
        if self._spilled is not None:
            self._spilled.close()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        begins = self._spilled.tell()
        self._spilled.write(b"".join(self._sorted()))
        self._spilled.flush()
        self._runs.append((begins, self._spilled.tell()))
        self._held.clear()

    def _sorted(self) -> list[bytes]:
        size = self._size
        return sorted(bytes(self._held[at : at + size]) for at in range(0, len(self._held), size))

    def _run(self, begins: int, ends: int) -> Iterator[bytes]:
        """The records of one sorted run, read a block at a time."""
        if self._spilled is None:
            return
        size = self._size
        for at in range(begins, ends, size * _BLOCK):
            block = os.pread(self._spilled.fileno(), min(size * _BLOCK, ends - at), at)
            yield from (block[i : i + size] for i in range(0, len(block), size))


class SortedTexts:
    """The same for records of any size.

    Args of the constructor:
        at_once: bytes that are held in memory, about.
    """

    def __init__(self, at_once: int) -> None:
        self._limit = at_once
        self._held, self._size = list[bytes](), 0
        self._spilled: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []

    def add(self, record: bytes) -> None:
        """One more."""
        self._held.append(record)
        self._size += len(record) + _OBJECT
        if self._size >= self._limit:
            self._spill()

    def merged(self) -> Iterator[bytes]:
        """All of them, in order."""
        return iter(self)

    def __iter__(self) -> Iterator[bytes]:
        """All of them, in order."""
        return heapq.merge(sorted(self._held), *(self._run(*run) for run in self._runs))

    def close(self) -> None:
        """Forget all."""
        if self._spilled is not None:
            self._spilled.close()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        begins = self._spilled.seek(0, os.SEEK_END)
        for record in sorted(self._held):
            self._spilled.write(len(record).to_bytes(4, "big") + record)
        self._spilled.flush()
        self._runs.append((begins, self._spilled.tell()))
        self._held, self._size = [], 0

    def _run(self, begins: int, ends: int) -> Iterator[bytes]:
        """The records of one sorted run, read a block at a time."""
        if self._spilled is None:
            return
        held, at = b"", begins
        while at < ends or held:
            more = os.pread(self._spilled.fileno(), min(_READ, ends - at), at)
            at += len(more)
            held, begin = held + more, 0
            while len(held) - begin >= 4:
                size = int.from_bytes(held[begin : begin + 4], "big")
                if len(held) - begin < 4 + size:
                    break
                yield held[begin + 4 : begin + 4 + size]
                begin += 4 + size
            held = held[begin:]
