"""The law of limits: a value of Parquet at, below or above the limits of its type is sent as it is stored, or rejects its row, or stops the source.

It never becomes null, nor another value, whatever the footer says of its type.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest

from reconciler.bulk.sources import parquet
from reconciler.errors import ReconcilerError
from reconciler.model.source import Identifier, SourceDefinition, Update
from tests.support import parquet_footers
from tests.unit.test_parquet_types import FILES, sent

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("types.parquet",), format="parquet", update=Update(force_replace=True), allow="100%",
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
)  # fmt: skip
DAY, INT32, INT64 = 86_400, 1 << 31, 1 << 63
NO_MILLISECONDS = INT64 // 1_000 + 1


def _around(*limits: int, bits: int) -> list[int]:
    most = 1 << (bits - 1)
    found = {n + near for n in limits for near in (-1, 0, 1)} | {-most, most - 1}
    return sorted(n for n in found if -most <= n < most)


SECONDS = _around(0, DAY, 2 * DAY, -DAY, bits=32)
WRAPPED = 2**64 // 1_000 + 100  # times a thousand, it is a small number again
INSTANTS = _around(0, 253_402_300_800, -62_135_596_800, NO_MILLISECONDS, -NO_MILLISECONDS, WRAPPED, bits=64)


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize(
    ("file", "dtype", "value"),
    [("seconds_of_day", polars.Int32, n) for n in SECONDS]
    + [(f, polars.Int64, n) for n in INSTANTS for f in ("seconds", "seconds_zoned")],
)  # fmt: skip
def test_seconds_that_a_schema_of_arrow_tells(
    file: str, dtype: type[polars.DataType], value: int, within: bool, tmp_path: Path
) -> None:
    """The library makes a time that no day has to NULL, and wraps seconds when it makes milliseconds of them."""
    frame = polars.DataFrame(
        {"id": ["u1", "u2"], "t": [None if within else value, None], "l": [[None, value] if within else [], None]},
        schema={"id": polars.String, "t": dtype, "l": polars.List(dtype)},
    )  # fmt: skip
    parquet_footers.with_schema_of(tmp_path / "types.parquet", frame, FILES / f"{file}.parquet")
    if not (0 <= value < DAY if dtype == polars.Int32 else abs(value) < NO_MILLISECONDS):
        with pytest.raises(ReconcilerError, match="out of range"):
            sent(tmp_path, SOURCE)
        return
    rows, rejects = sent(tmp_path, SOURCE)
    if dtype == polars.Int64 and not -62_135_596_800 <= value < 253_402_300_800:
        assert [r[:2] for r in rejects] == [(1, "l" if within else "t")]
        assert rows == [""]
        return
    text = _text(value, file)
    assert rejects == []
    assert rows == [f'"l":[null,"{text}"]' if within else f'"t":"{text}","l":[]', ""]


def _text(seconds: int, file: str) -> str:
    """A second below year 10000, counted without the library."""
    days, rest = divmod(seconds, DAY)
    time = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    if file == "seconds_of_day":
        return time
    day = str(polars.Series([days], dtype=polars.Int32).cast(polars.Date).dt.to_string("%Y-%m-%d")[0])
    return f"{day}T{time}" + ("Z" if file == "seconds_zoned" else "")


@pytest.mark.parametrize(("digits", "scale"), [(1, 0), (1, 1), (4, 2), (9, 9), (9, 0), (9, 5)])
@pytest.mark.parametrize("bits", [32, 64])
def test_decimals_of_more_digits_than_the_footer_says(
    digits: int, scale: int, bits: int, tmp_path: Path
) -> None:
    """Such a decimal is sent with all of its digits; the library gives Python one that is rounded to those that are said."""
    some = random.Random(digits * bits)
    powers = [sign * 10**n for n in range(10 if bits == 32 else 19) for sign in (-1, 1)]
    stored = _around(*powers, bits=bits) + [some.randrange(-(1 << bits - 1), 1 << bits - 1) for _ in range(200)]  # fmt: skip
    dtype = polars.Int32 if bits == 32 else polars.Int64
    frame = polars.DataFrame(
        {"id": [f"u{n}" for n in range(len(stored))], "x": polars.Series(stored, dtype=dtype)}
    )
    parquet_footers.with_last_column(tmp_path / "types.parquet", frame, {6: 5, 7: scale, 8: digits})
    rows, rejects = sent(tmp_path, SOURCE)
    assert rejects == []
    assert rows == [f'"x":{format(Decimal(n).scaleb(-scale), "f")}' for n in stored]
    rows, rejects = sent(tmp_path, replace(SOURCE, include=()))
    assert (rows, rejects) == ([""] * len(stored), [])


def _logical(bits: int, signed: bool) -> dict[int, object]:
    return {10: {10: {1: bytes([bits]), 2: signed}}}


NARROW = {
    "INT_8": ({6: 15}, range(-(1 << 7), 1 << 7)), "INT_16": ({6: 16}, range(-(1 << 15), 1 << 15)),
    "UINT_8": ({6: 11}, range(1 << 8)), "UINT_16": ({6: 12}, range(1 << 16)),
    "INT(8, true)": (_logical(8, True), range(-(1 << 7), 1 << 7)),
    "INT(16, true)": (_logical(16, True), range(-(1 << 15), 1 << 15)),
    "INT(8, false)": (_logical(8, False), range(1 << 8)), "INT(16, false)": (_logical(16, False), range(1 << 16)),
    "both": ({6: 15} | _logical(16, True), range(-(1 << 15), 1 << 15)),
}  # fmt: skip
SHAPES: dict[str, tuple[polars.DataType | type[polars.DataType], Callable[[int | None], Any], str, str]] = {
    "": (polars.Int32, lambda v: v, '"x":{}', ""),
    "list": (polars.List(polars.Int32), lambda v: [7, v], '"x":[7,{}]', '"x":[7,null]'),
    "array": (polars.Array(polars.Int32, 2), lambda v: [7, v], '"x":[7,{}]', '"x":[7,null]'),
    "struct": (polars.Struct({"n": polars.Int32}), lambda v: {"n": v}, '"x":{{"n":{}}}', '"x":{}'),
    "deep": (
        polars.List(polars.Struct({"l": polars.List(polars.Int32)})), lambda v: [{"l": [7]}, {"l": [v]}],
        '"x":[{{"l":[7]}},{{"l":[{}]}}]', '"x":[{"l":[7]},{"l":[null]}]',
    ),
    "map": (polars.Map(polars.String, polars.Int32), lambda v: [{"key": "k", "value": v}], '"x":{{"k":{}}}', '"x":{}'),
}  # fmt: skip


@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize("within", SHAPES)
@pytest.mark.parametrize("name", NARROW)
def test_numbers_of_8_and_16_bits(name: str, within: str, statistics: bool, tmp_path: Path) -> None:
    """They are stored in 32 bits, and the library keeps the lowest ones: one that its type has not rejects its row."""
    fields, limits = NARROW[name]
    dtype, shape, written, absent = SHAPES[within]
    stored = _around(0, limits.start, limits.stop - 1, limits.stop, bits=32)
    column = polars.Series([shape(v) for v in [*stored, None]], dtype=dtype)
    _narrow_column(tmp_path / "types.parquet", column, fields, statistics=statistics)
    rows, rejects = sent(tmp_path, SOURCE)
    assert [r[:2] for r in rejects] == [(n + 1, "x") for n, v in enumerate(stored) if v not in limits]
    assert rows == [written.format(v) for v in stored if v in limits] + [absent]
    assert sent(tmp_path, replace(SOURCE, include=())) == ([""] * (len(stored) + 1), [])


@pytest.mark.parametrize("name", NARROW)
def test_keys_of_8_and_16_bits(name: str, tmp_path: Path) -> None:
    fields, limits = NARROW[name]
    stored = _around(0, limits.start, limits.stop - 1, limits.stop, bits=32)
    keyed = polars.Map(polars.Int32, polars.String)
    column = polars.Series([[{"key": v, "value": "v"}] for v in stored], dtype=keyed)
    _narrow_column(tmp_path / "types.parquet", column, fields, before=1)
    rows, rejects = sent(tmp_path, SOURCE)
    assert [r[:2] for r in rejects] == [(n + 1, "x") for n, v in enumerate(stored) if v not in limits]
    assert rows == [f'"x":{{"{v}":"v"}}' for v in stored if v in limits]


@pytest.mark.parametrize("name", NARROW)
def test_identifiers_of_8_and_16_bits(name: str, tmp_path: Path) -> None:
    """An account of a number that wrapped would be somebody else's."""
    fields, limits = NARROW[name]
    stored = _around(0, limits.start, limits.stop - 1, limits.stop, bits=32)
    _narrow_column(tmp_path / "types.parquet", polars.Series(stored, dtype=polars.Int32), fields)
    account = replace(SOURCE.identify_by[0], column="x")
    rows, rejects = sent(tmp_path, replace(SOURCE, identify_by=(account,)))
    assert len(rows) == sum(v in limits for v in stored)
    assert [r[:2] for r in rejects] == [(n + 1, "x") for n, v in enumerate(stored) if v not in limits]


