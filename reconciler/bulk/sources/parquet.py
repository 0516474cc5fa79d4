"""Rows of a Parquet file, streamed batch by batch. With `frames`, the only user of polars (extra: files)."""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from reconciler.bulk.records import parquet_values
from reconciler.bulk.sources import parquet_chunks, parquet_footer, thrift
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.kinds.counts import many

BATCH = 20_000  # rows of a frame; the last one of a file may have fewer
_MARK = b"PAR1"
_SECONDS = (
    (1 << 63) - 1
) // 1_000  # that many have a count of milliseconds; in either unit, the year is long after 9999
_TAIL, BUFFER = 8, 1 << 20  # bytes behind the footer: its length and the mark; bytes copied at once


class Layout(NamedTuple):
    """How a file's columns are stored.

    Attributes:
        types: of the columns, as the file says them; those without a type of the library have that of `parquet_values`.
        footer: by which the library reads every value whole; None where it does so by the file's own.
        bare: the footer without the schema of Arrow, where that alone calls columns of whole numbers times; the library makes
            those that no day has to NULL, and wraps seconds that have no count of milliseconds.
        times: those columns.
    """

    types: Mapping[str, Any]
    footer: bytes | None
    bare: bytes = b""
    times: tuple[str, ...] = ()


def layout(path: Path, name: str) -> Layout:
    """Columns and their types.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: it is not a Parquet file, or has not as many rows as it says.
    """
    polars = _polars()
    try:
        with path.open("rb") as file:
            footer = _footer(file)
        chunks = parquet_chunks.read(footer)
        _require_counts(chunks, name)
        told = parquet_footer.readable(footer, lists=False)
        types = _types(polars, told.data)
        known = told.data == footer and parquet_footer.INT96 not in told.kinds and not chunks.narrow
        if known and not any(_misread(polars, t) for t in types.values()):
            changed = footer
        else:
            changed = parquet_footer.readable(footer, narrow=chunks.narrow).data
        bare = (
            parquet_footer.readable(footer).data if changed == footer and _timed(polars, types) else changed
        )
        stored = types if bare == footer else _types(polars, bare)
    except thrift.Damaged:
        raise ReconcilerError(f"{name} is not a Parquet file, or is damaged") from None
    except polars.exceptions.DuplicateError:
        raise ReconcilerError(
            f"two columns of {name} have the same name",
            help="give each a name of its own where the file is written",
        ) from None
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"{name} is not a Parquet file, or is damaged ({type(e).__name__})") from None
    except polars.exceptions.PanicException:
        raise _unknown_type(name) from None
    times = _numbers(polars, types, stored, iter(told.kinds))
    said = parquet_values.told(types, told.kinds) if any(told.kinds) else types
    if changed == footer:
        return Layout(said, None, bare if times else b"", times)
    if times:
        raise ReconcilerError(
            f"cannot read {name}: that '{times[0]}' holds times, a schema of Arrow tells alone, and beside a column that is"
            " read without it, their unit is not known",
            help="write them as timestamps in milliseconds, microseconds or nanoseconds",
        )
    return Layout(said, changed)


def _types(polars: Any, footer: bytes) -> dict[str, Any]:
    """Types of the columns by a footer, which need not be that of a file."""
    return dict(polars.read_parquet_schema(io.BytesIO(_MARK + footer + _length(footer) + _MARK)))


def _timed(polars: Any, types: Mapping[str, Any]) -> bool:
    """Whether there is a column of a type for which Parquet may have no word of its own."""
    return any(_coarse(polars, leaf) for dtype in types.values() for leaf in _leaves(polars, dtype))


def _coarse(polars: Any, dtype: Any) -> bool:
    """A time of day, or what may be an instant of whole seconds: the library has none, and calls them milliseconds."""
    return dtype == polars.Time or (isinstance(dtype, polars.Datetime) and dtype.time_unit == "ms")


def _numbers(
    polars: Any,
    types: Mapping[str, Any],
    stored: Mapping[str, Any],
    kinds: Iterator[parquet_footer.Kind | None],
) -> tuple[str, ...]:
    """Columns of times that are numbers without the schema of Arrow in a file, of a unit that the library does not tell.

    Args:
        polars: the library.
        types: of the columns, as the file says them.
        stored: the same by the footer without that schema.
        kinds: what the library does not tell of each column without columns in it.
    """
    found: dict[str, None] = {}
    for column, said in types.items():
        for one, other in zip(_leaves(polars, said), _leaves(polars, stored[column]), strict=False):
            if next(kinds, None) is None and _coarse(polars, one) and other.is_integer():
                found[column] = None
    return tuple(found)


