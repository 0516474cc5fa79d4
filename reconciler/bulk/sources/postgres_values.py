"""How PostgreSQL's values reach Python: from their text, with all digits, and never as an error of the driver.

What the driver's own types cannot hold (infinity, years past 9999 or before 1, 24:00, JSON with one key twice) arrives as an
`Unwritable`, so that it makes one row bad. Dates and times come as the text that is sent. Needs psycopg (extra: sql).
"""

import datetime
import re
from collections.abc import Callable
from typing import Any

from reconciler.bulk.records import exact_json, values
from reconciler.bulk.records.values import FAR, LATE, NotJson, Unwritable, fraction, timestamp_text

_TIME = r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?"
_OFFSET = r"([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?"
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_INSTANT = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d) {_TIME}(?:{_OFFSET})?")
_OF_DAY = re.compile(rf"{_TIME}(?:{_OFFSET})?")
_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - instants are counted from here
_ANY_OTHER = 0  # in place of the number of a type
_AS_TEXT = [
    "inet",
    "cidr",
    "uuid",
    "record",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
]


def prepare(connection: Any) -> None:
    """Make a connection of psycopg give values so; before anything is asked, since SQL_ASCII gives the very version as bytes."""
    from psycopg.adapt import Loader

    def made(read: Callable[[bytes], Any]) -> type[Loader]:
        class Exact(Loader):
            def load(self, data: Any) -> Any:
                return read(bytes(data))

        return Exact

    encoding = connection.info.encoding
    unicode = "utf-8" if encoding == "ascii" else encoding
    readers: dict[str, Callable[[bytes], Any]] = {
        "numeric": _numeric,
        "json": _json(unicode),
        "jsonb": _json(unicode),
        "date": _date,
        "time": _time,
        "timetz": _time,
        "timestamp": _instant,
        "timestamptz": _instant,
        "interval": lambda _: Unwritable("a duration"),
        "bytea": lambda _: Unwritable("binary data"),
        **dict.fromkeys(_AS_TEXT, _text(unicode)),
    }
    if encoding == "ascii":  # SQL_ASCII: the server promises nothing about bytes of texts
        readers |= dict.fromkeys(("text", "varchar", "bpchar", "name"), _text("utf-8"))
        connection.adapters.register_loader(_ANY_OTHER, made(_text("utf-8")))
    for name, read in readers.items():
        connection.adapters.register_loader(name, made(read))


def settle(connection: Any) -> None:
    """Set what the text of a value depends on, for this session: whatever the server, the database and the account set."""
    connection.execute("SET datestyle = ISO")
    connection.execute("SET extra_float_digits = 3")  # below 1, as up to PostgreSQL 11, floats are rounded


def _text(encoding: str) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            return Unwritable("text that is not UTF-8")

    return read


def _json(encoding: str) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        try:
            return values.json_text(data if encoding == "utf-8" else data.decode(encoding))
        except NotJson as e:
            return Unwritable(str(e))
        except UnicodeError:
            return Unwritable("text that is not valid Unicode")

    return read


def _numeric(data: bytes) -> Any:
    text = data.decode("ascii")
    if not text.strip("-").replace(".", "").isdigit():
        return Unwritable("a number that is not finite")
    try:
        return exact_json.number(text)
    except exact_json.OutOfRange as e:
        return Unwritable(str(e))


def _date(data: bytes) -> Any:
    text = data.decode("ascii")
    return text if _DATE.fullmatch(text) else Unwritable(FAR)


def _time(data: bytes) -> Any:
    found = _OF_DAY.fullmatch(data.decode("ascii"))
    if found is None or found[1] == "24":
        return Unwritable(LATE)
    hours, minutes, seconds, part, *offset = found.groups()
    zone = "".join((offset[0], offset[1], ":", offset[2] or "00")) if offset[0] else ""
    if zone and offset[3]:
        zone += f":{offset[3]}"
    return f"{hours}:{minutes}:{seconds}{fraction(_nanoseconds(part))}{zone}"


def _instant(data: bytes) -> Any:
    """A timestamp as it is; one with a zone in UTC, whatever zone the session has."""
    found = _INSTANT.fullmatch(data.decode("ascii"))
    if found is None:
        return Unwritable(FAR)
    *parts, part, sign, hours, minutes, seconds = found.groups()
    whole = datetime.datetime(*(int(x) for x in parts)) - _EPOCH  # type: ignore[arg-type]  # noqa: DTZ001
    count = whole.days * 86_400 + whole.seconds
    if sign:
        away = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
        count += away if sign == "-" else -away
    try:
        text = timestamp_text(count * 1_000_000_000 + _nanoseconds(part), 1_000_000_000, zoned=bool(sign))
    except NotJson as e:
        return Unwritable(str(e))
    return text


def _nanoseconds(part: str | None) -> int:
    return int(f"{part or '':0<9}")