@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize("name", NARROW)
def test_numbers_of_8_and_16_bits_that_all_fit(name: str, statistics: bool, tmp_path: Path) -> None:
    """The footer is asked first: where its statistics say so, the file is read as it is, with the same lines."""
    fields, limits = NARROW[name]
    stored = [n for n in _around(0, limits.start, limits.stop - 1, bits=32) if n in limits]
    path = tmp_path / "types.parquet"
    _narrow_column(path, polars.Series([*stored, None], dtype=polars.Int32), fields, statistics=statistics)
    assert (parquet.layout(path, "types.parquet").footer is None) == statistics
    rows, rejects = sent(tmp_path, SOURCE)
    assert (rows, rejects) == ([f'"x":{v}' for v in stored] + [""], [])


def _narrow_column(
    path: Path, column: polars.Series, fields: Mapping[int, Any], *, statistics: bool = True, before: int = 0
) -> None:
    frame = polars.DataFrame({"id": [f"u{n}" for n in range(len(column))], "x": column})
    parquet_footers.with_last_column(path, frame, fields, statistics=statistics, before=before)


@pytest.mark.parametrize(
    ("converted", "bits", "second"), [(7, 32, 1_000), (7, 64, 1_000), (8, 64, 1_000_000)]
)
def test_times_of_each_unit(converted: int, bits: int, second: int, tmp_path: Path) -> None:
    """Milliseconds in 64 bits, which the format has not, count as what they say."""
    stored = [0, second, 5, DAY * second - 1, DAY * second, -1]
    dtype = polars.Int32 if bits == 32 else polars.Int64
    frame = polars.DataFrame({"id": [f"u{n}" for n in range(6)], "x": polars.Series(stored, dtype=dtype)})
    parquet_footers.with_last_column(tmp_path / "types.parquet", frame, {6: converted})
    rows, rejects = sent(tmp_path, SOURCE)
    assert [r[:2] for r in rejects] == [(5, "x"), (6, "x")]
    part, last = ("005000", "999000") if second == 1_000 else ("000005", "999999")
    assert rows == [f'"x":"{t}"' for t in ("00:00:00", "00:00:01", f"00:00:00.{part}", f"23:59:59.{last}")]


@pytest.mark.parametrize("fewer", ["file", "groups"])
def test_fewer_rows_than_a_column_has(fewer: str, tmp_path: Path) -> None:
    """What a footer leaves out is not lost without a word, even where the file and its groups agree on it."""
    path = tmp_path / "types.parquet"
    frame = polars.DataFrame({"id": ["a", "b", "c"], "l": [[1, 2], [], [3]], "x": [1, None, 3]})
    frame.write_parquet(path)
    assert sent(tmp_path, SOURCE)[1] == []
    parquet_footers.with_rows(path, 2, groups=fewer == "groups")
    with pytest.raises(ReconcilerError, match="is damaged: "):
        sent(tmp_path, SOURCE)
