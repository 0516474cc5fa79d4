"""Keyed digests of a row: one of whom it is about, one of the command. Without the key they say nothing about anybody."""

import functools
import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.bulk.records.identity import is_delete, named, spelled
from reconciler.bulk.scan import duplicates
from reconciler.bulk.scan.batch import Rejected
from reconciler.bulk.scan.external_sort import SortedRecords, SortedTexts
from reconciler.bulk.scan.gathering import in_order, moved
from reconciler.bulk.scan.scan import NO_IDENTITY
from reconciler.errors import ReconcilerError
from reconciler.model.load import Repeated

SIZE = 16  # bytes of a digest
UNKNOWN = bytes(SIZE)  # in place of a command's digest: it is not known that the platform took it
ROW = struct.Struct(f">{SIZE}sIQ{SIZE}s")  # identity, index of the file, line, command
AT = slice(SIZE, SIZE + 12)  # its place
COMMAND = slice(SIZE + 12, 2 * SIZE + 12)
AT_ONCE = 200_000  # rows held in memory
BYTES_AT_ONCE = 30_000_000  # the same for rows with their identities
_WHERE = "workers find it as this machine does: index_key in their environment, or the file index.key under the same path"
Key = Callable[[bool], bytes | None]  # gives the key of digests; with True it is made where there is none
DELETES, UPSERTS = b"D", b"U"  # what a command does, before the fields that say whom it is about


def key_of_text(text: str) -> bytes:
    """The key of digests that a text stands for."""
    return hashlib.sha256(b"reconciler sent index " + text.encode()).digest()


def proof_of(key: bytes) -> bytes:
    """By this, two who have the key can see that it is the same; without the key it says nothing."""
    return hashlib.blake2b(digest_size=SIZE, key=key, person=b"rcl same key").digest()


class Digester:
    """Makes digests with one key."""

    def __init__(self, key: bytes) -> None:
        self._who = hashlib.blake2b(digest_size=SIZE, key=key, person=b"rcl identity")
        self._what = hashlib.blake2b(digest_size=SIZE, key=key, person=b"rcl command")

    def identity(self, line: bytes) -> bytes:
        """Of whom a command is about."""
        made = self._who.copy()
        made.update(spelled(line))
        return made.digest()

    def command(self, line: bytes) -> bytes:
        """Of a command, without the end of its line; never `UNKNOWN`."""
        made = self._what.copy()
        made.update(line)
        return made.digest()


class NotTheKey(ReconcilerError):
    """The key of the digests is not to be found where rows are read, or is another one there."""


class RowsTaken(NamedTuple):
    """What was taken of one segment.

    Attributes:
        rows: a run of `ROW`s; or, each by itself, with what the command does and whom it is about.
        unsent: digests of the identities that rejected rows name.
        unreadable: rejected rows of which nobody can say whom they are about.
    """

    rows: bytes | list[bytes]
    unsent: bytes
    unreadable: int


@dataclass(frozen=True, slots=True)
class RowDigests:
    """Takes digests of rows, under a key that is found where they are read: it is no part of this.

    Attributes:
        key: gives it.
        proof: what its digests begin with, so that no other one is taken for it.
        identities: with whom a row is about; such rows do not leave this machine.
    """

    key: Key
    proof: bytes
    identities: bool

    def __call__(self, data: bytes, places: Sequence[int], rejects: Sequence[Rejected] = ()) -> RowsTaken:
        """All rows of a segment."""
        digester = _digester(self.key, self.proof)
        identity, command = digester.identity, digester.command
        lines = zip(data.split(b"\n"), places, strict=False)
        rows: bytes | list[bytes]
        if self.identities:
            rows = [ROW.pack(identity(x), 0, n + 1, command(x)) + _does(x) + named(x) for x, n in lines]
        else:
            rows = in_order([ROW.pack(identity(x), 0, n + 1, command(x)) for x, n in lines])
        whom = [r.who for r in rejects if r.code not in NO_IDENTITY]
        unsent = in_order([identity(who) for who in whom if who is not None])
        return RowsTaken(rows, unsent, whom.count(None))


def _does(line: bytes) -> bytes:
    return DELETES if is_delete(line) else UPSERTS


@functools.lru_cache(maxsize=4)
def _digester(key: Key, proof: bytes) -> Digester:
    """Made once in each process: a key may have to be read from a file.

    Raises:
        NotTheKey: it is not there, or is another one.
    """
    found = key(False)
    if found is None:
        raise NotTheKey("the key of the sent index is not there", help=_WHERE)
    if proof_of(found) != proof:
        raise NotTheKey("the key of the sent index is another one there", help=_WHERE)
    return Digester(found)


class SourceRows:
    """Digests and places of all rows of a source, sorted by identity; memory is bounded.

    Attributes:
        take: takes them of a segment.
        unreadable: rejected rows of which nobody can say whom they are about.
        fed: the source was read for it.
        stays: what it takes must not leave this machine.
    """

    def __init__(self, key: Key, at_once: int = AT_ONCE, *, identities: bool = False) -> None:
        found = key(False)
        if found is None:
            raise ReconcilerError("the key of the sent index is not here")
        self._digester, self.stays = Digester(found), identities
        self.take = RowDigests(key, proof_of(found), identities)
        self._rows = SortedTexts(BYTES_AT_ONCE) if identities else SortedRecords(ROW.size, at_once)
        self._unsent = SortedRecords(SIZE, at_once)
        self.unreadable, self.fed = 0, False

    def add(self, taken: RowsTaken, file: int, before: int) -> None:
        """What was taken of one segment.

        Args:
            taken: by `take`.
            file: index of the file.
            before: lines of the file before the segment.
        """
        self.fed = True
        by = ROW.pack(bytes(SIZE), file, before, bytes(SIZE))
        if isinstance(taken.rows, bytes):
            self._rows.add(moved(taken.rows, by))
        else:
            for row in taken.rows:
                self._rows.add(moved(row[: ROW.size], by) + row[ROW.size :])
        self._unsent.add(taken.unsent)
        self.unreadable += taken.unreadable

    def repeated(self, names: Sequence[str]) -> Repeated | None:
        """Identities that several rows name, as `Duplicates` tells them; it is asked once all rows are there."""
        self.fed = True
        return duplicates.repeated(self._rows.merged(), SIZE, names)

    @property
    def rejected(self) -> Iterable[bytes]:
        """Digests of the identities that rejected rows name, in order."""
        return self._unsent

    def identity(self, line: bytes) -> bytes:
        """Of whom a command is about."""
        return self._digester.identity(line)

    def __iter__(self) -> Iterator[bytes]:
        """All of them, as `ROW`s; where identities were asked for, each with what it does and the fields that say whom it is about."""
        return iter(self._rows)

    def close(self) -> None:
        """Forget all."""
        self._rows.close()
        self._unsent.close()
