"""The commands of a source, looked at while it is read for people: the first of them, and what their properties hold.

Every command is counted. Memory is bounded: so many names of properties are kept, and for each of them counts.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from reconciler.model.shown_rows import Property, Shown, ShownRow

MAX_PROPERTIES = 500
_TYPES = {
    b'"': "text", b"{": "object", b"[": "list", b"t": "boolean", b"f": "boolean", b"n": "null",
}  # fmt: skip
_FRACTION = (b".", b"e", b"E")


class _Command(msgspec.Struct):
    operation: str
    user_profile: dict[str, msgspec.Raw] = {}


_decode = msgspec.json.Decoder(_Command).decode
_text = msgspec.json.Decoder(str).decode


def kind_of(raw: bytes) -> str:
    """The type of a JSON value, by how it is written."""
    found = _TYPES.get(raw[:1])
    return found or ("number" if any(mark in raw for mark in _FRACTION) else "integer")


def length_of(raw: bytes) -> int:
    """Characters of a JSON text."""
    if b"\\" in raw:
        return len(_text(raw))
    return len(raw) - 2 if raw.isascii() else len(raw.decode()) - 2


class _Counts:
    __slots__ = ("empty", "longest", "nulls", "present", "shortest", "types")

    def __init__(self) -> None:
        self.present = self.nulls = self.empty = 0
        self.types = Counter[str]()
        self.shortest: int | None = None
        self.longest: int | None = None

    def add(self, raw: bytes) -> None:
        self.present += 1
        kind = kind_of(raw)
        if kind == "null":
            self.nulls += 1
            return
        self.types[kind] += 1
        if kind == "text":
            length = length_of(raw)
            self.empty += not length
            if self.shortest is None or length < self.shortest:
                self.shortest = length
            if self.longest is None or length > self.longest:
                self.longest = length


class Looking:
    """Gathers; `add` is called with what is sent, in order.

    Args:
        rows: how many to keep.
    """

    def __init__(self, rows: int) -> None:
        self._wanted = rows
        self._rows: list[ShownRow] = []
        self._counts: dict[str, _Counts] = {}
        self._upserts = self._uncounted = 0

    def add(self, path: str, before: int, data: bytes, places: Sequence[int]) -> None:
        """Commands of one segment.

        Args:
            path: its file.
            before: lines of the file before the segment.
            data: commands, a line each.
            places: for each, the line of its row in the segment (0 is the first).
        """
        for line, place in zip(data.split(b"\n"), places, strict=False):
            if len(self._rows) < self._wanted:
                self._rows.append(ShownRow(path, before + place + 1, line))
            command = _decode(line)
            if command.operation == "UPSERT":
                self._upserts += 1
                self._count(command.user_profile)

    def _count(self, profile: dict[str, msgspec.Raw]) -> None:
        counts = self._counts
        for name, value in profile.items():
            found = counts.get(name)
            if found is None:
                if len(counts) >= MAX_PROPERTIES:
                    self._uncounted += 1
                    continue
                found = counts[name] = _Counts()
            found.add(bytes(value).strip())

    def result(self) -> Shown:
        """All of it."""
        properties = tuple(
            Property(name, c.present, c.nulls, c.empty, dict(c.types), c.shortest, c.longest)
            for name, c in self._counts.items()
        )
        return Shown(tuple(self._rows), self._upserts, properties, self._uncounted)
