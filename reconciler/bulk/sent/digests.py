"""Keyed digests of a row: one of whom it is about, one of the command. Without the key they say nothing about anybody."""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from reconciler.bulk.records.identity import named, spelled
from reconciler.bulk.scan import duplicates
from reconciler.bulk.scan.external_sort import SortedRecords, SortedTexts
from reconciler.model.load import Repeated

SIZE = 16  # bytes of a digest
UNKNOWN = bytes(SIZE)  # in place of a command's digest: it is not known that the platform took it
ROW = struct.Struct(f">{SIZE}sIQ{SIZE}s")  # identity, index of the file, line, command
AT = slice(SIZE, SIZE + 12)  # its place
COMMAND = slice(SIZE + 12, 2 * SIZE + 12)
PLACE = struct.Struct(">IQ")
AT_ONCE = 200_000  # rows held in memory
BYTES_AT_ONCE = 30_000_000  # the same for rows with their identities
DELETES, UPSERTS = b"D", b"U"  # what a command does, before the fields that say whom it is about


def key_of_text(text: str) -> bytes:
    """The key of digests that a text stands for."""
    return hashlib.sha256(b"reconciler sent index " + text.encode()).digest()


class _Operation(msgspec.Struct):
    operation: str


_operation = msgspec.json.Decoder(_Operation).decode


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


class SourceRows:
    """Digests and places of all rows of a source, sorted by identity; memory is bounded.

    Attributes:
        unreadable: rejected rows of which nobody can say whom they are about.
        fed: the source was read for it.
    """

    def __init__(
        self, digester: Digester, names: Sequence[str], at_once: int = AT_ONCE, *, identities: bool = False
    ) -> None:
        self._digester, self._files = digester, {name: i for i, name in enumerate(names)}
        self._rows = SortedTexts(BYTES_AT_ONCE) if identities else SortedRecords(ROW.size, at_once)
        self._identities = identities
        self._unsent = SortedRecords(SIZE, at_once)
        self.unreadable, self.fed = 0, False

    def add(self, path: str, before: int, data: bytes, places: Sequence[int]) -> None:
        """The commands of one segment, as `reconciler.bulk.scan.scan` gives them.

        Args:
            path: of their file.
            before: lines before the segment in its file.
            data: the commands, a line each.
            places: for each of them, its line in the segment, from 0.
        """
        self.fed = True
        file, identity, command = self._files[path], self._digester.identity, self._digester.command
        if self._identities:
            self._add_named(file, before, data, places)
            return
        for line, number in zip(data.split(b"\n"), places, strict=False):
            self._rows.add(ROW.pack(identity(line), file, before + number + 1, command(line)))

    def _add_named(self, file: int, before: int, data: bytes, places: Sequence[int]) -> None:
        identity, command = self._digester.identity, self._digester.command
        for line, number in zip(data.split(b"\n"), places, strict=False):
            record = ROW.pack(identity(line), file, before + number + 1, command(line))
            self._rows.add(record + (DELETES if _deletes(line) else UPSERTS) + named(line))

    def unsent(self, who: bytes | None) -> None:
        """One rejected row, and whom it is about, where that can be read: an identity that it names is not gone."""
        if who is None:
            self.unreadable += 1
        else:
            self._unsent.add(self._digester.identity(who))

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


def _deletes(line: bytes) -> bool:
    return _operation(line).operation == "DELETE"
