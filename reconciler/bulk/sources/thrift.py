"""Thrift's compact protocol, of which the footer of a Parquet file is made. Pure.

`fields` says where each value stands, to change some and to keep the bytes of all others; `struct` decodes all values in one pass.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

TRUE, FALSE, TEXT, STRUCT = 1, 2, 8, 12  # types; the others are in `skip`


class Damaged(ValueError):
    """It is not of this protocol."""


class Field(NamedTuple):
    """A field of a struct: number, type, and where its value begins and ends."""

    number: int
    kind: int
    begin: int
    end: int


def fields(data: bytes, at: int) -> Iterator[Field]:
    """The fields of a struct.

    Raises:
        Damaged: one is of a type that the protocol has not.
        IndexError: the bytes end before it does.
    """
    number = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            begin = at
            _, at = varint(data, begin)
            number = integer(data[begin:at])
        end = at if kind in (TRUE, FALSE) else skip(data, kind, at)
        yield Field(number, kind, at, end)
        at = end


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number without a sign, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """How many values a list has, of which type, and where the first begins."""
    size, kind, at = data[at] >> 4, data[at] & 15, at + 1
    if size == 15:
        size, at = varint(data, at)
    return size, kind, at


def skip(data: bytes, kind: int, at: int) -> int:
    """Where a value ends.

    Raises:
        Damaged: it is of a type that the protocol has not.
        IndexError: the bytes end before it does.
    """
    match kind:
        case 1 | 2 | 3:
            return at + 1
        case 4 | 5 | 6:
            return varint(data, at)[1]
        case 7:
            return at + 8
        case 8:
            size, at = varint(data, at)
            return at + size
        case 9 | 10:
            size, inner, at = list_head(data, at)
            for _ in range(size):
                at = skip(data, inner, at)
                if at > len(data):
                    raise Damaged
            return at
        case 12:
            for field in fields(data, at):
                at = field.end
            return at + 1
        case _:
            raise Damaged


def structs(data: bytes, at: int) -> Iterator[int]:
    """Where each struct of a list begins.

    Raises:
        Damaged: as in `skip`.
        IndexError: as in `skip`.
    """
    size, _, at = list_head(data, at)
    for _ in range(size):
        yield at
        at = skip(data, STRUCT, at)


def struct(data: bytes, at: int) -> tuple[dict[int, Any], int]:
    """The values of a struct by the numbers of its fields, and where it ends: structs as these, text as bytes, floats as their bytes.

    Raises:
        Damaged: as in `skip`.
        IndexError: as in `skip`.
    """
    found, number = dict[int, Any](), 0
    while head := data[at]:
        kind, at = head & 15, at + 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _signed(data, at)
        if kind in (TRUE, FALSE):
            found[number] = kind == TRUE
        else:
            found[number], at = _value(data, kind, at)
    return found, at + 1


def _value(data: bytes, kind: int, at: int) -> tuple[Any, int]:
    if kind in (4, 5, 6):
        return _signed(data, at)
    if kind == STRUCT:
        return struct(data, at)
    if kind == TEXT:
        size, at = varint(data, at)
        return data[at : at + size], at + size
    if kind in (9, 10):
        size, inner, at = list_head(data, at)
        found = []
        for _ in range(size):
            value, at = _value(data, inner, at)
            found.append(value)
        return found, at
    end = skip(data, kind, at)
    return (data[at] if kind == 3 else data[at:end]), end


def _signed(data: bytes, at: int) -> tuple[int, int]:
    zigzag, end = varint(data, at)
    return (zigzag >> 1) ^ -(zigzag & 1), end


def integer(data: bytes) -> int:
    """A number with a sign, from all of its bytes."""
    return _signed(data, 0)[0]
