"""The table of docs/sources.md, "How values are written", against real Parquet files, PostgreSQL and SQLite: the bytes that are sent."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from reconciler.bulk.scan.scan import chunk_pieces, scan
from reconciler.model.load import Scan
from reconciler.model.source import Identifier, SourceDefinition

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("x.parquet",), format="parquet", compartments={"c": "7"},
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),),
)  # fmt: skip
START = b'{"$compartment_id":"7","$user_account_id":"u1"'


def sent(root: Path, source: SourceDefinition) -> tuple[list[bytes], Scan]:
    """What stands for the column v in each line, as bytes; b"" where it is absent."""
    found = scan(root, source)
    data = b"".join(b"".join(chunk_pieces(root, found.files, source, c)) for c in found.chunks)
    values = []
    for line in data.splitlines():
        assert json.loads(line)
        rest = line[line.index(START) + len(START) :].removesuffix(b"}}")
        assert not rest or rest.startswith(b',"v":')
        values.append(rest.removeprefix(b',"v":'))
    return values, found


# A value of DuckDB, of which a Parquet file is made: what is sent, or None where the row is rejected.
PARQUET: list[tuple[str, str | None]] = [
    ("1::TINYINT", "1"),
    ("18446744073709551615::UBIGINT", "18446744073709551615"),
    ("(-9223372036854775808)::BIGINT", "-9223372036854775808"),
    ("true", "true"),
    ("0.1::FLOAT", "0.1"),
    ("16777216::FLOAT", "16777216.0"),
    ("1.1754944e-38::FLOAT", "1.1754944e-38"),
    ("3.4028235e38::FLOAT", "3.4028235e38"),
    ("[0.1::FLOAT, NULL]", "[0.1,null]"),
    ("{'a': 0.3::FLOAT}", '{"a":0.3}'),
    ("MAP {'a': 0.7::FLOAT}", '{"a":0.7}'),
    ("0.1::DOUBLE", "0.1"),
    ("1e300::DOUBLE", "1e300"),
    ("'nan'::DOUBLE", None),
    ("'-inf'::FLOAT", None),
    ("1.10::DECIMAL(10,2)", "1.10"),
    ("12345678901234567.89::DECIMAL(38,2)", "12345678901234567.89"),
    ("0::DECIMAL(38,10)", "0.0000000000"),
    ("'a\"é\\'", '"a\\"é\\\\"'),
    ("''", '""'),
    ("'x'::ENUM('x', 'y')", '"x"'),
    ("'x'::BLOB", None),
    ("DATE '2026-11-25'", '"2026-11-25"'),
    ("DATE '0001-01-01'", '"0001-01-01"'),
    ("DATE '9999-12-31'", '"9999-12-31"'),
    ("DATE '10000-01-01'", None),
    ("DATE '0044-03-15 (BC)'", None),
    ("[DATE '2026-11-25', NULL]", '["2026-11-25",null]'),
    ("TIME '13:05:00'", '"13:05:00"'),
    ("TIME '13:05:00.5'", '"13:05:00.500000"'),
    ("TIMESTAMP '2026-11-25 13:05:00'", '"2026-11-25T13:05:00"'),
    ("TIMESTAMP '1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999999"'),
    ("TIMESTAMP_NS '2026-11-25 13:05:00.123456789'", '"2026-11-25T13:05:00.123456789"'),
    ("TIMESTAMP_NS '2026-11-25 13:05:00.123456000'", '"2026-11-25T13:05:00.123456"'),
    ("TIMESTAMP_MS '2026-11-25 13:05:00.123'", '"2026-11-25T13:05:00.123000"'),
    ("TIMESTAMPTZ '2026-11-25 13:05:00+02'", '"2026-11-25T11:05:00Z"'),
    ("TIMESTAMP '10000-01-01 00:00:00'", None),
    ("{'at': TIMESTAMP_NS '2026-11-25 13:05:00.000000001'}", '{"at":"2026-11-25T13:05:00.000000001"}'),
    ("{'a': NULL::INTEGER, 'b': 1}", '{"b":1}'),
    ("[1, NULL]", "[1,null]"),
    ("[[1], []]", "[[1],[]]"),
    ("array_value(1, 2)", "[1,2]"),
    ("MAP {'a': 1, 'b': 2}", '{"a":1,"b":2}'),
    ("MAP {1: {'x': 1.10::DECIMAL(10,2)}}", '{"1":{"x":1.10}}'),
    ("MAP {DATE '2026-11-25': 1}", '{"2026-11-25":1}'),
    ("[MAP {'a': DATE '2026-11-25'}]", '[{"a":"2026-11-25"}]'),
    ("NULL::INTEGER", ""),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), PARQUET)
def test_parquet(value: str, expected: str | None, tmp_path: Path) -> None:
    select = f"SELECT 'u1' AS id, {value} AS v"
    with duckdb.connect() as db:
        db.execute(f"COPY ({select}) TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")
    check(expected, *sent(tmp_path, SOURCE))
    odd = replace(SOURCE, rename={"v": "x.v"}, files=("x.parquet",))  # asked row by row
    assert scan(tmp_path, odd).rejected == (expected is None)


def check(expected: str | None, values: list[bytes], found: Scan) -> None:
    if expected is None:
        assert (values, found.rejected) == ([], 1)
        (reject,) = found.rejects
        assert (reject.line, reject.column, reject.code) == (1, "v", "line-type")
    else:
        assert (values, found.rejected) == ([expected.encode()], 0)


def test_a_type_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    from reconciler.errors import ReconcilerError

    with duckdb.connect() as db:
        db.execute(
            f"COPY (SELECT 'u1' AS id, INTERVAL 1 DAY AS v) TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)"
        )
    with pytest.raises(ReconcilerError, match="a type that polars cannot read"):
        scan(tmp_path, SOURCE)


TEXT: list[tuple[str, str | None]] = [  # a text of JSON that both NDJSON and a cell of CSV hold
    ("12345678901234567.89", "12345678901234567.89"),
    ("1.10", "1.10"),
    ("1e5", "1e5"),
    ("-0", "0"),
    ("-0.0", "-0.0"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1e4400", None),
    ("1e-4400", None),
    ("9" * 4401, None),
    ("0." + "9" * 4401, None),
    ('{"a":{"b":1.10}}', '{"a":{"b":1.10}}'),
    ("[" * 60 + "]" * 60, "[" * 60 + "]" * 60),
    ("[" * 990 + "]" * 990, None),
    ("[" * 9000 + "]" * 9000, None),
    ('{"a":1,"a":2}', None),
    ('{"b":{"a":1,"\\u0061":2}}', None),
    ('{"a":1,"a":1}', '{"a":1}'),
    ('"\\ud800"', None),
    ("NaN", None),
]


@pytest.mark.parametrize(("text", "expected"), TEXT)
def test_json_in_ndjson_and_in_csv(text: str, expected: str | None, tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text(f'{{"id":"u1","v":{text}}}\n')
    values, found = sent(tmp_path, replace(SOURCE, format="ndjson", files=("x.ndjson",)))
    assert (values, found.rejected) == ([expected.encode()] if expected is not None else [], expected is None)
    quoted = '"' + text.replace('"', '""') + '"'
    (tmp_path / "x.csv").write_text(f"id,v\nu1,{quoted}\n")
    check_csv = replace(SOURCE, format="csv", files=("x.csv",), types={"v": "json"})
    values, found = sent(tmp_path, check_csv)
    assert (values, [r.column for r in found.rejects]) == (
        ([expected.encode()], []) if expected is not None else ([], ["v"])
    )
    if text.strip("-0123456789.e") == "":
        assert sent(tmp_path, replace(check_csv, types={"v": "number"}))[0] == values
