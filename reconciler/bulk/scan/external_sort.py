"""Records, sorted in bounded memory.

So many at a time are sorted and written to a file without a name, and in the end all are merged.
"""

import bisect
import heapq
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import IO

_BLOCK, _PART = 1024, 64
_READ = 1 << 17  # bytes read at once
_OBJECT = 41  # bytes that a record takes beside its own


class SortedRecords:
    """Takes records in any order, gives them in order.

    Runs are merged in parts: what of all of them comes before a bound is sorted at once, which takes a third of the time of a merge
    record by record. Bounds are some of the records themselves, so that parts are of about one size whatever the records are.

    Args of the constructor:
        size: bytes of a record.
        at_once: how many are held in memory.
        block: records that are read at once.
        part: blocks that are sorted at once, about, when runs are merged.
    """

    def __init__(self, size: int, at_once: int, block: int = _BLOCK, part: int = _PART) -> None:
        self._records_at_once, self._blocks_at_once = block, part
        self._size, self._limit = size, at_once * size
        self._held = bytearray()
        self._spilled: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []
        self._sample: list[bytes] = []  # of each run the first record of each block but the first one
        self._block = struct.Struct(f"{size}s" * block)

    def add(self, records: bytes) -> None:
        """One more, or several one behind the other; those that are in order already are soon sorted."""
        self._held += records
        if len(self._held) >= self._limit:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        """All of them, in order."""
        for part in self._parts():
            yield from part

    def merged(self) -> Iterator[bytes]:
        """The same, once; from then on nothing is left to be merged."""
        if not self._runs:
            yield from self
            return
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        for part in self._parts():
            file.write(b"".join(part))
            yield from part
        file.flush()
        self.close()
        self._spilled, self._runs, self._sample = file, [(0, file.tell())], []
        self._held.clear()

    def close(self) -> None:
        """Forget all."""
        if self._spilled is not None:
            self._spilled.close()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        begins = self._spilled.tell()
        records = self._sorted()
        self._spilled.write(b"".join(records))
        self._spilled.flush()
        self._runs.append((begins, self._spilled.tell()))
        self._sample += records[self._records_at_once :: self._records_at_once]
        self._held.clear()

    def _sorted(self) -> list[bytes]:
        records = list(chain.from_iterable(self._records(self._held)))
        records.sort()
        return records

    def _records(self, data: bytes | bytearray) -> Iterator[tuple[bytes, ...]]:
        """Records that stand one behind the other, a block at a time."""
        whole = len(data) // self._block.size * self._block.size
        yield from self._block.iter_unpack(memoryview(data)[:whole])
        if rest := (len(data) - whole) // self._size:
            yield struct.unpack(f"{self._size}s" * rest, data[whole:])

    def _parts(self) -> Iterator[Sequence[bytes]]:
        """All of them: parts in order, and each part in order."""
        if len(self._runs) == 1 and not self._held:
            yield from self._run(*self._runs[0])
            return
        bounds = sorted(self._sample)[self._blocks_at_once :: self._blocks_at_once]
        readers = [_Reader(iter([self._sorted()])), *(_Reader(self._run(*run)) for run in self._runs)]
        if any(
            one == other for one, other in pairwise(bounds)
        ):  # so many equal ones might be too many for memory
            yield from _few(heapq.merge(*(r.rest() for r in readers)))
            return
        for bound in (*bounds, None):
            part = [record for reader in readers for below in reader.below(bound) for record in below]
            part.sort()
            yield part

    def _run(self, begins: int, ends: int) -> Iterator[Sequence[bytes]]:
        """The records of one sorted run, read a block at a time."""
        if self._spilled is None:
            return
        for at in range(begins, ends, self._block.size):
            data = os.pread(self._spilled.fileno(), min(self._block.size, ends - at), at)
            yield from self._records(data)


class _Reader:
    """What is left of one sorted run."""

    def __init__(self, blocks: Iterator[Sequence[bytes]]) -> None:
        self._blocks = blocks
        self._held: Sequence[bytes] = ()

    def below(self, bound: bytes | None) -> Iterator[Sequence[bytes]]:
        """The records before this bound, in order; all that are left, if there is none. They are not left any more."""
        while self._held or self._next():
            held = self._held
            if bound is not None and held[-1] >= bound:
                at = bisect.bisect_left(held, bound)
                self._held = held[at:]
                yield held[:at]
                return
            self._held = ()
            yield held

    def rest(self) -> Iterator[bytes]:
        """All that are left, one by one."""
        for block in self.below(None):
            yield from block

    def _next(self) -> bool:
        self._held = next(self._blocks, ())
        return bool(self._held)


def _few(records: Iterator[bytes]) -> Iterator[Sequence[bytes]]:
    while block := list(islice(records, _BLOCK)):
        yield block


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
