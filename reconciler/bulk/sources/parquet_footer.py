"""The footer of a Parquet file, changed so that the library that reads it gives every value as it is stored. Pure.

What the library would lose, or cannot read, is told to it as something that it reads whole:

    a map          as a list of its entries: of two entries with one key, the library keeps the last
    a time         as an instant of 1970, or as an integer of milliseconds: it makes 24:00 and more to NULL
    an interval    as its twelve bytes: it ends in a panic
    an instant     of the old type of 96 bits as its bytes: it makes those before 1677 and after 2262 to an instant of 2262
    a decimal      of more than 38 digits as its bytes: the whole file is refused
    a number       of 8 or 16 bits that may not be in its range, as one of 32 bits, as which it is stored: it wraps it

What a column really is, is told beside it (`kinds`). The footer is Thrift's compact protocol; nothing but lengths is decoded of what is not
looked at.
"""

import re
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from reconciler.bulk.sources import thrift

_SCHEMA, _GROUPS, _METADATA = 2, 4, 5  # fields of the footer
_COLUMNS, _COLUMN, _STORED = 1, 3, 1  # a group's columns, what is known of one, the type in that
_TYPE, _LENGTH, _REPETITION = 1, 2, 3  # fields of a column in the schema
_CONVERTED, _SCALE, _PRECISION, _LOGICAL = 6, 7, 8, 10
_INT32, _INT96, _FIXED, _REPEATED = b"\x02", b"\x06", b"\x0e", b"\x04"
_I32, _TWELVE = 5, b"\x18"  # the type of a length, and that of 96 bits
_CONVERTED_MAP, _CONVERTED_ENTRIES, _CONVERTED_LIST = b"\x02", b"\x04", b"\x06"
_CONVERTED_TIMES = {b"\x0e": b"\x12", b"\x10": b"\x14"}  # and the instants of the same unit
_CONVERTED_DECIMAL, _CONVERTED_JSON, _CONVERTED_INTERVAL = b"\x0a", b"\x26", b"\x2a"
_LOGICAL_MAP, _LOGICAL_LIST, _LOGICAL_TIME, _LOGICAL_INSTANT = b"\x2c", b"\x3c", b"\x7c", b"\x8c"
_LOGICAL_DECIMAL, _LOGICAL_JSON, _LOGICAL_UUID = b"\x5c", b"\xcc", b"\xec"
_DIGITS = 38  # of a decimal that the library has
_OWN_SCHEMA = re.compile(b"ARROW:schema")


class Kind(NamedTuple):
    """What the library does not tell of a column.

    Attributes:
        name: time, json, uuid, interval, int96 or decimal.
        scale: digits behind the point of a decimal.
    """

    name: str
    scale: int = 0


TIME, JSON, UUID, INTERVAL, INT96 = map(Kind, ("time", "json", "uuid", "interval", "int96"))


class Footer(NamedTuple):
    """A footer to read a file by.

    Attributes:
        data: its bytes; as they were, where nothing had to be changed.
        kinds: of each column without columns in it, in the order of the file; None for those that the library tells.
    """

    data: bytes
    kinds: tuple[Kind | None, ...]


class _Value(NamedTuple):
    """The type of a field, and its bytes."""

    kind: int
    data: bytes


_Element = dict[int, _Value]


def readable(footer: bytes, *, lists: bool = True, narrow: AbstractSet[int] = frozenset()) -> Footer:
    """The footer with what the library cannot read whole turned into what it can.

    Args:
        footer: its bytes.
        lists: maps are turned into lists, and instants of 96 bits into bytes; they keep their types otherwise, which tell more of them.
        narrow: which columns without columns in them, counted in the order of the file, are of numbers that are read as they are stored.

    Raises:
        thrift.Damaged: it cannot be read.
    """
    made, at, kinds = bytearray(), 0, list[Kind | None]()
    try:
        for field in thrift.fields(footer, 0):
            if field.number == _SCHEMA:
                elements, kinds = _changed(footer, field, lists=lists, narrow=narrow)
                made += footer[at : field.begin] + elements
                at = field.end
                if not lists:  # what follows may be long
                    break
            elif field.number == _GROUPS and INT96 in kinds:
                made += footer[at : field.begin] + _without_int96(footer, field)
                at = field.end
            elif field.number == _METADATA:  # says the same in another way, and would win
                made += footer[at : field.begin]
                made += _OWN_SCHEMA.sub(b"-RROW:schema", footer[field.begin : field.end])
                at = field.end
    except (IndexError, RecursionError):
        raise thrift.Damaged from None
    made += footer[at:]
    return Footer(bytes(made), tuple(kinds))


