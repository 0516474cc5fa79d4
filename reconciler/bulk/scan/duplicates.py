"""Finds identities that more than one line of a source names, in bounded memory.

The platform promises no order between executions, nor between the lines of one (contract 12, 6): of two commands for one
identity, chance decides which is the last. Of each line a keyed hash of its identity is kept, with its place. The key is made
for one pass and forgotten, so what is on disk for a while says nothing about anybody.
"""

import bisect
import hashlib
import heapq
import itertools
import os
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from reconciler.bulk.records.identity import spelled
from reconciler.bulk.scan.batch import Rejected
from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.gathering import in_order, moved
from reconciler.model.load import Repeated

AT_ONCE = 200_000
_EXAMPLES = 5
_DIGEST = 12
_RECORD = struct.Struct(f">{_DIGEST}sIQ")
PLACE = struct.Struct(">IQ")  # a file by its index, and a line: what lists of lines are made of
_REJECTED = 1 << 63  # in the number of a line: its row is rejected
_AFTER = (
    1 << 32
) - 1  # in place of a file, behind all places: numbers of what is sent though a later row is rejected


@dataclass(frozen=True, slots=True)
class Identities:
    """Takes the digests of identities; with `rejected`, of rejected rows, too."""

    key: bytes
    rejected: bool = False

    def __call__(self, data: bytes, places: Sequence[int], rejects: Sequence[Rejected] = ()) -> bytes:
        """A run of digests with their places, those of rejected rows among them whose identity is known."""
        made, pack = hashlib.blake2b(digest_size=_DIGEST, key=self.key), _RECORD.pack

        def digest(line: bytes) -> bytes:
            one = made.copy()
            one.update(spelled(line))
            return one.digest()

        lines = zip(data.split(b"\n"), places, strict=False)
        found = [pack(digest(line), 0, number + 1) for line, number in lines]
        found += [
            pack(digest(r.who), 0, r.line + 1 | _REJECTED)
            for r in rejects
            if self.rejected and r.who is not None
        ]
        return in_order(found)


class Duplicates:
    """Gathers the identities of all lines to send, and those of rejected rows if asked to; memory is bounded by `at_once` lines."""

    def __init__(self, at_once: int = AT_ONCE, *, rejected: bool = False) -> None:
        self.take = Identities(os.urandom(16), rejected)
        self._at_once = at_once
        self._seen = SortedRecords(_RECORD.size, at_once)

    def add(self, taken: bytes, file: int, before: int) -> None:
        """What was taken of one segment, with its file (by index) and the lines of that before the segment."""
        self._seen.add(moved(taken, _RECORD.pack(bytes(_DIGEST), file, before)))

    def repeated(self, names: Sequence[str]) -> Repeated | None:
        """How many commands come after the first one for their identity, with the names of the files; None if none does."""
        found = repeated(self._seen, _DIGEST, names)
        self._seen.close()
        return found

    def superseded(self, into: IO[bytes]) -> None:
        """Write the places of all lines but the last about each identity, in order: what `ListedLines` reads; and what `overtaken` does."""
        ordered, late = SortedRecords(PLACE.size, self._at_once), _Late()
        for _, records in itertools.groupby(self._seen, lambda record: record[:_DIGEST]):
            last: tuple[int, int] | None = None
            rejected: list[tuple[int, int]] = []
            for record in records:
                file, line = PLACE.unpack_from(record, _DIGEST)
                if line & _REJECTED:
                    rejected.append((file, line ^ _REJECTED))
                    continue
                if last is not None:
                    ordered.add(PLACE.pack(*last))
                last = file, line
            if last is not None and rejected:
                late.add(last, [place for place in rejected if place > last])
        self._seen.close()
        for record in ordered:
            into.write(record)
        into.writelines(PLACE.pack(_AFTER, number) for number in late.numbers())
        ordered.close()


class _Late:
    """Identities of which a rejected row comes after the one that is sent: how many, and where the first few are."""

    def __init__(self) -> None:
        self.identities = self.rows = 0
        self._first: list[tuple[int, int, int, int]] = []

    def add(self, sent: tuple[int, int], rejected: Sequence[tuple[int, int]]) -> None:
        if rejected:
            self.identities += 1
            self.rows += len(rejected)
            self._first = heapq.nsmallest(_EXAMPLES, [*self._first, (*sent, *rejected[0])])

    def numbers(self) -> list[int]:
        return [self.identities, self.rows, *itertools.chain(*self._first)] if self.identities else []


