"""Rows of a Parquet file, streamed batch by batch. The only user of polars (extra: files).

Enters: a file and the number of the row to begin with. Leaves: rows of values that JSON has. How values are written:

    integer, float, boolean, text   as they are; NaN and the infinities make a line bad
    decimal                         a number with all of its digits
    date                            "2026-11-25"
    time                            "13:05:00", with microseconds where they are not zero
    timestamp                       "2026-11-25T13:05:00Z" in UTC where it has a zone, else without one
    list, struct                    lists and objects
    null                            absent; inside a list it stays null, since the others keep their places
    duration, binary                make a line bad: JSON has nothing for them
"""

import datetime
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from reconciler.bulk.lines import BadLine
from reconciler.errors import MissingExtra, ReconcilerError

_BATCH = 5_000
_ABSENT = msgspec.UNSET
_KINDS: dict[type, str] = {datetime.timedelta: "a duration", bytes: "binary data"}


def columns(path: Path) -> list[str]:
    """Names of the columns.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: it is not a Parquet file.
    """
    polars = _polars()
    try:
        return list(polars.read_parquet_schema(path))
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"{path.name} is not a Parquet file: {_first_line(e)}") from None


def rows(path: Path, start: int) -> Iterator[dict[str, Any] | BadLine]:
    """Rows from `start` (0 is the first), or why one cannot be written.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: the file cannot be read to its end.
    """
    polars = _polars()
    try:
        for batch in polars.scan_parquet(path, glob=False).slice(start).collect_batches(chunk_size=_BATCH):
            for row in batch.iter_rows(named=True):
                yield _written(row)
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"cannot read {path.name}: {_first_line(e)}") from None


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("Parquet sources", "files") from None
    return polars


def _first_line(e: Exception) -> str:
    return next(iter(str(e).splitlines()), type(e).__name__)


def _written(row: Mapping[str, Any]) -> dict[str, Any] | BadLine:
    made: dict[str, Any] = {}
    for column, value in row.items():
        try:
            if (found := _value(value)) is not _ABSENT:
                made[column] = found
        except _NotJson as e:
            return BadLine("line-type", f"column '{column}' holds {e}")
    return made


class _NotJson(Exception):
    """A value that JSON does not have; says of what kind."""


def _value(value: Any) -> Any:
    match value:
        case None:
            return _ABSENT
        case list():
            return [None if (v := _value(x)) is _ABSENT else v for x in value]
        case dict():
            return {k: v for k, x in value.items() if (v := _value(x)) is not _ABSENT}
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
            return msgspec.Raw(format(value, "f").encode())
        case datetime.datetime():
            return _timestamp(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            raise _NotJson(_KINDS.get(type(value), f"a {type(value).__name__}"))


def _timestamp(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
