"""Values of Parquet columns, exact: what Python's types would round, or do not have, is read as integers and text. Pure.

A column is first cast to something that Python holds whole (`_held`), then each value is written by the type of its column
(`_writer`). Columns of what JSON has anyway are left as they are. Types of files that polars has not stand here as types of polars that
no file has: JSON as Object, UUID as UInt128 in bytes, an interval as a Duration in bytes, a time as a Time in what counts its parts, a
decimal of many digits as a Decimal in bytes, an instant of 96 bits as a Datetime in bytes. A number of 8 or 16 bits in one of 32 is one
that may not be in its range.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from reconciler.bulk.records import values
from reconciler.bulk.records.exact_json import OutOfRange, number
from reconciler.bulk.records.lines import BadLine
from reconciler.bulk.records.values import ABSENT, NotJson


class Kind(Protocol):
    """What polars does not tell of a column: `reconciler.bulk.sources.parquet_footer`."""

    @property
    def name(self) -> str:
        """Of the type."""

    @property
    def scale(self) -> int:
        """Digits behind the point of a decimal."""


Writer = Callable[[Any, bool], Any]
UUID_BYTES = 16
_JULIAN_DAY = 2_440_588  # the first of 1970
_PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def rows(
    frame: Any, used: Callable[[str], bool], schema: Mapping[str, Any] | None = None, *, nulls: bool
) -> Iterator[dict[str, Any] | BadLine]:
    """Rows as JSON has them, or why they cannot be written.

    Args:
        frame: a polars frame.
        used: whether a column takes part.
        schema: types of the columns as their file says them; those of the frame, where none is given.
        nulls: keep NULL as null.
    """
    import polars

    names = [c for c in frame.columns if used(c)]
    said = {n: (schema or frame.schema)[n] for n in names}
    writers = [(n, _writer(polars, said[n], frame.schema[n])) for n in names]
    for row in (
        held(polars, frame.select(names), said).iter_rows() if names else (() for _ in range(frame.height))
    ):
        yield _row(row, writers, nulls)


def _row(row: tuple[Any, ...], writers: list[tuple[str, Writer]], nulls: bool) -> dict[str, Any] | BadLine:
    made: dict[str, Any] = {}
    for (column, write), value in zip(writers, row, strict=True):
        try:
            if (found := write(value, nulls)) is not ABSENT:
                made[column] = found
        except (NotJson, OutOfRange) as e:
            return values.refused(column, e)
    return made


def told(types: Mapping[str, Any], kinds: Iterable[Kind | None]) -> dict[str, Any]:
    """Types of columns with what the library does not tell of them.

    Args:
        types: as the library gives them.
        kinds: of each column without columns in it, in order.
    """
    import polars

    left = iter(kinds)
    return {name: _told(polars, dtype, left) for name, dtype in types.items()}


def _told(pl: Any, dtype: Any, kinds: Iterator[Kind | None]) -> Any:
    match dtype:
        case pl.List():
            return pl.List(_told(pl, dtype.inner, kinds))
        case pl.Array():
            return pl.Array(_told(pl, dtype.inner, kinds), dtype.size)
        case pl.Map():
            return pl.Map(_told(pl, dtype.key, kinds), _told(pl, dtype.value, kinds))
        case pl.Struct():
            return pl.Struct({n: _told(pl, t, kinds) for n, t in dtype.to_schema().items()})
        case _:
            ours = {
                "time": pl.Time(),
                "json": pl.Object(),
                "uuid": pl.UInt128(),
                "interval": pl.Duration("us"),
            }
            kind = next(kinds, None)
            if kind is not None and kind.name == "int96":
                return pl.Datetime("ns", dtype.time_zone if isinstance(dtype, pl.Datetime) else None)
            return dtype if kind is None else ours.get(kind.name) or pl.Decimal(38, kind.scale)


def as_said(frame: Any, types: Mapping[str, Any]) -> Any:
    """A frame in the types of its file, as far as polars reads them: some of them, a changed footer does not tell."""
    import polars

    said = {n: _read(polars, types[n], t) for n, t in frame.schema.items()}
    others = {n: t for n, t in said.items() if t != frame.schema[n]}
    return frame.cast(others) if others else frame


def _read(pl: Any, said: Any, dtype: Any) -> Any:
    """The type in which values of a column are read that is of the type `said` in its file, and of `dtype` as stored."""
    if dtype == pl.Binary or said in (pl.Time, pl.Object) or _limits(pl, said, dtype):
        return dtype
    match said:
        case pl.List():
            return pl.List(_read(pl, said.inner, dtype.inner))
        case pl.Array():
            return pl.Array(_read(pl, said.inner, dtype.inner), said.size)
        case pl.Map():
            (key, one), (value, other) = _entries(pl, dtype)
            return pl.List(pl.Struct({key: _read(pl, said.key, one), value: _read(pl, said.value, other)}))
        case pl.Struct():
            inner = dtype.to_schema()
            return pl.Struct({n: _read(pl, t, inner[n]) for n, t in said.to_schema().items()})
        case pl.Datetime() if isinstance(
            dtype, pl.Datetime
        ):  # of a zone, polars knows names alone, and no offsets
            return pl.Datetime(said.time_unit, dtype.time_zone)
        case _:
            return said


def held(polars: Any, frame: Any, said: Mapping[str, Any]) -> Any:
    """A frame of the same values in types that Python holds whole."""
    exact = {n: (said[n], t) for n, t in frame.schema.items() if _held(polars, said[n], t, "text") != t}
    if not exact:
        return frame
    # The shortest text that gives a float of 32 bits back, read as one of 64, is written as that very text.
    texts = [
        polars.col(n).cast(_held(polars, *t, "text")).cast(_held(polars, *t, "float"))
        for n, t in exact.items()
    ]
    return frame.with_columns(texts)


def _held(pl: Any, said: Any, dtype: Any, small: str) -> Any:
    """What to cast a column to that is of the type `dtype` in the frame, and of the type `said` in its file."""
    if dtype == pl.Binary or said == pl.Object or _limits(pl, said, dtype):
        return dtype
    if said in (pl.Float32, pl.Float16):
        return pl.String if small == "text" else pl.Float64
    if (
        said == pl.Decimal
    ):  # as a Decimal of Python, it is rounded to as many digits as its file says that it has
        return pl.String
    if said == pl.Date:
        return pl.Int32
    if said in (pl.Datetime, pl.Time, pl.Duration):
        return pl.Int64
    match said:
        case pl.List() | pl.Array():
            return pl.List(_held(pl, said.inner, dtype.inner, small))
        case pl.Map():
            (key, one), (value, other) = _entries(pl, dtype)
            return pl.List(
                pl.Struct({key: _held(pl, said.key, one, small), value: _held(pl, said.value, other, small)})
            )
        case pl.Struct():
            inner = dtype.to_schema()
            return pl.Struct({n: _held(pl, t, inner[n], small) for n, t in said.to_schema().items()})
        case _:
            return said


def _entries(pl: Any, dtype: Any) -> list[tuple[str, Any]]:
    """Name and type of the key and of the value, where a map is a list of its entries."""
    if isinstance(dtype, pl.Map):
        return [("key", dtype.key), ("value", dtype.value)]
    return list(dtype.inner.to_schema().items())


def _writer(pl: Any, said: Any, dtype: Any) -> Writer:
    """What writes a value of a column that `held` gave, which had these types before."""
    match said:
        case pl.List() | pl.Array():
            return _list(_writer(pl, said.inner, dtype.inner))
        case pl.Map():
            (key, one), (value, other) = _entries(pl, dtype)
            return _map(key, _writer(pl, said.key, one), value, _writer(pl, said.value, other))
        case pl.Struct():
            inner = dtype.to_schema()
            return _struct({n: _writer(pl, t, inner[n]) for n, t in said.to_schema().items()})
        case _ if (limits := _limits(pl, said, dtype)) is not None:
            return _leaf(lambda stored: _in_range(stored, limits))
        case _:
            write = _text(pl, said, dtype)
            return values.value_of if write is None else _leaf(write)


def _text(pl: Any, said: Any, dtype: Any) -> Callable[[Any], Any] | None:
    """What writes a value that is there, of a type that has a text of its own."""
    match said:
        case pl.Date():
            return values.date_text
        case pl.Time():
            parts = _PER_SECOND["ms" if dtype == pl.Int32 else getattr(dtype, "time_unit", "ns")]
            return lambda count: values.time_text(count, parts)
        case pl.Datetime() if dtype == pl.Binary:
            zoned = said.time_zone is not None
            return lambda stored: values.timestamp_text(_of_96_bits(stored), _PER_SECOND["ns"], zoned=zoned)
        case pl.Datetime():
            parts, zoned = _PER_SECOND[said.time_unit], said.time_zone is not None
            return lambda count: values.timestamp_text(count, parts, zoned=zoned)
        case pl.Duration():
            return _refuse_duration
        case pl.Object():
            return values.json_text
        case pl.UInt128() if dtype == pl.Binary:
            return _uuid_text
        case pl.Decimal():
            return _decimal_of(said.scale) if dtype == pl.Binary else number
        case _:
            return None


def _limits(pl: Any, said: Any, dtype: Any) -> range | None:
    """The numbers of a type of 8 or 16 bits whose values are read as they are stored, which is in 32."""
    if dtype != pl.Int32:
        return None
    bits = {pl.Int8: 8, pl.Int16: 16, pl.UInt8: 8, pl.UInt16: 16}.get(said.base_type())
    if bits is None:
        return None
    return range(1 << bits) if said.is_unsigned_integer() else range(-(1 << bits - 1), 1 << bits - 1)


def _in_range(stored: int, limits: range) -> int:
    if stored not in limits:
        raise OutOfRange(
            f"a number that its type has not: it is from {limits.start:,} to {limits.stop - 1:,}"
        )
    return stored


def _uuid_text(stored: bytes) -> str:
    """As `uuid.UUID` writes it, in a third of the time."""
    if len(stored) != UUID_BYTES:
        return str(uuid.UUID(bytes=stored))  # raises
    h = stored.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def _decimal_of(scale: int) -> Callable[[Any], Any]:
    return lambda stored: values.decimal_of(int.from_bytes(stored, "big", signed=True), scale)


def _of_96_bits(stored: bytes) -> int:
    """Nanoseconds since 1970: eight bytes of those of a day, and four of a Julian day."""
    day = int.from_bytes(stored[8:], "little", signed=True) - _JULIAN_DAY
    return day * 86_400 * _PER_SECOND["ns"] + int.from_bytes(stored[:8], "little", signed=True)


def _leaf(write: Callable[[Any], Any]) -> Writer:
    return lambda value, nulls: write(value) if value is not None else (None if nulls else ABSENT)


def _refuse_duration(_: Any) -> str:
    raise NotJson("a duration")


def _list(inner: Writer) -> Writer:
    def write(value: Any, nulls: bool) -> Any:
        if value is None:
            return None if nulls else ABSENT
        return values.list_of(inner(x, nulls) for x in value)

    return write


def _map(key: str, write_key: Writer, name: str, inner: Writer) -> Writer:
    def write(value: Any, nulls: bool) -> Any:
        if value is None:
            return None if nulls else ABSENT
        return values.object_of((write_key(p[key], True), inner(p[name], nulls)) for p in value)

    return write


def _struct(fields: dict[str, Writer]) -> Writer:
    def write(value: Any, nulls: bool) -> Any:
        if value is None:
            return None if nulls else ABSENT
        made = {n: w(value[n], nulls) for n, w in fields.items()}
        return {n: v for n, v in made.items() if v is not ABSENT}

    return write
