"""Rows of a source against an index, both sorted by identity: what is new, and what is not. Pure; holds one row of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.bulk.sent.digests import PLACE, ROW, SIZE, UNKNOWN
from reconciler.model.plan import Delta


@dataclass(slots=True)
class Counts:
    """Rows by what the index says of them.

    Attributes:
        added: nobody of this identity was sent.
        changed: another command was.
        unchanged: this very command was, and the platform took it.
        gone: identities of the index that no row names.
        retried: rows of which it is not known that the platform took the last command.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    retried: int = 0

    @property
    def sent(self) -> int:
        """How many rows a delta has."""
        return self.added + self.changed + self.retried


def in_words(found: Counts | Delta) -> str:
    """All of the counts."""
    return (
        f"{found.added:,} added, {found.changed:,} changed, {found.unchanged:,} unchanged, "
        f"{found.retried:,} retried, {found.gone:,} no longer in the source"
    )


def difference(rows: Iterable[bytes], index: Iterable[bytes], counts: Counts) -> Iterator[bytes]:
    """Places of the rows to send, in the order of their identities.

    Args:
        rows: of the source, one for each identity.
        index: identity and command, one for each identity.
        counts: is filled.
    """
    known = iter(index)
    entry = next(known, None)
    for row in rows:
        identity = row[:SIZE]
        while entry is not None and entry[:SIZE] < identity:
            counts.gone += 1
            entry = next(known, None)
        if entry is None or entry[:SIZE] != identity:
            counts.added += 1
        else:
            said, entry = entry[SIZE:], next(known, None)
            if said == row[SIZE : 2 * SIZE]:
                counts.unchanged += 1
                continue
            counts.changed += said != UNKNOWN
            counts.retried += said == UNKNOWN
        yield PLACE.pack(*ROW.unpack(row)[2:])
    while entry is not None:
        counts.gone += 1
        entry = next(known, None)


def entries(rows: Iterable[bytes], not_taken: Iterable[bytes]) -> Iterator[bytes]:
    """The entries of the index after a load.

    Args:
        rows: of the source, one for each identity.
        not_taken: sorted identities of the rows that the platform did not certainly take.
    """
    refused = iter(not_taken)
    next_one = next(refused, None)
    for row in rows:
        identity = row[:SIZE]
        while next_one is not None and next_one < identity:
            next_one = next(refused, None)
        yield identity + (UNKNOWN if next_one == identity else row[SIZE : 2 * SIZE])
