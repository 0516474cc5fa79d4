"""The law of limits: a value of Parquet at, below or above the limits of its type is sent as it is stored, or rejects its row, or stops the source.

It never becomes null, nor another value, whatever the footer says of its type.
"""

import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars
import pytest

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
