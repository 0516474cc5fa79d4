"""Parquet of every type, as pyarrow writes it: the JSON of each value, or one rejected row with its column; no entry of a map is lost.

The files below tests/data/parquet are pyarrow's, as polars cannot write a map with one key twice, 24:00, or decimals of 256 bits: `types.parquet` with a column for
each type, its second row mostly null; `types_plain.parquet` the same without pyarrow's own schema, so that durations are integers.
"""

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path

import polars
import pytest

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources import parquet_footer, thrift
from reconciler.errors import ReconcilerError
from reconciler.model.source import Identifier, SourceDefinition, Update

FILES = Path(__file__).parent.parent / "data" / "parquet"
SOURCE = SourceDefinition(
    workspace="w", source="s", files=("types.parquet",), format="parquet", update=Update(force_replace=True), allow="100%",
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
)  # fmt: skip
DURATION, BINARY = "a duration", "binary data"
TWICE = "a map with one key twice"
FIRST = {
    "int8": "1", "uint64": "18446744073709551615", "half": "0.099975586", "f32": "0.1", "dec32": "1.10", "bool": "true",
    "lstr": '"é"', "bin": BINARY, "fbin": BINARY, "date64": '"2026-11-25T00:00:00"', "t32s": '"13:05:00"',
    "t64ns": '"00:00:00.000000001"', "ts_s": '"2026-11-25T01:02:03"', "ts_ns_tz": '"1970-01-01T00:00:00.000000001Z"',
    "ts_us_tz": '"1970-01-01T00:00:00.000001Z"', "dur_s": DURATION, "dur_ns": DURATION, "dict": '"a"', "list": DURATION,
    "flist": "[1,2]", "llist": '["a"]', "null": None, "struct": '{"m":{"x":"1970-01-02"}}', "map_dur": DURATION,
    "map_ts": '{"a":"1970-01-01T00:00:00.000000001"}', "map_map": TWICE, "map_int": '{"1":[{"k":"v"}]}',
    "map_bool": '{"true":"x"}', "map_dup": TWICE, "map_samedup": TWICE, "map_dict": '{"a":"x"}',
    "sview": '"a long string view value"', "bview": BINARY,
}  # fmt: skip
PLAIN = FIRST | {
    "date64": '"2026-11-25"', "dur_s": "1", "dur_ns": "1", "list": "[1]", "map_dur": '{"a":1}',
}  # fmt: skip
SECOND = {
    "llist": "[]", "map_dur": "{}", "map_dup": '{"a":1}', "map_samedup": '{"a":1}', "map_dict": '{"b":"y"}',
}  # fmt: skip

LATE = "a time that is not before 24:00"


def sent(folder: Path, source: SourceDefinition) -> tuple[list[str], list[tuple[int, str | None, str]]]:
    """What of the profiles is sent, and what is rejected."""
    found = scan(folder, source)
    data = b"".join(b"".join(chunk_pieces(folder, found.files, source, c)) for c in found.chunks).decode()
    profiles = [line.partition('"$user_account_id":')[2] for line in data.splitlines()]
    return [p.partition(",")[2].removesuffix("}}") for p in profiles], [
        (r.line, r.column, r.reason) for r in found.rejects
    ]


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("file", ["types.parquet", "types_plain.parquet"])
def test_every_type(file: str, name: str) -> None:
    expected = (FIRST if file == "types.parquet" else PLAIN)[name]
    source = replace(SOURCE, files=(file,), include=(name,))
    rows, rejects = sent(FILES, source)
    last = f'"{name}":{SECOND[name]}' if name in SECOND else ""
    if expected in (DURATION, BINARY, TWICE):
        assert rejects == [(1, name, f"column '{name}' holds {expected}")]
        assert rows == [last]
    else:
        assert rejects == []
        assert rows == [f'"{name}":{expected}' if expected else "", last]


