"""What the footer of a Parquet file says of its chunks: of each group of rows, the values of each column without columns in it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.bulk.sources import thrift

_SCHEMA, _ROWS, _GROUPS = 2, 3, 4  # fields of the footer
_TYPE, _REPETITION, _CHILDREN, _CONVERTED, _LOGICAL = 1, 3, 5, 6, 10  # fields of a column in the schema
_COLUMNS, _ROWS_OF_GROUP, _COLUMN = 1, 3, 3  # a group's columns and rows, what is known of a chunk
_VALUES, _STATISTICS = 5, 12  # in that
_NULLS, _LIMITS = 3, ((1, 2), (5, 6))  # fields of statistics: those of old writers have no order of their own
_INT32, _REPEATED = 1, 2
_CONVERTED_NARROW = {15: (8, True), 16: (16, True), 11: (8, False), 12: (16, False)}  # bits, and if signed
_INTEGER, _BITS, _SIGNED = 10, 1, 2  # a logical type, and its fields
_STORED_BITS = 32


class Chunks(NamedTuple):
    """What a footer says of rows and ranges.

    Attributes:
        rows: how many the file has, by itself.
        of_groups: how many all of its groups have together.
        agree: each column has as many values in each group as that has rows, NULLs included; one that may have several in a row, no fewer.
        narrow: columns without columns in them, by their places, that are of numbers of 8 or 16 bits and may hold others: all are stored
            in 32, and the footer does not say that they fit.
    """

    rows: int
    of_groups: int
    agree: bool
    narrow: frozenset[int]


class _Leaf(NamedTuple):
    """A column without columns in it: its range, where it is stored in a wider one, and whether a row may have several values."""

    narrow: range | None
    repeated: bool


def read(footer: bytes) -> Chunks:
    """What the footer says of rows and ranges.

    Args:
        footer: its bytes.

    Raises:
        thrift.Damaged: it cannot be read.
    """
    try:
        fields, _ = thrift.struct(footer, 0)
        leaves, of_groups, agree, narrow = list(_leaves(fields[_SCHEMA])), 0, True, set[int]()
        for group in fields.get(_GROUPS, ()):
            rows = group[_ROWS_OF_GROUP]
            of_groups += rows
            for n, (leaf, chunk) in enumerate(zip(leaves, group[_COLUMNS], strict=True)):
                known = chunk[_COLUMN]
                agree = agree and (known[_VALUES] == rows or (leaf.repeated and known[_VALUES] > rows))
                if leaf.narrow and not _fits(known, leaf.narrow):
                    narrow.add(n)
        return Chunks(fields[_ROWS], of_groups, agree, frozenset(narrow))
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise thrift.Damaged from None


def _fits(chunk: Mapping[int, Any], limits: range) -> bool:
    """Whether statistics say that all values are in a range, whichever order their writer had."""
    statistics = chunk.get(_STATISTICS, {})
    told = [[_number(statistics[n]) for n in pair if n in statistics] for pair in _LIMITS]
    if not any(told):
        return bool(statistics.get(_NULLS) == chunk[_VALUES])
    return any(len(pair) == 2 for pair in told) and all(n in limits for pair in told for n in pair)


def _number(stored: bytes) -> int:
    return int.from_bytes(stored, "little", signed=True)


def _leaves(schema: Sequence[Mapping[int, Any]]) -> Iterator[_Leaf]:
    """Columns without columns in them, in the order of the file."""
    open_groups = list[list[int]]()  # of each: columns to come, whether they are repeated
    for element in schema:
        repeated = element.get(_REPETITION) == _REPEATED or bool(open_groups and open_groups[-1][1])
        if open_groups:
            open_groups[-1][0] -= 1
        if _TYPE in element:
            yield _Leaf(_narrow(element), repeated)
        else:
            open_groups.append([element.get(_CHILDREN, 0), repeated])
        while open_groups and not open_groups[-1][0]:
            open_groups.pop()


def _narrow(element: Mapping[int, Any]) -> range | None:
    if element[_TYPE] != _INT32:
        return None
    bits, signed = _CONVERTED_NARROW.get(element.get(_CONVERTED, -1), (_STORED_BITS, True))
    if said := element.get(_LOGICAL, {}).get(_INTEGER):
        bits, signed = said[_BITS], said[_SIGNED]
    if bits >= _STORED_BITS:
        return None
    return range(-(1 << bits - 1), 1 << bits - 1) if signed else range(1 << bits)
