"""How a typed value of a table is written as JSON; one rule for Parquet and SQL. Pure.

integer, float, boolean, text   as they are; NaN and the infinities make a line bad
decimal                         a number with all of its digits
date                            "2026-11-25"
time                            "13:05:00", with microseconds where they are not zero
timestamp                       "2026-11-25T13:05:00Z" in UTC where it has a zone, else without one
UUID                            "6f1c…", as text
list, struct                    lists and objects
null                            absent, or null with `profile: {nulls: keep}`; inside a list always null, since the
                                others keep their places
duration, binary                make a line bad: JSON has nothing for them
"""

import datetime
import math
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from reconciler.bulk.records.lines import BadLine

_ABSENT = msgspec.UNSET
_KINDS: dict[type, str] = {datetime.timedelta: "a duration", bytes: "binary data", memoryview: "binary data"}


class _NotJson(Exception):
    """A value that JSON does not have; says of what kind."""


def written(
    row: Mapping[str, Any], *, nulls: bool = False, used: Callable[[str], bool] = lambda _: True
) -> dict[str, Any] | BadLine:
    """A row as JSON has it, or why it cannot be.

    Args:
        row: values by column.
        nulls: keep NULL as null.
        used: whether a column takes part; others are left out.
    """
    made: dict[str, Any] = {}
    for column, value in row.items():
        if not used(column):
            continue
        try:
            if (found := _value(value, nulls)) is not _ABSENT:
                made[column] = found
        except _NotJson as e:
            return BadLine("line-type", f"column '{column}' holds {e}", column)
    return made


def _value(value: Any, nulls: bool) -> Any:
    match value:
        case None:
            return None if nulls else _ABSENT
        case list() | tuple():
            return [None if (v := _value(x, nulls)) is _ABSENT else v for x in value]
        case dict():
            return {k: v for k, x in value.items() if (v := _value(x, nulls)) is not _ABSENT}
        case _:
            return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case bool() | str() | int():
            return value
        case float():
            if not math.isfinite(value):
                raise _NotJson("a number that is not finite")
            return value
        case Decimal():
            if not value.is_finite():
                raise _NotJson("a number that is not finite")
            return msgspec.Raw(format(value, "f").encode())
        case datetime.datetime():
            return _timestamp(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case _:
            raise _NotJson(_KINDS.get(type(value), f"a {type(value).__name__}"))


def _timestamp(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