def test_a_column_that_is_not_sent_rejects_nothing() -> None:
    rows, rejects = sent(FILES, replace(SOURCE, include=("int8",)))
    assert (rows, rejects) == (['"int8":1', ""], [])


def test_decimals_of_any_number_of_digits() -> None:
    rows, rejects = sent(FILES, replace(SOURCE, files=("wide_decimal.parquet",)))
    assert (rows, rejects) == (['"x":' + "1" * 50 + ".00"], [])
    rows, rejects = sent(FILES, replace(SOURCE, files=("wide_decimals.parquet",)))
    assert rejects == []
    assert rows == ['"x":-0.' + "0" * 39 + "1" * 21 + ',"l":[1.5,null]', '"x":0.' + "0" * 60]


@pytest.mark.parametrize("bits", [32, 64, 128, 256])
def test_decimals_within_other_columns(bits: int) -> None:
    """Whatever width the schema of Arrow says that the file has with it: the same values in a list, an object, at any depth."""
    names = {"list": "[{},1.10]", "fixed": "[{},1.10]", "struct": '{{"a":{},"b":1}}', "deep": '[{{"a":[{}]}}]', "plain": "{}"}  # fmt: skip
    for name, form in names.items():
        column = f"{name}{bits}"
        source = replace(SOURCE, files=("decimals_within.parquet",), include=(column,))
        rows, rejects = sent(FILES, source)
        assert rejects == []
        absent = {"struct": '{"b":1}', "plain": None}.get(name, form.format("null"))
        found = [form.format(v) for v in ("0.01", "9.99")] + [absent, form.format("-0.05")]
        assert rows == [f'"{column}":{x}' if x else "" for x in found], column


@pytest.mark.parametrize("file", ["int96.parquet", "int96_plain.parquet", "int96_zoned.parquet"])
def test_instants_of_96_bits(file: str) -> None:
    """As Spark and Hive write them, for years that no count of nanoseconds reaches, too."""
    rows, rejects = sent(FILES, replace(SOURCE, files=(file,)))
    zone = "Z" if "zoned" in file else ""
    assert rejects == []
    assert rows == [
        f'"t":"9999-12-31T23:59:59.123456{zone}","l":["9999-12-31T23:59:59{zone}",null]',
        f'"t":"2026-11-25T01:02:03.000005{zone}"',
        f'"t":"0001-01-01T00:00:00{zone}"',
        "",
    ]


def test_instants_of_a_zone_that_is_an_offset() -> None:
    """As pandas writes what it has from a database."""
    rows, rejects = sent(FILES, replace(SOURCE, files=("offset.parquet",)))
    assert (rows, rejects) == (['"t":"1970-01-01T00:00:00.000001Z","l":["1970-01-01T00:00:00Z"]'], [])


def test_instants_of_an_offset_beside_a_map() -> None:
    """A map is why the file is read by another footer, which has no zones."""
    rows, rejects = sent(FILES, replace(SOURCE, files=("offsets_within.parquet",)))
    one = '"1970-01-01T00:00:00.00000{}Z"'.format
    zero = '"1970-01-01T00:00:00Z"'
    assert (rows, rejects) == ([f'"t":{one(1)},"l":[{zero}],"m":{{"k":{one(2)}}},"s":{{"a":{one(3)}}}'], [])


@pytest.mark.parametrize(
    ("file", "text"),
    [("seconds", "1970-01-01T01:01:01"), ("seconds_zoned", "1970-01-01T01:01:01Z"), ("seconds_of_day", "01:01:01")],
)  # fmt: skip
def test_seconds_are_seconds_or_stop_the_source(file: str, text: str) -> None:
    """Parquet has no type for them; the schema of Arrow beside it does, as Arrow's library for Rust writes it."""
    rows, rejects = sent(FILES, replace(SOURCE, files=(f"{file}.parquet",)))
    assert (rows, rejects) == ([f'"t":"{text}","l":["{text}"]', '"l":[]'], [])
    with pytest.raises(ReconcilerError, match="unit is not known"):
        scan(FILES, replace(SOURCE, files=(f"{file}_beside_map.parquet",)))


