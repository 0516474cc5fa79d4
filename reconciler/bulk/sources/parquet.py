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
from reconciler.bulk.sources import parquet_footer
from reconciler.errors import MissingExtra, ReconcilerError

BATCH = 20_000  # rows of a frame; the last one of a file may have fewer
_MARK = b"PAR1"
_TAIL, BUFFER = 8, 1 << 20  # bytes behind the footer: its length and the mark; bytes copied at once


class Layout(NamedTuple):
    """How a file's columns are stored.

    Attributes:
        types: of the columns, as the file says them; those without a type of the library have that of `parquet_values`.
        footer: by which the library reads every value whole; None where it does so by the file's own.
    """

    types: Mapping[str, Any]
    footer: bytes | None


def layout(path: Path, name: str) -> Layout:
    """Columns and their types.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: it is not a Parquet file.
    """
    polars = _polars()
    try:
        with path.open("rb") as file:
            footer = _footer(file)
        told = parquet_footer.readable(footer, lists=False)
        types = _types(polars, told.data)
        lost = parquet_footer.INT96 in told.kinds or any(_misread(polars, t) for t in types.values())
        changed = parquet_footer.readable(footer).data if lost or told.data != footer else footer
        stored = types if changed == footer else _types(polars, changed)
    except parquet_footer.Damaged:
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
    _require_units(polars, name, types, stored, iter(told.kinds))
    said = parquet_values.told(types, told.kinds) if any(told.kinds) else types
    return Layout(said, None if changed == footer else changed)


def _types(polars: Any, footer: bytes) -> dict[str, Any]:
    """Types of the columns by a footer, which need not be that of a file."""
    return dict(polars.read_parquet_schema(io.BytesIO(_MARK + footer + _length(footer) + _MARK)))


def _require_units(
    polars: Any,
    name: str,
    types: Mapping[str, Any],
    stored: Mapping[str, Any],
    kinds: Iterator[parquet_footer.Kind | None],
) -> None:
    """Without the schema of Arrow in a file, what it alone calls a time is a number, of a unit that the library does not tell.

    The library has no instants or times of seconds, and calls them milliseconds.

    Args:
        polars: the library.
        name: of the file.
        types: of its columns, as it says them.
        stored: the same by the footer that it is read by.
        kinds: what the library does not tell of each column without columns in it.

    Raises:
        ReconcilerError: there is such a column.
    """
    for column, said in types.items():
        for one, other in zip(_leaves(polars, said), _leaves(polars, stored[column]), strict=False):
            coarse = one == polars.Time or (isinstance(one, polars.Datetime) and one.time_unit == "ms")
            if next(kinds, None) is None and coarse and other.is_integer():
                raise ReconcilerError(
                    f"cannot read {name}: that '{column}' holds times, a schema of Arrow tells alone, and beside a column that is"
                    " read without it, their unit is not known",
                    help="write them as timestamps in milliseconds, microseconds or nanoseconds",
                )


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
        parquet_footer.Damaged: it has none.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    tail = file.read()
    length = int.from_bytes(tail[:4], "little")
    if len(tail) < _TAIL or tail[4:] != _MARK or length > size - _TAIL:
        raise parquet_footer.Damaged
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
    with path.open("rb") as file, tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, BUFFER)
        copy.write(layout.footer + _length(layout.footer) + _MARK)
        copy.flush()
        yield Path(f"/dev/fd/{copy.fileno()}")


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
        raise MissingExtra("Parquet sources", "files") from None
    # Instants are in UTC whatever zone a file names; the library would end in a panic at those it does not know, such as +05:30.
    os.environ.setdefault("POLARS_IGNORE_TIMEZONE_PARSE_ERROR", "1")
    return polars
