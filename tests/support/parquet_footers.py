"""Parquet files whose footers say something else of their columns than polars writes."""

from collections.abc import Mapping
from pathlib import Path

import polars

from reconciler.bulk.sources import parquet_footer
from reconciler.bulk.sources.parquet_footer import _Value

_INTEGER = 5


def footer(data: bytes) -> bytes:
    """Those bytes of a file."""
    size = int.from_bytes(data[-8:-4], "little")
    return data[-8 - size : -8]


def with_footer(path: Path, made: bytes) -> None:
    """Give a file another footer."""
    data = path.read_bytes()
    path.write_bytes(data[: -8 - len(footer(data))] + made + len(made).to_bytes(4, "little") + b"PAR1")


def with_schema_of(path: Path, frame: polars.DataFrame, other: Path) -> None:
    """Write a frame with the schema of Arrow that another file has."""
    frame.write_parquet(path)
    parts, theirs = (_parts(footer(p.read_bytes())) for p in (path, other))
    with_footer(path, parquet_footer._written(parts | {5: theirs[5]}))


def with_last_column(path: Path, frame: polars.DataFrame, fields: Mapping[int, int]) -> None:
    """Write a frame whose last column is, in the file, of another type: fields of Thrift, each a number; there is no schema of Arrow."""
    frame.write_parquet(path)
    data = footer(path.read_bytes())
    schema = next(f for f in parquet_footer._fields(data, 0) if f.number == 2)
    size, _, end = parquet_footer._list(data, schema.begin)
    for _ in range(size):
        begin, element = end, _parts(data, end)
        end = parquet_footer._skip(data, 12, begin)
    said = {n: _Value(_INTEGER, _zigzag(v)) for n, v in fields.items()}
    kept = {n: v for n, v in element.items() if n not in (6, 7, 8, 10)}
    changed = data[schema.begin : begin] + parquet_footer._written(kept | said) + data[end : schema.end]
    parts = _parts(data)
    parts[2] = _Value(parts[2].kind, changed)
    with_footer(path, parquet_footer._written({n: v for n, v in parts.items() if n != 5}))


def _parts(data: bytes, at: int = 0) -> dict[int, _Value]:
    return {f.number: _Value(f.kind, data[f.begin : f.end]) for f in parquet_footer._fields(data, at)}


def _zigzag(value: int) -> bytes:
    assert 0 <= value < 64
    return bytes([value * 2])
