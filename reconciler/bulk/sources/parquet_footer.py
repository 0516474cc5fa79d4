"""The footer of a Parquet file in which maps are lists of their entries. Pure.

The library that reads Parquet makes a map of a column of maps, and of two entries with one key keeps the last. A list of entries is
read whole. Both are stored in one way; which of them a column is, is said by one or two bytes of the footer, that are changed here.
The footer is Thrift's compact protocol; nothing but lengths is decoded of what is not looked at.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TRUE, _FALSE, _STRUCT = 1, 2, 12  # types of Thrift; the others are in `_skip`
_SCHEMA, _METADATA = 2, 5  # fields of the footer
_REPETITION, _CONVERTED, _LOGICAL = 3, 6, 10  # fields of a column in the schema
_REPEATED = b"\x04"
_CONVERTED_MAP, _CONVERTED_ENTRIES, _CONVERTED_LIST = b"\x02", b"\x04", 6
_LOGICAL_MAP, _LOGICAL_LIST = b"\x2c", 0x3C
_OWN_SCHEMA = re.compile(b"ARROW:schema")


class Damaged(ValueError):
    """It is no footer."""


class _Field(NamedTuple):
    """A field of a struct: number, type, and where its value begins and ends."""

    number: int
    kind: int
    begin: int
    end: int


def with_lists(footer: bytes) -> bytes:
    """The footer with every map turned into a list of its entries.

    Raises:
        Damaged: it cannot be read.
    """
    made = bytearray(footer)
    try:
        for field in _fields(footer, 0):
            if field.number == _SCHEMA:
                _turn(footer, made, field)
            elif field.number == _METADATA:  # says the same in another way, and would win
                for found in _OWN_SCHEMA.finditer(footer, field.begin, field.end):
                    made[found.start()] = ord("-")
    except (IndexError, RecursionError):
        raise Damaged from None
    return bytes(made)


def _turn(footer: bytes, made: bytearray, schema: _Field) -> None:
    for begin in _structs(footer, schema.begin):
        fields = {f.number: footer[f.begin : f.end] for f in _fields(footer, begin)}
        places = {f.number: f.begin for f in _fields(footer, begin)}
        converted = fields.get(_CONVERTED, b"")
        # Some old writers mark the column with what is meant for its entries, which are repeated.
        old = converted == _CONVERTED_ENTRIES and fields.get(_REPETITION) != _REPEATED
        if converted == _CONVERTED_MAP or old:
            made[places[_CONVERTED]] = _CONVERTED_LIST
        if fields.get(_LOGICAL, b"").startswith(_LOGICAL_MAP):
            made[places[_LOGICAL]] = _LOGICAL_LIST


def _structs(footer: bytes, at: int) -> Iterator[int]:
    """Where each struct of a list begins."""
    size, _, at = _list(footer, at)
    for _ in range(size):
        yield at
        at = _skip(footer, _STRUCT, at)


def _fields(footer: bytes, at: int) -> Iterator[_Field]:
    number = 0
    while head := footer[at]:
        at += 1
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            zigzag, at = _varint(footer, at)
            number = (zigzag >> 1) ^ -(zigzag & 1)
        end = at if kind in (_TRUE, _FALSE) else _skip(footer, kind, at)
        yield _Field(number, kind, at, end)
        at = end


def _varint(footer: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = footer[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _list(footer: bytes, at: int) -> tuple[int, int, int]:
    size, kind, at = footer[at] >> 4, footer[at] & 15, at + 1
    if size == 15:
        size, at = _varint(footer, at)
    return size, kind, at


def _skip(footer: bytes, kind: int, at: int) -> int:
    """Where a value ends."""
    match kind:
        case 1 | 2 | 3:
            return at + 1
        case 4 | 5 | 6:
            return _varint(footer, at)[1]
        case 7:
            return at + 8
        case 8:
            size, at = _varint(footer, at)
            return at + size
        case 9 | 10:
            size, inner, at = _list(footer, at)
            for _ in range(size):
                at = _skip(footer, inner, at)
                if at > len(footer):
                    raise Damaged
            return at
        case 12:
            for field in _fields(footer, at):
                at = field.end
            return at + 1
        case _:
            raise Damaged
