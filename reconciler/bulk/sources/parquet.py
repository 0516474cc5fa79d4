"""Rows of a Parquet file, streamed batch by batch. With `frames`, the only user of polars (extra: files)."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.bulk.sources import parquet_footer
from reconciler.errors import MissingExtra, ReconcilerError

_BATCH = 20_000
_TAIL, BUFFER = 8, 1 << 20  # bytes behind the footer: its length and a mark; bytes copied at once


def schema(path: Path, name: str) -> Mapping[str, Any]:
    """Columns and their types.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: it is not a Parquet file.
    """
    polars = _polars()
    try:
        return dict(polars.read_parquet_schema(path))
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"{name} is not a Parquet file, or is damaged ({type(e).__name__})") from None
    except polars.exceptions.PanicException:
        raise _unknown_type(name) from None


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
def whole(path: Path, name: str, schema: Mapping[str, Any]) -> Iterator[Path]:
    """A path to read the file at so that no entry of a map is lost: where it has maps, a copy without a name (`parquet_footer`).

    Raises:
        ReconcilerError: it is damaged.
        OSError: it cannot be copied.
    """
    if not any(_has_map(_polars(), t) for t in schema.values()):
        yield path
        return
    with path.open("rb") as file, tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, BUFFER)
        copy.seek(-_TAIL, os.SEEK_END)
        tail = copy.read()
        copy.seek(-_TAIL - int.from_bytes(tail[:4], "little"), os.SEEK_END)
        footer = copy.read()[:-_TAIL]
        try:
            changed = parquet_footer.with_lists(footer)
        except parquet_footer.Damaged:
            raise ReconcilerError(f"{name} is not a Parquet file, or is damaged") from None
        copy.seek(-_TAIL - len(footer), os.SEEK_END)
        copy.write(changed + tail)
        copy.flush()
        yield Path(f"/dev/fd/{copy.fileno()}")


def _has_map(polars: Any, dtype: Any) -> bool:
    match dtype:
        case polars.Map():
            return True
        case polars.List() | polars.Array():
            return _has_map(polars, dtype.inner)
        case polars.Struct():
            return any(_has_map(polars, t) for t in dtype.to_schema().values())
        case _:
            return False


def frames(path: Path, name: str, start: int, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Rows from `start` (0 is the first), as frames of some thousand rows; a map is a list of its entries there.

    Args:
        path: what `whole` gives.
        name: of the file.
        start: the first row.
        schema: types of the columns as the file says them.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: the file cannot be read to its end.
    """
    polars = _polars()
    try:
        for frame in polars.scan_parquet(path, glob=False).slice(start).collect_batches(chunk_size=_BATCH):
            if frame.height:
                yield _as_said(polars, frame, schema)
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(
            f"cannot read {name} to its end: it is damaged ({type(e).__name__}), or has a column of a type that polars"
            " cannot read, such as DECIMAL of more than 38 digits"
        ) from None
    except polars.exceptions.PanicException:
        raise _unknown_type(name) from None


def _as_said(polars: Any, frame: Any, schema: Mapping[str, Any]) -> Any:
    """Columns without maps in the types of the file, some of which a changed footer does not tell."""
    others = {n: t for n, t in schema.items() if frame.schema[n] != t and not _has_map(polars, t)}
    return frame.cast(others) if others else frame


def _unknown_type(name: str) -> ReconcilerError:
    return ReconcilerError(
        f"cannot read {name}: it has a column of a type that polars cannot read, such as INTERVAL",
        help="write the file without that column, or with it as text",
    )


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("Parquet sources", "files") from None
    return polars
