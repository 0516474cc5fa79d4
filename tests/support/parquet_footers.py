"""Parquet files whose footers say something else of their columns than polars writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars

from reconciler.bulk.sources import parquet_footer, thrift
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


def with_last_column(
    path: Path,
    frame: polars.DataFrame,
    fields: Mapping[int, Any],
    *,
    statistics: bool = True,
    before: int = 0,
) -> None:
    """Write a frame whose last column is, in the file, of another type; there is no schema of Arrow.

    Args:
        path: of the file.
        frame: its rows.
        fields: of Thrift, each a number, a byte, a boolean or a struct of such fields.
        statistics: the file tells the least and the greatest value of each column.
        before: how many columns without columns in them are behind the one that is meant.
    """
    frame.write_parquet(path, statistics=statistics)
    data = footer(path.read_bytes())
    schema = next(f for f in thrift.fields(data, 0) if f.number == 2)
    begins = list(thrift.structs(data, schema.begin))
    begin = begins[-1 - before]
    end = thrift.skip(data, 12, begin)
    said = {n: _field(v) for n, v in fields.items()}
    kept = {n: v for n, v in _parts(data, begin).items() if n not in (6, 7, 8, 10)}
    changed = data[schema.begin : begin] + parquet_footer._written(kept | said) + data[end : schema.end]
    parts = _parts(data)
    parts[2] = _Value(parts[2].kind, changed)
    with_footer(path, parquet_footer._written({n: v for n, v in parts.items() if n != 5}))


def with_rows(path: Path, rows: int, *, groups: bool) -> None:
    """Give a file of one group a footer that counts other rows, and the group as well, if wanted."""
    parts = _parts(footer(path.read_bytes()))
    parts[3] = _Value(6, _zigzag(rows))
    if groups:
        listed = parts[4].data
        group = _parts(listed, 1)
        group[3] = _Value(6, _zigzag(rows))
        parts[4] = _Value(parts[4].kind, listed[:1] + parquet_footer._written(group))
    with_footer(path, parquet_footer._written(parts))


def _parts(data: bytes, at: int = 0) -> dict[int, _Value]:
    return {f.number: _Value(f.kind, data[f.begin : f.end]) for f in thrift.fields(data, at)}


def _field(value: Any) -> _Value:
    match value:
        case bool():
            return _Value(thrift.TRUE if value else thrift.FALSE, b"")
        case int():
            return _Value(_INTEGER, _zigzag(value))
        case bytes():
            return _Value(3, value)
        case _:
            return _Value(thrift.STRUCT, parquet_footer._written({n: _field(v) for n, v in value.items()}))


def _zigzag(value: int) -> bytes:
    assert 0 <= value < 64
    return bytes([value * 2])
