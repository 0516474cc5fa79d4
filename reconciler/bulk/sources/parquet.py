"""Rows of a Parquet file, streamed batch by batch. With `frames`, the only user of polars (extra: files)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import MissingExtra, ReconcilerError

_BATCH = 20_000


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
    """Columns that hold something else than text."""
    polars = _polars()
    return [
        n
        for n, t in schema.items()
        if t != polars.String and not isinstance(t, polars.Categorical | polars.Enum)
    ]


def holds(schema: Mapping[str, Any], column: str) -> bool:
    """Whether a path with dots leads to a field; what a map holds is not known before its rows are."""
    polars = _polars()
    first, *rest = column.split(".")
    found = schema.get(first)
    for part in rest:
        if isinstance(found, polars.Map):
            return True
        found = found.to_schema().get(part) if isinstance(found, polars.Struct) else None
    return found is not None


def frames(path: Path, name: str, start: int) -> Iterator[Any]:
    """Rows from `start` (0 is the first), as frames of some thousand rows.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: the file cannot be read to its end.
    """
    polars = _polars()
    try:
        for frame in polars.scan_parquet(path, glob=False).slice(start).collect_batches(chunk_size=_BATCH):
            if frame.height:
                yield frame
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"cannot read {name} to its end: it is damaged ({type(e).__name__})") from None
    except polars.exceptions.PanicException:
        raise _unknown_type(name) from None


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
