"""Rows of a Parquet file, streamed batch by batch. With `frames`, the only user of polars (extra: files)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.errors import MissingExtra, ReconcilerError

_BATCH = 20_000


def columns(path: Path, name: str) -> list[str]:
    """Names of the columns.

    Raises:
        MissingExtra: polars is not installed.
        ReconcilerError: it is not a Parquet file.
    """
    polars = _polars()
    try:
        return list(polars.read_parquet_schema(path))
    except polars.exceptions.PolarsError as e:
        raise ReconcilerError(f"{name} is not a Parquet file: {_first_line(e)}") from None


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
        raise ReconcilerError(f"cannot read {name}: {_first_line(e)}") from None


def _polars() -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("Parquet sources", "files") from None
    return polars


def _first_line(e: Exception) -> str:
    return next(iter(str(e).splitlines()), type(e).__name__)