def _leaves(polars: Any, dtype: Any) -> Iterator[Any]:
    """The types of what a column has within, in order."""
    match dtype:
        case polars.List() | polars.Array():
            yield from _leaves(polars, dtype.inner)
        case polars.Map():
            yield from _leaves(polars, dtype.key)
            yield from _leaves(polars, dtype.value)
        case polars.Struct():
            for inner in dtype.to_schema().values():
                yield from _leaves(polars, inner)
        case _:
            yield dtype


def _footer(file: IO[bytes]) -> bytes:
    """The bytes of a file's footer.

    Raises:
        thrift.Damaged: it has none.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    tail = file.read()
    length = int.from_bytes(tail[:4], "little")
    if len(tail) < _TAIL or tail[4:] != _MARK or length > size - _TAIL:
        raise thrift.Damaged
    file.seek(size - _TAIL - length)
    return file.read(length)


def _length(footer: bytes) -> bytes:
    return len(footer).to_bytes(4, "little")


def not_text(schema: Mapping[str, Any]) -> list[str]:
    """Columns that hold something else than text.

    Raises:
        MissingExtra: polars is not installed.
    """
    polars = _polars()
    return [
        n
        for n, t in schema.items()
        if t != polars.String and not isinstance(t, polars.Categorical | polars.Enum)
    ]


def holds(schema: Mapping[str, Any], column: str) -> bool:
    """Whether a path with dots leads to a field; what a map holds is not known before its rows are.

    Raises:
        MissingExtra: polars is not installed.
    """
    polars = _polars()
    first, *rest = column.split(".")
    found = schema.get(first)
    for part in rest:
        if isinstance(found, polars.Map):
            return True
        found = found.to_schema().get(part) if isinstance(found, polars.Struct) else None
    return found is not None


@contextmanager
def whole(path: Path, layout: Layout) -> Iterator[Path]:
    """A path to read the file at so that no value is lost: a copy without a name, where it needs another footer.

    Raises:
        OSError: it cannot be copied.
    """
    if layout.footer is None:
        yield path
        return
    with _copy(path, layout.footer) as copy:
        yield copy


@contextmanager
def _copy(path: Path, footer: bytes) -> Iterator[Path]:
    with path.open("rb") as file, tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, BUFFER)
        copy.write(footer + _length(footer) + _MARK)
        copy.flush()
        yield Path(f"/dev/fd/{copy.fileno()}")


def require_times(path: Path, name: str, layout: Layout, start: int, count: int | None = None) -> None:
    """Numbers that only the schema of Arrow calls times are such: no value becomes NULL, or another one.

    Args:
        path: of the file.
        name: of it, for people.
        layout: of its columns.
        start: the first row to look at.
        count: how many rows; all that follow if None.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: one is none, or they cannot be read.
        OSError: the file cannot be copied.
    """
    if not layout.times:
        return
    polars = _polars()
    with _copy(path, layout.bare) as copy:
        for column in layout.times:
            try:
                said, stored = (_looks(polars, p, column, start, count) for p in (path, copy))
            except polars.exceptions.PolarsError as e:
                raise _not_to_its_end(name, f" ({type(e).__name__})") from None
            except polars.exceptions.PanicException:
                raise _unknown_type(name) from None
            instants = [t != polars.Time for t in _leaves(polars, layout.types[column])]
            far = any(i and s.largest > _SECONDS for i, s in zip(instants, stored, strict=True))
            if far or [s.nulls for s in said] != [s.nulls for s in stored]:
                raise ReconcilerError(
                    f"cannot read {name}: '{column}' holds times that are out of range",
                    help="correct them where the file is written, or write the file without that column",
                )


class _Look(NamedTuple):
    """What a column of values holds: how many NULLs, and the size of its largest number."""

    nulls: int = 0
    largest: int = 0


def _looks(polars: Any, path: Path, column: str, start: int, count: int | None) -> list[_Look]:
    found: list[_Look] = []
    scanned = polars.scan_parquet(path, glob=False).select(polars.col(column)).slice(start, count)
    for frame in scanned.collect_batches(chunk_size=BATCH):
        values = list(_values(polars, frame[column]))
        found = found or [_Look()] * len(values)
        found = [
            _Look(f.nulls + v.null_count(), max(f.largest, _largest(v)))
            for f, v in zip(found, values, strict=True)
        ]
    return found


def _largest(values: Any) -> int:
    if not values.dtype.is_integer() or (least := values.min()) is None:
        return 0
    return max(-int(least), int(values.max()))


def _values(polars: Any, column: Any) -> Iterator[Any]:
    """What a column has within, in the order of `_leaves`."""
    match column.dtype:
        case polars.List() | polars.Array():
            yield from _values(polars, column.explode())
        case polars.Struct():
            for field in column.dtype.to_schema():
                yield from _values(polars, column.struct.field(field))
        case _:
            yield column


def rows(path: Path, name: str) -> int:
    """How many rows a file has.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: it is damaged.
    """
    polars = _polars()
    try:
        return int(polars.scan_parquet(path, glob=False).select(polars.len()).collect().item())
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"{name} is not a Parquet file, or is damaged ({type(e).__name__})") from None
    except polars.exceptions.PanicException:
        raise _unknown_type(name) from None


def _require_counts(chunks: parquet_chunks.Chunks, name: str) -> None:
    """A file has as many rows as its groups and their columns have: the library believes the first, and would leave the others out.

    Raises:
        ReconcilerError: it has not.
    """
    if chunks.rows != chunks.of_groups:
        raise ReconcilerError(
            f"{name} is damaged: its footer counts {many(chunks.rows, 'row')}, and the groups of rows in it"
            f" {chunks.of_groups:,}"
        )
    if not chunks.agree:
        raise ReconcilerError(
            f"{name} is damaged: a column has another number of values than its group has rows"
        )


def _misread(polars: Any, dtype: Any, *, within: bool = False) -> bool:
    """Whether a column may lose values by the file's own footer: a map, and a decimal within another column.

    Of such decimals, the library takes the width from the schema of Arrow that writers add; those of 256 bits become other numbers.
    """
    match dtype:
        case polars.Map():
            return True
        case polars.List() | polars.Array():
            return _misread(polars, dtype.inner, within=True)
        case polars.Struct():
            return any(_misread(polars, t, within=True) for t in dtype.to_schema().values())
        case _:
            return within and isinstance(dtype, polars.Decimal)


def frames(
    path: Path, name: str, start: int, types: Mapping[str, Any], count: int | None = None
) -> Iterator[Any]:
    """Rows from `start` (0 is the first), as frames of some thousand rows, in types that `parquet_values` turns into those.

    Args:
        path: what `whole` gives.
        name: of the file.
        start: the first row.
        types: of the columns, as the file says them.
        count: how many rows; all that follow if None.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: the file cannot be read to its end.
    """
    polars = _polars()
    left = max(rows(path, name) - start, 0)
    left = left if count is None else min(left, count)
    try:
        for frame in (
            polars.scan_parquet(path, glob=False).slice(start, count).collect_batches(chunk_size=BATCH)
        ):
            left -= frame.height
            if frame.height:
                yield parquet_values.as_said(frame, types)
    except polars.exceptions.PolarsError as e:
        raise _not_to_its_end(name, f" ({type(e).__name__})") from None
    except polars.exceptions.PanicException:
        raise _unknown_type(name) from None
    if left:  # a panic in one of the library's threads ends the batches, as if there were no more
        raise _not_to_its_end(name)


def _not_to_its_end(name: str, why: str = "") -> ReconcilerError:
    return ReconcilerError(
        f"cannot read {name} to its end: it is damaged{why}, or has a column of a type that polars cannot read"
    )


def _unknown_type(name: str) -> ReconcilerError:
    return ReconcilerError(
        f"cannot read {name}: it has a column of a type that polars cannot read, which no other reader may know either",
        help="write the file without that column, or with it as text",
    )


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("reading Parquet", "files") from None
    # Instants are in UTC whatever zone a file names; the library would end in a panic at those it does not know, such as +05:30.
    os.environ.setdefault("POLARS_IGNORE_TIMEZONE_PARSE_ERROR", "1")
    return polars
