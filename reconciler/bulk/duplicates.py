"""Finds identities that more than one line of a source names, in bounded memory.

The platform promises no order between executions, nor between the lines of one (contract 12, 6): of two commands for one
identity, chance decides which is the last. Of each line a keyed hash of its identity is kept, with its place; so many at
a time are sorted and written to a temporary file without a name, and in the end all are merged. The key is made for one
pass and forgotten, so what is on disk for a while says nothing about anybody.
"""

import hashlib
import heapq
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Protocol

import msgspec

from reconciler.model.load import Repeated

AT_ONCE = 400_000
_EXAMPLES = 5
_BLOCK = 1024
_DIGEST = 12
_RECORD = struct.Struct(f">{_DIGEST}sIQ")


class _Identity(msgspec.Struct, frozen=True):
    compartment_id: str | int | None = None
    user_account_id: str | None = None
    email_hash: str | None = None
    user_agent_id: str | None = None


class Watch(Protocol):
    """What a pass over a source tells of each accepted line."""

    def add(self, line: bytes, file: int, number: int) -> None:
        """One line to send, and the file (by index) and line it is from."""

    def found(self, names: Sequence[str]) -> Repeated | None:
        """What was found, with the names of the files."""


class Blind:
    """For sources that do not ask."""

    def add(self, line: bytes, file: int, number: int) -> None:
        """Nothing."""

    def found(self, names: Sequence[str]) -> Repeated | None:
        """Nothing."""
        return None


class Duplicates:
    """For sources that ask; memory is bounded by `at_once` lines."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._key = os.urandom(16)
        self._limit = at_once * _RECORD.size
        self._held = bytearray()
        self._spilled: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []
        self._decode = msgspec.json.Decoder(_Identity).decode

    def add(self, line: bytes, file: int, number: int) -> None:
        """One line to send."""
        who = self._decode(line)
        parts = ("" if x is None else f"{len(str(x))} {x}" for x in msgspec.structs.astuple(who))
        name = ",".join(parts)  # with lengths, so that no two identities are written alike
        digest = hashlib.blake2b(name.encode(), digest_size=_DIGEST, key=self._key).digest()
        self._held += _RECORD.pack(digest, file, number)
        if len(self._held) >= self._limit:
            self._spill()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the pass
        begins = self._spilled.tell()
        self._spilled.write(b"".join(self._sorted()))
        self._spilled.flush()
        self._runs.append((begins, self._spilled.tell()))
        self._held.clear()

    def _sorted(self) -> list[bytes]:
        size = _RECORD.size
        return sorted(bytes(self._held[at : at + size]) for at in range(0, len(self._held), size))

    def _run(self, begins: int, ends: int) -> Iterator[bytes]:
        """The records of one sorted run, read a block at a time."""
        if self._spilled is None:
            return
        size = _RECORD.size
        for at in range(begins, ends, size * _BLOCK):
            block = os.pread(self._spilled.fileno(), min(size * _BLOCK, ends - at), at)
            yield from (block[i : i + size] for i in range(0, len(block), size))

    def found(self, names: Sequence[str]) -> Repeated | None:
        """How many commands come after the first one for their identity; None if there is none."""
        merged = heapq.merge(self._sorted(), *(self._run(*run) for run in self._runs))
        identities = commands = 0
        examples: list[tuple[int, int, int, int]] = []
        first, again = b"", False
        for record in merged:
            if record[:_DIGEST] != first[:_DIGEST]:
                first, again = record, False
                continue
            commands += 1
            if not again:
                identities, again = identities + 1, True
                (_, file, line), (_, other, later) = _RECORD.unpack(first), _RECORD.unpack(record)
                examples.append((other, later, file, line))
                if len(examples) > 100 * _EXAMPLES:
                    examples = heapq.nsmallest(_EXAMPLES, examples)
        if self._spilled is not None:
            self._spilled.close()
        shown = [
            f"{names[other]}:{later} after {names[file]}:{line}"
            for other, later, file, line in heapq.nsmallest(_EXAMPLES, examples)
        ]
        return Repeated(identities, commands, tuple(shown)) if commands else None
