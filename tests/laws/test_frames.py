"""Lines made column by column are the lines that the rule makes row by row, byte for byte; or none."""

import datetime
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records import frames
from reconciler.bulk.scan import check
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.check import checker
from reconciler.bulk.sources import csv_framing
from reconciler.bulk.sources.csv_framing import Framer
from reconciler.bulk.sources.segments import Segment, segments
from reconciler.model.source import Dialect, Identifier, SourceDefinition, Update

ACCOUNT = Identifier(kind="user_account_id", column="id", compartment="c")
SOURCE = SourceDefinition(
    workspace="w", source="s", files=("x",), format="csv", identify_by=(ACCOUNT,), compartments={"c": "7"}
)
sources = st.sampled_from(
    [
        SOURCE,
        replace(SOURCE, compartments={"c": None}, update=Update(force_replace=True)),
        replace(SOURCE, types={"n": "integer", "x": "number", "b": "boolean"}),
        replace(SOURCE, include=("n", "id"), rename={"n": "m"}, constants={"k": [1, "é"]}),
        replace(SOURCE, exclude=("b",), update=Update(force_replace=False, merge_objects=True)),
        replace(SOURCE, identify_by=(Identifier(kind="email_hash", column="id"),)),
        replace(SOURCE, identify_by=(Identifier(kind="email_hash", column="id"),), owner=replace(ACCOUNT, column="n")),
        replace(SOURCE, rename={"n": "x"}),
        replace(SOURCE, constants={"k.a": 1, "k.b": "é"}),
        replace(SOURCE, rename={"n": "$user_account_id"}),
        replace(SOURCE, max_bytes=110),
        replace(SOURCE, nulls="keep"),
        replace(SOURCE, update=Update(dialect="update_strategy", update_strategy="PARTIAL_UPDATE")),
    ]
)  # fmt: skip
cells = st.sampled_from(
    [
        "",
        "1",
        "-0",
        "01",
        "1.5",
        "1e5",
        "TRUE",
        "false",
        "a",
        "é",
        "a b",
        "\\",
        "\\n",
        "/",
        "\x7f",
        "\u2028",
        "\x01",
        "a\tb",
        "None",
    ]
)
rows = st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=12)


check.FRAME_FROM = 0  # frames for a few rows, too


def both(source: SourceDefinition, segment: Segment) -> tuple[Batch, Batch]:
    """The batch with frames, and without."""
    with_frames = checker(source, contents=True)(segment)
    mapper: Callable[..., Any] = frames.mapper
    try:
        frames.mapper = lambda _: None
        return with_frames, checker(source, contents=True)(segment)
    finally:
        frames.mapper = mapper


def framed(text: str, source: SourceDefinition) -> Segment:
    """All of a text as one segment."""
    framer = Framer(csv_framing.of(source.csv, "utf-8"))
    framer.extend(text.encode(), at_end=True)
    assert framer.advance(len(framer.window))
    return Segment(0, 10, framer.window, ("id", "n", "x", "b"), 0, tuple(framer.broken))


def same(one: Batch, other: Batch) -> None:
    assert one.data == other.data
    assert one.rejects == other.rejects
    assert (one.records, one.upserts, one.deletes, one.anonymous, one.compartments) == (
        other.records, other.upserts, other.deletes, other.anonymous, other.compartments,
    )  # fmt: skip
    assert one.safe == other.safe
    assert list(one.numbers or range(one.sent)) == list(other.numbers or range(other.sent))


@given(rows, sources, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from([",", ";"]))
def test_csv(
    found: list[tuple[str, ...]], source: SourceDefinition, end: str, last: bool, delimiter: str
) -> None:
    text = end.join(delimiter.join(r) for r in found) + (end if last else "")
    source = replace(source, csv=Dialect(delimiter=delimiter))
    same(*both(source, Segment(0, 10, text.encode(), ("id", "n", "x", "b"))))


@given(st.text('ab,"\n\r\0é;', max_size=40), sources)
def test_any_text_as_csv(text: str, source: SourceDefinition) -> None:
    if text:
        same(*both(source, framed(text, source)))


numbers = st.floats() | st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.1, 1e16, 1e-7, 123456789.123])
VALUES = {
    "id": (polars.Int64, st.integers(0, 10**12) | st.none()),
    "n": (polars.String, st.text(max_size=4) | st.none()),
    "x": (polars.Float64, numbers | st.none()),
    "b": (polars.Boolean, st.booleans() | st.none()),
    "d": (polars.Date, st.dates(datetime.date(1, 1, 1)) | st.none()),
    "t": (polars.Datetime("us", "UTC"), st.datetimes(datetime.datetime(1900, 1, 1), timezones=st.just(datetime.UTC)) | st.none()),
    "m": (polars.Decimal(20, 3), st.decimals(-(10**9), 10**9, places=3) | st.none()),
    "l": (polars.List(polars.Int64), st.lists(st.integers(0, 9) | st.none(), max_size=2) | st.none()),
    "s": (polars.Struct({"a": polars.Int64}), st.fixed_dictionaries({"a": st.integers(0, 9) | st.none()})),
    "u": (polars.Duration("us"), st.none() | st.just(datetime.timedelta(1))),
}  # fmt: skip


@given(st.data(), st.lists(st.sampled_from(sorted(set(VALUES) - {"id", "n"})), unique=True), sources)
def test_parquet(data: st.DataObject, columns: list[str], source: SourceDefinition) -> None:
    names = ["id", "n", *columns]
    if not {*source.types, *source.exclude, *(source.include or ())} <= set(names):
        return
    height = data.draw(st.integers(1, 5))
    made = {n: [data.draw(VALUES[n][1]) for _ in range(height)] for n in names}
    frame = polars.DataFrame(made, {n: VALUES[n][0] for n in names})
    source = replace(source, format="parquet", types={})
    same(*both(source, Segment(0, 0, frame=frame)))


def test_frames_are_used_for_what_is_usual(tmp_path: Path) -> None:
    text = "id,n,x,b\n" + "".join(f"c{i},é{i},{i}.5,true\n" for i in range(1000))
    (tmp_path / "x.csv").write_text(text)
    source = replace(SOURCE, files=("x.csv",), types={"x": "number", "b": "boolean"})
    (segment,) = segments(tmp_path, ["x.csv"], source)
    frame = frames.from_csv(segment.data, segment.columns or (), source)
    mapper = frames.mapper(source)
    assert mapper is not None
    assert mapper(frame, None).null_count() == 0
    assert json.loads(mapper(frame, None)[7])["user_profile"] == {
        "$compartment_id": "7", "$user_account_id": "c7", "n": "é7", "x": 7.5, "b": True,
    }  # fmt: skip


def test_a_frame_is_as_good_as_its_rows_through_a_whole_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        frame = polars.DataFrame(
            {"id": range(9000), "m": [Decimal("1.50")] * 9000, "n": ["a", None, 'q"'] * 3000}
        )
        frame.write_parquet(Path(folder) / "x.parquet")
        source = replace(SOURCE, files=("x.parquet",), format="parquet")
        for segment in segments(Path(folder), ["x.parquet"], source):
            same(*both(source, segment))
