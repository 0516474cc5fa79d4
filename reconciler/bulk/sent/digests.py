"""Keyed digests of a row: one of whom it is about, one of the command. Without the key they say nothing about anybody."""

import hashlib
import struct
from collections.abc import Iterator, Sequence

from reconciler.bulk.records.identity import spelled
from reconciler.bulk.scan.external_sort import SortedRecords

SIZE = 16  # bytes of a digest
UNKNOWN = bytes(SIZE)  # in place of a command's digest: it is not known that the platform took it
ROW = struct.Struct(f">{SIZE}s{SIZE}sIQ")  # identity, command, index of the file, line
PLACE = struct.Struct(">IQ")
AT_ONCE = 400_000  # rows held in memory


def key_of_text(text: str) -> bytes:
    """The key of digests that a text stands for."""
    return hashlib.sha256(b"reconciler sent index " + text.encode()).digest()


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
    """Digests and places of all rows of a source, sorted by identity; memory is bounded."""

    def __init__(self, digester: Digester, names: Sequence[str], at_once: int = AT_ONCE) -> None:
        self._digester, self._files = digester, {name: i for i, name in enumerate(names)}
        self._rows = SortedRecords(ROW.size, at_once)

    def add(self, path: str, before: int, data: bytes, places: Sequence[int]) -> None:
        """The commands of one segment, as `reconciler.bulk.scan.scan` gives them.

        Args:
            path: of their file.
            before: lines before the segment in its file.
            data: the commands, a line each.
            places: for each of them, its line in the segment, from 0.
        """
        file, identity, command = self._files[path], self._digester.identity, self._digester.command
        for line, number in zip(data.split(b"\n"), places, strict=False):
            self._rows.add(ROW.pack(identity(line), command(line), file, before + number + 1))

    def identity(self, line: bytes) -> bytes:
        """Of whom a command is about."""
        return self._digester.identity(line)

    def __iter__(self) -> Iterator[bytes]:
        """All of them, as `ROW`s."""
        return iter(self._rows)

    def close(self) -> None:
        """Forget all."""
        self._rows.close()
