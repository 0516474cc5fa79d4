"""What a pass gathers of all lines beside counts: for each segment something is taken where it is checked, and added in order here.

What is taken holds no line, and is of the segment alone: a place counts from the segment's first line. So it does not matter which
process, or which machine, takes it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from reconciler.bulk.scan.batch import Rejected


class Take(Protocol):
    """Takes something from a segment. Can be pickled."""

    def __call__(self, data: bytes, places: Sequence[int], rejects: Sequence[Rejected], /) -> Any:
        """What is wanted of one segment.

        Args:
            data: its commands, a line each.
            places: for each of them, its line in the segment, from 0.
            rejects: its records that are not sent.
        """


class Gather(Protocol):
    """Adds up what was taken."""

    @property
    def take(self) -> Take:
        """What takes it."""

    def add(self, taken: Any, file: int, before: int) -> None:
        """What was taken of one segment.

        Args:
            taken: by `take`.
            file: index of the file.
            before: lines of the file before the segment.
        """


def in_order(records: list[bytes]) -> bytes:
    """A sorted run of records of one size."""
    records.sort()
    return b"".join(records)


def moved(run: bytes, by: bytes) -> bytes:
    """A run of records with numbers added to the numbers in each: `by` is one record of nothing but what is added.

    No number may grow beyond its place in the record. All are added at once, as one long number: one by one takes 30 times as long.
    """
    added = int.from_bytes(by * (len(run) // len(by)))
    return (int.from_bytes(run) + added).to_bytes(len(run))
