"""Counts the rows of a source that are not as its spec expects, while it is read. Values stay here.

For `unique` a keyed digest of each value is kept with its place: so many in memory, the rest sorted on disk (in a file without a
name), so memory does not grow with the source. The key is made for one pass and forgotten.
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from reconciler.bulk.records.expectations import holds, value_of
from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.model.load import Broken
from reconciler.model.source import Expectation, SourceDefinition

SHOWN = 3
AT_ONCE = 400_000
_DIGEST = 12
_RECORD = struct.Struct(f">{_DIGEST}sIQ")
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class _Counted:
    """One expectation about a field."""

    def __init__(self, expectation: Expectation, at_once: int) -> None:
        self.check, self.field = expectation.check, expectation.field or ""
        self.holds = holds(expectation)
        self.count = self.seen = 0
        self.first: list[tuple[int, int]] = []
        self.values = SortedRecords(_RECORD.size, at_once) if self.check == "unique" else None

    def broken(self, place: tuple[int, int]) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(place)


class Expecting:
    """Is told of the lines to send, in order; DELETE commands have no fields and are not looked at."""

    def __init__(self, source: SourceDefinition, names: Sequence[str], at_once: int = AT_ONCE) -> None:
        self._names, self._key = names, os.urandom(16)
        self._all = source.expect
        self._counted = [_Counted(e, at_once) if e.field else None for e in source.expect]
        self._fields = [c for c in self._counted if c is not None]

    def add(self, data: bytes, places: Sequence[int], file: int, before: int) -> None:
        """Lines to send.

        Args:
            data: commands, each ended by a newline.
            places: for each, the line of its record in the segment (0 is the first).
            file: index of the file.
            before: lines of the file before the segment.
        """
        if not self._fields:
            return
        for line, number in zip(data.split(b"\n"), places, strict=False):
            command = _decode(line)
            if command.get("operation") == "UPSERT":
                profile = command.get("user_profile")
                for counted in self._fields:
                    value = value_of(command, profile if isinstance(profile, dict) else {}, counted.field)
                    self._look(counted, value, (file, before + number + 1))

    def _look(self, counted: _Counted, value: Any, place: tuple[int, int]) -> None:
        if value is None:
            if counted.check == "not_null":
                counted.broken(place)
            return
        counted.seen += 1
        if counted.values is not None:
            digest = hashlib.blake2b(_encode(value), digest_size=_DIGEST, key=self._key).digest()
            counted.values.add(_RECORD.pack(digest, *place))
        elif not counted.holds(value):
            counted.broken(place)

    def result(self) -> tuple[Broken, ...]:
        """One for each expectation of the source, in its order."""
        return tuple(Broken(0, 0, ()) if c is None else self._result(c) for c in self._counted)

    def _result(self, counted: _Counted) -> Broken:
        if counted.values is not None:
            before = b""
            for record in counted.values:
                if record[:_DIGEST] == before[:_DIGEST]:
                    counted.count += 1
                    counted.first = sorted([*counted.first, _RECORD.unpack(record)[1:]])[:SHOWN]
                before = record
            counted.values.close()
        places = tuple(f"{self._names[file]}:{line}" for file, line in counted.first)
        return Broken(counted.count, counted.seen, places)