def _changed(
    footer: bytes, schema: thrift.Field, *, lists: bool, narrow: AbstractSet[int]
) -> tuple[bytes, list[Kind | None]]:
    size, _, first = thrift.list_head(footer, schema.begin)
    made, at, kinds = bytearray(footer[schema.begin : first]), first, list[Kind | None]()
    for _ in range(size):
        fields = list(thrift.fields(footer, at))
        element = {f.number: _Value(f.kind, footer[f.begin : f.end]) for f in fields}
        end = fields[-1].end + 1 if fields else at + 1
        changed, kind = _leaf(element) if _TYPE in element else (_group(element), None)
        if _TYPE in element and len(kinds) in narrow:
            changed = {n: v for n, v in element.items() if n not in (_CONVERTED, _LOGICAL)}
        if not lists and (kind == INT96 or kind is None):
            changed = element
        if _TYPE in element:
            kinds.append(kind)
        made += footer[at:end] if changed == element else _written(changed)
        at = end
    return bytes(made), kinds


def _group(element: _Element) -> _Element:
    """A column of columns: a map becomes a list."""
    converted, logical = _data(element, _CONVERTED), _data(element, _LOGICAL)
    # Some old writers mark the column with what is meant for its entries, which are repeated.
    old = converted == _CONVERTED_ENTRIES and _data(element, _REPETITION) != _REPEATED
    changed = dict(element)
    if converted == _CONVERTED_MAP or old:
        changed[_CONVERTED] = _Value(element[_CONVERTED].kind, _CONVERTED_LIST)
    if logical.startswith(_LOGICAL_MAP):
        changed[_LOGICAL] = _Value(thrift.STRUCT, _LOGICAL_LIST + logical[1:])
    return changed


def _leaf(element: _Element) -> tuple[_Element, Kind | None]:
    """A column of values."""
    converted, logical = _data(element, _CONVERTED), _data(element, _LOGICAL)
    if converted in _CONVERTED_TIMES or logical.startswith(_LOGICAL_TIME):
        return _without_time(element, logical), TIME
    if _data(element, _TYPE) == _INT96:
        stored = {_TYPE: _Value(_I32, _FIXED), _LENGTH: _Value(_I32, _TWELVE)}
        return {n: v for n, v in element.items() if n not in (_CONVERTED, _LOGICAL)} | stored, INT96
    if converted == _CONVERTED_INTERVAL:
        return {n: v for n, v in element.items() if n != _CONVERTED}, INTERVAL
    if converted == _CONVERTED_DECIMAL or logical.startswith(_LOGICAL_DECIMAL):
        scale, precision = _decimal(element, logical)
        if precision > _DIGITS:
            kept = {n: v for n, v in element.items() if n not in (_CONVERTED, _SCALE, _PRECISION, _LOGICAL)}
            return kept, Kind("decimal", scale)
    if converted == _CONVERTED_JSON or logical.startswith(_LOGICAL_JSON):
        return element, JSON
    return element, UUID if logical.startswith(_LOGICAL_UUID) else None


def _without_int96(footer: bytes, groups: thrift.Field) -> bytes:
    """The groups of rows, where columns of 96 bits are of twelve bytes."""
    made = bytearray(footer[groups.begin : groups.end])
    for group in thrift.structs(footer, groups.begin):
        for columns in (f for f in thrift.fields(footer, group) if f.number == _COLUMNS):
            for column in thrift.structs(footer, columns.begin):
                for known in (f for f in thrift.fields(footer, column) if f.number == _COLUMN):
                    for stored in thrift.fields(footer, known.begin):
                        if stored.number == _STORED and footer[stored.begin : stored.end] == _INT96:
                            made[stored.begin - groups.begin : stored.end - groups.begin] = _FIXED
    return bytes(made)


def _without_time(element: _Element, logical: bytes) -> _Element:
    plain = {n: v for n, v in element.items() if n not in (_CONVERTED, _LOGICAL)}
    if _data(element, _TYPE) == _INT32:
        return plain
    if logical:  # both have the same fields
        return plain | {_LOGICAL: _Value(thrift.STRUCT, _LOGICAL_INSTANT + logical[1:])}
    return plain | {_CONVERTED: _Value(element[_CONVERTED].kind, _CONVERTED_TIMES[element[_CONVERTED].data])}


def _decimal(element: _Element, logical: bytes) -> tuple[int, int]:
    """Digits behind the point, and all digits."""
    found = {n: element[n].data for n in (_SCALE, _PRECISION) if n in element}
    if _PRECISION not in found:
        inner = {f.number: logical[f.begin : f.end] for f in thrift.fields(logical, 1)}
        found = {_SCALE: inner.get(1, b"\0"), _PRECISION: inner.get(2, b"\0")}
    return thrift.integer(found.get(_SCALE, b"\0")), thrift.integer(found[_PRECISION])


def _data(element: _Element, number: int) -> bytes:
    return element[number].data if number in element else b""


def _written(element: _Element) -> bytes:
    made, before = bytearray(), 0
    for number, value in sorted(element.items()):
        if number - before > 15:  # no column has so many fields
            raise thrift.Damaged
        made.append(number - before << 4 | value.kind)
        made += value.data
        before = number
    return bytes(made) + b"\0"
