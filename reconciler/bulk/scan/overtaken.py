"""Rows that are sent though a later row about the same identity is rejected: what `duplicates: keep_last` does not promise.

As in `duplicates`, keyed digests of identities are kept with their places, sorted, in bounded memory. Rejected rows whose
identity cannot be read, and import commands, name nobody here.
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.bulk.records.identity import spelled
from reconciler.bulk.scan.batch import Rejected
from reconciler.bulk.scan.duplicates import AT_ONCE
from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.gathering import in_order, moved
from reconciler.model.load import Repeated
from reconciler.model.source import SourceDefinition

_EXAMPLES = 5
_DIGEST = 12
_RECORD = struct.Struct(f">{_DIGEST}sIQB")  # the last: 1 of a row that is rejected


@dataclass(frozen=True, slots=True)
class Whom:
    """Takes the digests of identities, of the lines to send and of rejected rows."""

    key: bytes

    def __call__(self, data: bytes, places: Sequence[int], rejects: Sequence[Rejected] = ()) -> bytes:
        """A run of digests with their places."""

        def digest(line: bytes) -> bytes:
            return hashlib.blake2b(spelled(line), digest_size=_DIGEST, key=self.key).digest()

        lines = zip(data.split(b"\n"), places, strict=False)
        sent = [_RECORD.pack(digest(line), 0, number + 1, 0) for line, number in lines]
        return in_order(
            sent + [_RECORD.pack(digest(r.who), 0, r.line + 1, 1) for r in rejects if r.who is not None]
        )


class Overtaken:
    """Gathers them over a source; memory is bounded by `at_once` lines."""

    def __init__(self, names: Sequence[str], at_once: int = AT_ONCE) -> None:
        self.take = Whom(os.urandom(16))
        self._names = names
        self._seen = SortedRecords(_RECORD.size, at_once)

    def add(self, taken: bytes, file: int, before: int) -> None:
        """What was taken of one segment, with its file (by index) and the lines of that before the segment."""
        self._seen.add(moved(taken, _RECORD.pack(bytes(_DIGEST), file, before, 0)))

    def result(self) -> Repeated | None:
        """How many identities have a rejected row after the one that is sent, and how many such rows; None if none has."""
        whom, sent, identities, rows = b"", (-1, -1), 0, 0
        examples: list[str] = []
        counted = False
        for record in self._seen:
            digest, file, line, rejected = _RECORD.unpack(record)
            if digest != whom:
                whom, sent, counted = digest, (-1, -1), False
            if not rejected:
                sent = file, line
            elif sent >= (0, 0):
                rows += 1
                identities += not counted
                if not counted and len(examples) < _EXAMPLES:
                    examples.append(
                        f"{self._names[sent[0]]}:{sent[1]} is sent; {self._names[file]}:{line} is rejected"
                    )
                counted = True
        self._seen.close()
        return Repeated(identities, rows, tuple(sorted(examples))) if identities else None


def overtaken(source: SourceDefinition, names: Sequence[str]) -> Overtaken | None:
    """Where such rows may be sent: of a source that keeps the last row of each identity, however many it allows to be rejected."""
    return Overtaken(names) if source.duplicates == "keep_last" else None
