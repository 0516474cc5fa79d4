"""Rows of a source against an index, both sorted by identity: what is new, and what is not. Pure; holds one row of each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.bulk.scan.removals import Entry
from reconciler.bulk.sent.digests import AT, COMMAND, DELETES, ROW, SIZE, UNKNOWN
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


def in_words(found: Counts | Delta, *, deletes: bool = False) -> str:
    """All of the counts.

    Args:
        found: the counts.
        deletes: identities that are gone may be deleted, and how many of them are is known.
    """
    known = deletes and found.gone
    deleted = f" ({found.deleted:,} deleted)" if known and isinstance(found, Delta) else ""
    return (
        f"{found.added:,} added, {found.changed:,} changed, {found.unchanged:,} unchanged, "
        f"{found.retried:,} retried, {found.gone:,} no longer in the source{deleted}"
    )


def difference(
    rows: Iterable[bytes], index: Iterable[bytes], counts: Counts, gone: Callable[[bytes], None]
) -> Iterator[bytes]:
    """Places of the rows to send, in the order of their identities.

    Args:
        rows: of the source, one for each identity.
        index: identity and command, one for each identity; and the fields that say whom it is about, where they are kept.
        counts: is filled.
        gone: is given each of the index that no row is about, in order.
    """
    known = iter(index)
    entry = next(known, None)
    for row in rows:
        identity = row[:SIZE]
        while entry is not None and entry[:SIZE] < identity:
            counts.gone += 1
            gone(entry)
            entry = next(known, None)
        if entry is None or entry[:SIZE] != identity:
            counts.added += 1
        else:
            said, entry = entry[SIZE : 2 * SIZE], next(known, None)
            if said == row[COMMAND]:
                counts.unchanged += 1
                continue
            counts.changed += said != UNKNOWN
            counts.retried += said == UNKNOWN
        yield row[AT]
    while entry is not None:
        counts.gone += 1
        gone(entry)
        entry = next(known, None)


class _Ordered:
    """Whether records are among others; both are in order."""

    def __init__(self, records: Iterable[bytes]) -> None:
        self._records = iter(records)
        self._next = next(self._records, None)

    def has(self, record: bytes) -> bool:
        """Whether this one is; none after a later one is asked for."""
        while self._next is not None and self._next < record:
            self._next = next(self._records, None)
        return self._next == record


def to_delete(gone: Iterable[bytes], rejected: Iterable[bytes], *, certain: bool) -> Iterator[Entry]:
    """Of what no accepted row is about: what is deleted, and what stays in the index.

    Args:
        gone: entries of the index, each with the fields that say whom it is about.
        rejected: digests of identities that rejected rows name, in order.
        certain: no other rejected row could name one of them.
    """
    named = _Ordered(rejected)
    for entry in gone:
        who = entry[2 * SIZE :]
        if who:  # else the last command deleted it, and was taken
            yield Entry(certain and not named.has(entry[:SIZE]), entry[: 2 * SIZE], who)


def entries(rows: Iterable[bytes], not_taken: Iterable[bytes], left: Iterable[Entry] = ()) -> Iterator[bytes]:
    """The entries of the index after a load, as `difference` takes them.

    Args:
        rows: of the source, one for each identity.
        not_taken: sorted identities of commands that the platform did not certainly take.
        left: identities that no row is about, in order: those deleted go, unless it is not certain that they were.
    """
    refused, others = _Ordered(not_taken), iter(left)
    other = next(others, None)
    for row in rows:
        identity = row[:SIZE]
        while other is not None and other.entry[:SIZE] < identity:
            yield from _left(other, refused)
            other = next(others, None)
        yield _row(row, taken=not refused.has(identity))
    while other is not None:
        yield from _left(other, refused)
        other = next(others, None)


def _row(row: bytes, *, taken: bool) -> bytes:
    does, who = row[ROW.size : ROW.size + 1], row[ROW.size + 1 :]
    if not taken:
        return row[:SIZE] + UNKNOWN + who
    return row[:SIZE] + row[COMMAND] + (b"" if does == DELETES else who)


def _left(found: Entry, refused: _Ordered) -> Iterator[bytes]:
    if not found.deleted:
        yield found.entry + found.identity
    elif refused.has(found.entry[:SIZE]):
        yield found.entry[:SIZE] + UNKNOWN + found.identity
