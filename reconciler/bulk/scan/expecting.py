"""Counts the rows of a source that are not as its spec expects, while it is read. Values stay where they are read.

For `unique` a keyed digest of each value is kept with its place: so many in memory, the rest sorted on disk (in a file without a
name), so memory does not grow with the source. The key is made for one pass and forgotten.
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reconciler.bulk.records.expectations import holds, sent_as, value_of
from reconciler.bulk.records.present_names import PresentNames, together
from reconciler.bulk.scan.batch import Rejected
from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.gathering import in_order, moved
from reconciler.model.load import Broken
from reconciler.model.source import Expectation, SourceDefinition

SHOWN = 3
AT_ONCE = 400_000
_DIGEST = 12
_RECORD = struct.Struct(f">{_DIGEST}sIQ")
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class Part(msgspec.Struct):
    """What one segment says of one expectation about a field.

    Attributes:
        count: rows that break it.
        seen: values.
        first: the first lines that break it (0 is the first of the segment).
        present: names that rows have, where none of those looked at has a value in the field.
        values: a run of digests of values, with their places, where each may be there once.
    """

    count: int = 0
    seen: int = 0
    first: list[int] = []
    values: bytes = b""
    present: tuple[str, ...] = ()


class _Looking:
    """Looks at the values of one segment."""

    def __init__(self, expectation: Expectation, key: bytes) -> None:
        self.check, self.field = expectation.check, expectation.field or ""
        self._holds, self._key = holds(expectation), key
        self._values = list[bytes]()
        self.part = Part()

    def look(self, value: Any, line: int) -> None:
        part = self.part
        if value is None:
            if self.check == "not_null":
                self._broken(line)
            return
        part.seen += 1
        if self.check == "unique":
            digest = hashlib.blake2b(_encode(value), digest_size=_DIGEST, key=self._key).digest()
            self._values.append(_RECORD.pack(digest, 0, line + 1))
        elif not self._holds(value):
            self._broken(line)

    def _broken(self, line: int) -> None:
        self.part.count += 1
        if len(self.part.first) < SHOWN:
            self.part.first.append(line)

    def result(self) -> Part:
        self.part.values = in_order(self._values)
        return self.part


@dataclass(frozen=True, slots=True)
class Expected:
    """Takes what the rows of a segment say; DELETE commands have no fields and are not looked at."""

    expectations: tuple[Expectation, ...]
    key: bytes

    def __call__(self, data: bytes, places: Sequence[int], _rejects: Sequence[Rejected] = ()) -> list[Part]:
        """One for each of the expectations."""
        looking, names = [_Looking(e, self.key) for e in self.expectations], PresentNames()
        for line, number in zip(data.split(b"\n"), places, strict=False):
            command = _decode(line)
            if command.get("operation") == "UPSERT":
                found = command.get("user_profile")
                profile = found if isinstance(found, dict) else {}
                for one in looking:
                    one.look(value_of(command, profile, one.field), number)
                if names.wanted and any(not one.part.seen for one in looking):
                    names.look({k: v for k, v in command.items() if k != "user_profile"} | profile)
        for one in looking:
            one.part.present = () if one.part.seen else tuple(names.names)
        return [one.result() for one in looking]


class _Counted:
    """One expectation about a field, in all segments so far."""

    def __init__(self, expectation: Expectation, at_once: int) -> None:
        self.field, self.count, self.seen = expectation.field or "", 0, 0
        self.present: tuple[str, ...] = ()
        self.first: list[tuple[int, int]] = []
        self.values = SortedRecords(_RECORD.size, at_once) if expectation.check == "unique" else None

    def add(self, part: Part, file: int, before: int) -> None:
        self.count += part.count
        self.seen += part.seen
        self.present = () if self.seen else together(self.present, part.present)
        self.first += [(file, before + n + 1) for n in part.first[: SHOWN - len(self.first)]]
        if self.values is not None:
            self.values.add(moved(part.values, _RECORD.pack(bytes(_DIGEST), file, before)))


class Expecting:
    """Gathers what segments say, in order; memory is bounded by `at_once` values."""

    def __init__(self, source: SourceDefinition, names: Sequence[str], at_once: int = AT_ONCE) -> None:
        self._names, self._source = names, source
        about_fields = tuple(e for e in source.expect if e.field)
        self.take = Expected(about_fields, os.urandom(16))
        self._counted = [_Counted(e, at_once) if e.field else None for e in source.expect]
        self._fields = [c for c in self._counted if c is not None]

    def add(self, taken: Sequence[Part], file: int, before: int) -> None:
        """What was taken of one segment, with its file (by index) and the lines of that before the segment."""
        for counted, part in zip(self._fields, taken, strict=True):
            counted.add(part, file, before)

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
        near = None if counted.seen else sent_as(counted.field, counted.present, self._source)
        return Broken(counted.count, counted.seen, places, near)
