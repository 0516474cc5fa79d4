"""How MySQL's and MariaDB's values reach Python: as they are stored, or as one that makes its row bad.

The drivers that are used here (`DRIVERS`) call a function for each value, by the number of its type in the protocol. What they do by
themselves with dates that no calendar has (0000-00-00, 2026-02-31) differs: one makes them NULL.
"""

import datetime
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from reconciler.bulk.records.values import Unwritable
from reconciler.errors import ReconcilerError

DRIVERS = {"pymysql": "pymysql.converters", "mysqldb": "MySQLdb.converters"}  # with what they do with values
_FLOAT, _INSTANT, _DATE, _DATETIME = 4, 7, 10, 12  # types in the protocol
_SIX_DIGITS = "a FLOAT, of which the server tells only six digits; write CAST(… AS DOUBLE) in the query"
_NO_DATE = "a date that no calendar has"
_LONGEST = 1 << 24  # bytes of a value that the server makes of many; a row as long as this is rejected anyway
SETTINGS = ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION group_concat_max_len = {_LONGEST}")
_CUT = {
    1260: "GROUP_CONCAT",
    1301: "a function",
}  # warnings: a value was cut, or became NULL, as it was too long


def arguments(driver: str) -> dict[str, Any]:
    """What a driver is told when it connects, whatever the URL says.

    Raises:
        ImportError: it is not installed.
    """
    given: Mapping[Any, Any] = import_module(DRIVERS[driver]).conversions
    own: dict[Any, Callable[[Any], Any]] = {
        _FLOAT: lambda _: Unwritable(_SIX_DIGITS),
        _INSTANT: _moment,
        _DATE: _date,
        _DATETIME: _moment,
    }
    # Letters that an encoding has not would arrive as question marks.
    return {"conv": {**given, **own}, "charset": "utf8mb4"}


def settle(connection: Any, refused: type[Exception]) -> None:
    """Nothing is written, and no value is cut at 1,024 bytes; where a server that speaks as MySQL does has no such setting, it goes without.

    Args:
        connection: of a driver.
        refused: what it raises for a statement that the server does not take.
    """
    for statement in SETTINGS:
        with suppress(refused), connection.cursor() as cursor:
            cursor.execute(statement)


def require_whole(warnings: list[Any]) -> None:
    """The server gave all values whole.

    Args:
        warnings: what it says of the query, each a level, a code and a text.

    Raises:
        ReconcilerError: it did not.
    """
    for _, code, *_ in warnings:
        if (name := _CUT.get(int(code))) is not None:
            raise ReconcilerError(
                f"the database cut a value of the source's query: what {name} makes is too long",
                help="make it shorter in the query",
            )


def _date(data: Any) -> Any:
    return _read(data, datetime.date.fromisoformat)


def _moment(data: Any) -> Any:
    return _read(data, datetime.datetime.fromisoformat)


def _read(data: Any, read: Callable[[str], Any]) -> Any:
    try:
        return read(data if isinstance(data, str) else data.decode("ascii"))
    except ValueError:
        return Unwritable(_NO_DATE)