def overtaken(file: IO[bytes], names: Sequence[str]) -> Repeated | None:
    """Of how many identities a line is sent that a rejected row comes after, from what `Duplicates.superseded` wrote; None if of none.

    Args:
        file: that it wrote.
        names: of the files of the source.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - (2 + 4 * _EXAMPLES) * PLACE.size))
    numbers = [number for where, number in PLACE.iter_unpack(file.read()) if where == _AFTER]
    if not numbers:
        return None
    identities, rows, *places = numbers
    shown = [
        f"{names[a]}:{line} is sent; {names[b]}:{later} is rejected"
        for a, line, b, later in zip(*(places[n::4] for n in range(4)), strict=True)
    ]
    return Repeated(identities, rows, tuple(shown))


def _following(
    records: Iterable[bytes], size: int
) -> Iterator[tuple[tuple[int, int], tuple[int, int], bool]]:
    """For each line that is not the first about its identity: the line before and itself (file, line), and if it is the second.

    Args:
        records: in order; each begins with the digest of an identity and a place.
        size: bytes of such a digest.
    """
    before, seconds = b"", False
    for record in records:
        if record[:size] == before[:size]:
            yield PLACE.unpack_from(before, size), PLACE.unpack_from(record, size), not seconds
            seconds = True
        else:
            seconds = False
        before = record


def repeated(records: Iterable[bytes], size: int, names: Sequence[str]) -> Repeated | None:
    """How many commands come after the first one for their identity; None if none does.

    Args:
        records: in order; each begins with the digest of an identity and a place.
        size: bytes of such a digest.
        names: of the files.
    """
    identities = commands = 0
    examples: list[tuple[int, int, int, int]] = []
    for before, place, second in _following(records, size):
        commands += 1
        if second:
            identities += 1
            examples.append((*place, *before))
        if len(examples) > 100 * _EXAMPLES:
            examples = heapq.nsmallest(_EXAMPLES, examples)
    shown = [
        f"{names[other]}:{later} after {names[file]}:{line}"
        for other, later, file, line in heapq.nsmallest(_EXAMPLES, examples)
    ]
    return Repeated(identities, commands, tuple(shown)) if commands else None


class NumberedLines:
    """Lines of one segment that a list names, at hand: packed by `packed_lines`."""

    def __init__(self, packed: bytes) -> None:
        self._numbers = array("I")
        self._numbers.frombytes(packed)

    def among(self, _file: int, first: int, last: int) -> set[int]:
        """Numbers of the lines from `first` to `last` that are listed."""
        numbers = self._numbers
        return set(numbers[bisect.bisect_left(numbers, first) : bisect.bisect_right(numbers, last)])


def packed_lines(listed: "ListedLines", file: int, before: int, lines: int) -> bytes:
    """Which lines of a segment are listed, counted from its first, 1: what `NumberedLines` reads.

    Args:
        listed: asked for every segment, in order.
        file: index of the segment's file.
        before: lines of the file before the segment.
        lines: of the segment.
    """
    found = listed.among(file, before + 1, before + lines)
    return array("I", sorted(number - before for number in found)).tobytes()


class ListedLines:
    """Lines of a source that a file lists in order, read in step with a pass over the source."""

    def __init__(self, file: IO[bytes], start: tuple[int, int] = (0, 0)) -> None:
        self._file = file
        self._next: tuple[int, int] | None = None
        file.seek(self._first_from(start) * PLACE.size)
        self._step()

    def _first_from(self, start: tuple[int, int]) -> int:
        """The number of the first record that is not before a place."""
        low, high = 0, self._file.seek(0, os.SEEK_END) // PLACE.size
        while low < high:
            middle = (low + high) // 2
            self._file.seek(middle * PLACE.size)
            if PLACE.unpack(self._file.read(PLACE.size)) < start:
                low = middle + 1
            else:
                high = middle
        return low

    def _step(self) -> None:
        record = self._file.read(PLACE.size)
        self._next = PLACE.unpack(record) if record else None

    def among(self, file: int, first: int, last: int) -> set[int]:
        """Numbers of the lines from `first` to `last` of a file that are listed."""
        found: set[int] = set()
        while self._next is not None and self._next <= (file, last):
            if self._next >= (file, first):
                found.add(self._next[1])
            self._step()
        return found
