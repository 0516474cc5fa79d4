"""How a typed value of a table is written as JSON; one rule for Parquet and SQL, told in docs/sources.md. Pure.

integer, float, boolean, text   as they are; NaN and the infinities make a line bad
decimal                         a number with all of its digits
date                            "2026-11-25"
time                            "13:05:00", with six digits of a second where they are not zero, or nine
timestamp                       "2026-11-25T13:05:00Z" in UTC where it has a zone, else without one; fractions as above
UUID                            "6f1c…", as text
list, struct, map               lists and objects
JSON                            its value, with all digits; null in it is null
null                            absent, or null with `profile: {nulls: keep}`; inside a list always null, since the
                                others keep their places
duration, binary, years before 1 or after 9999, whatever else JSON has nothing for: they make a line bad
"""

import datetime
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from reconciler.bulk.records import exact_json
from reconciler.bulk.records.exact_json import MAX_DEPTH, MAX_DIGITS, OutOfRange, number
from reconciler.bulk.records.lines import BadLine

ABSENT = msgspec.UNSET
LATE = "a time that is not before 24:00"
FAR = "a date before the year 1 or after 9999"
_KINDS: dict[type, str] = {datetime.timedelta: "a duration", bytes: "binary data", memoryview: "binary data"}
_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - instants are counted from here
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds from the epoch to the years 1 and 9999
_BITS = int(MAX_DIGITS * 3.32)


class Unwritable(msgspec.Struct, frozen=True):
    """Stands in a row for a value that JSON does not have; says of what kind it is, never what it is."""

    kind: str


class NotJson(Exception):
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
            if (found := value_of(value, nulls)) is not ABSENT:
                made[column] = found
        except (NotJson, OutOfRange) as e:
            return refused(column, e)
        except (ValueError, OverflowError, RecursionError):  # whatever its library would say may quote it
            return refused(column, NotJson("a value that cannot be written as JSON"))
    return made


def refused(column: str, why: Exception) -> BadLine:
    """The reason for which a row is not sent."""
    return BadLine("line-type", f"column '{column}' holds {why}", column)


def value_of(value: Any, nulls: bool, depth: int = 0) -> Any:
    """A value as JSON has it; ABSENT for NULL unless it is kept.

    Raises:
        NotJson: JSON has nothing for it.
        OutOfRange: a number that cannot be passed on.
    """
    if value is None:
        return None if nulls else ABSENT
    if isinstance(value, list | tuple | Mapping):
        if depth >= MAX_DEPTH:
            raise NotJson(f"lists or objects within each other, more than {MAX_DEPTH} deep")
        if isinstance(value, Mapping):
            return object_of(((k, value_of(v, nulls, depth + 1)) for k, v in value.items()))
        return list_of(value_of(x, nulls, depth + 1) for x in value)
    return _scalar(value)


def list_of(values: Iterable[Any]) -> list[Any]:
    """A list; what is absent in it is null, since the others keep their places."""
    return [None if v is ABSENT else v for v in values]


def object_of(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """An object; keys are texts.

    Raises:
        NotJson: a key stands twice, or is no text, number or boolean.
    """
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key is None or isinstance(key, float | list | dict | tuple):
            raise NotJson("a map with a key that is no text")
        written_key = _scalar(key)
        if not isinstance(written_key, str):
            written_key = msgspec.json.encode(written_key).decode()
        if written_key in made:
            raise NotJson("a map with one key twice")
        made[written_key] = value
    return {k: v for k, v in made.items() if v is not ABSENT}


def _scalar(value: Any) -> Any:
    match value:
        case str():
            return _text(value)
        case bool() | msgspec.Raw():
            return value
        case int() | float() | Decimal():
            return _number(value)
        case datetime.datetime():
            return _timestamp(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case Unwritable():
            raise NotJson(value.kind)
        case _:
            raise NotJson(_KINDS.get(type(value), f"a {type(value).__name__}"))


def _number(value: float | Decimal) -> Any:
    if isinstance(value, int):
        if value.bit_length() > _BITS:
            raise OutOfRange(f"a number of more than {MAX_DIGITS:,} digits")
        return value
    if not math.isfinite(value):
        raise NotJson("a number that is not finite")
    return _decimal(value) if isinstance(value, Decimal) else value


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotJson("text that is not valid Unicode") from None
    return value


def _decimal(value: Decimal) -> msgspec.Raw:
    _, digits, exponent = value.as_tuple()
    if len(digits) + abs(int(exponent)) > MAX_DIGITS:
        raise OutOfRange(f"a number of more than {MAX_DIGITS:,} characters")
    return number(format(value, "f"))


def decimal_of(digits: int, scale: int) -> msgspec.Raw:
    """A decimal, from its digits as a whole number and how many of them stand behind the point.

    Raises:
        OutOfRange: it has too many.
    """
    _number(digits)
    return _decimal(Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -scale)))


def _timestamp(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    try:
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise NotJson(FAR) from None


def date_text(days: int) -> str:
    """A date, from its days since 1970.

    Raises:
        NotJson: it is before the year 1 or after 9999.
    """
    return timestamp_text(days * 86_400, 1, zoned=False)[:10]


def timestamp_text(count: int, per_second: int, *, zoned: bool) -> str:
    """An instant, from its count of parts of seconds since 1970.

    Raises:
        NotJson: it is before the year 1 or after 9999.
    """
    seconds, rest = divmod(count, per_second)
    if not _FIRST <= seconds <= _LAST:
        raise NotJson(FAR)
    whole = (_EPOCH + datetime.timedelta(seconds=seconds)).isoformat()
    return whole + fraction(rest * (1_000_000_000 // per_second)) + ("Z" if zoned else "")


def time_text(count: int, per_second: int) -> str:
    """A time of day, from its count of parts of seconds.

    Raises:
        NotJson: no day has it.
    """
    seconds, rest = divmod(count, per_second)
    if not 0 <= seconds < 86_400:
        raise NotJson(LATE)
    whole = (_EPOCH + datetime.timedelta(seconds=seconds)).isoformat()[11:]
    return whole + fraction(rest * (1_000_000_000 // per_second))


def json_text(stored: bytes | str) -> msgspec.Raw:
    """A text of JSON as it is sent: what is null in it stays null, unlike NULL of a table.

    Raises:
        NotJson: it cannot be sent.
    """
    try:
        found = exact_json.decode(stored if isinstance(stored, bytes) else stored.encode())
    except BadLine as e:
        raise NotJson(f"JSON that cannot be sent: {e.reason}") from None
    return msgspec.Raw(msgspec.json.encode(found))


def fraction(nanoseconds: int) -> str:
    """Digits of a second: none, six, or nine where six do not say all."""
    if not nanoseconds:
        return ""
    return f".{nanoseconds:09d}" if nanoseconds % 1000 else f".{nanoseconds // 1000:06d}"