def test_what_the_library_writes_is_read_as_before(tmp_path: Path) -> None:
    frame = polars.DataFrame(
        {"id": [f"u{n}" for n in range(15_000)], "n": range(15_000), "m": [{"k": n, "é": None} for n in range(15_000)]},
        schema_overrides={"m": polars.Map(polars.String, polars.Int64)},
    )  # fmt: skip
    frame.write_parquet(tmp_path / "types.parquet", row_group_size=2_100)
    rows, rejects = sent(tmp_path, SOURCE)
    assert rejects == []
    assert rows == [f'"n":{n},"m":{{"k":{n}}}' for n in range(15_000)]


def test_a_footer_is_changed_where_it_must_be_and_once() -> None:
    data = (FILES / "types.parquet").read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - size : -8]
    changed = parquet_footer.readable(footer).data
    assert changed != footer
    assert parquet_footer.readable(changed).data == changed


def test_milliseconds_of_a_day(tmp_path: Path) -> None:
    """`times.parquet` counts them; the last of its rows has 24:00."""
    rows, rejects = sent(FILES, replace(SOURCE, files=("times.parquet",)))
    assert rows == ['"t":"00:00:00"', '"t":"23:59:59.999000"']
    assert rejects == [(3, "t", f"column 't' holds {LATE}")]


@pytest.mark.parametrize("cut", [1, 9, 100, 2_000])
def test_a_damaged_file_with_maps_is_an_error(cut: int, tmp_path: Path) -> None:
    shutil.copy(FILES / "types.parquet", tmp_path)
    path = tmp_path / "types.parquet"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ReconcilerError, match=r"types\.parquet"):
        scan(tmp_path, SOURCE)


def _counted(path: Path, *, file: bytes, group: bytes) -> None:
    """Write a file of three rows in which its footer and its group have these counts of them."""
    polars.DataFrame({"id": ["u1", "u2", "u3"]}).write_parquet(path)
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    begin = len(data) - 8 - size
    footer = data[begin:-8]
    fields = {f.number: f for f in thrift.fields(footer, 0)}
    (at,) = thrift.structs(footer, fields[4].begin)
    inner = next(f for f in thrift.fields(footer, at) if f.number == 3)
    changed = bytearray(footer)
    changed[fields[3].begin : fields[3].end], changed[inner.begin : inner.end] = file, group
    path.write_bytes(data[:begin] + bytes(changed) + data[-8:])


ONE, THREE, FIVE = b"\x02", b"\x06", b"\x0a"


@pytest.mark.parametrize("file", [ONE, THREE, FIVE])
@pytest.mark.parametrize("group", [ONE, THREE, FIVE])
def test_as_many_rows_as_the_footer_says_or_an_error(file: bytes, group: bytes, tmp_path: Path) -> None:
    """A panic in a thread of the library ends its batches as the end of a file does: the rest of the rows would vanish."""
    _counted(tmp_path / "types.parquet", file=file, group=group)
    if file != group:
        with pytest.raises(ReconcilerError, match="the groups of rows"):
            scan(tmp_path, SOURCE)
        return
    allowed = contextlib.nullcontext() if group == THREE else contextlib.suppress(ReconcilerError)
    with allowed:
        assert sent(tmp_path, SOURCE) == ([""] * {ONE: 1, THREE: 3, FIVE: 5}[file], [])


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_any_bytes_are_a_footer_or_an_error(at: int) -> None:
    data = bytearray((FILES / "types.parquet").read_bytes()[-3000:-8])
    data[at : at + 3] = b"\xff\xfe\x00"
    for begin in (0, at):
        try:
            parquet_footer.readable(bytes(data[begin:]))
        except thrift.Damaged:
            continue
