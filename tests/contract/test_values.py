"""The table of docs/sources.md, "How values are written", against real Parquet files, PostgreSQL and SQLite: the bytes that are sent."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.scan.spool import Spools
from reconciler.errors import ReconcilerError
from reconciler.model.load import Scan
from reconciler.model.source import Identifier, Query, SourceDefinition
from tests.support.postgres import execute, new_database

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
    ("TIME '24:00:00'", None),
    ("TIME '23:59:59.999999'", '"23:59:59.999999"'),
    ("TIME '00:00:00'", '"00:00:00"'),
    ("TIME_NS '01:02:03.123456789'", '"01:02:03.123456789"'),
    ("TIMETZ '12:00:00+02'", '"10:00:00"'),
    ("[TIME '01:02:03', NULL]", '["01:02:03",null]'),
    ("[TIME '01:02:03', TIME '24:00:00']", None),
    ("{'t': TIME '01:02:03', 'd': DATE '2026-11-25'}", '{"t":"01:02:03","d":"2026-11-25"}'),
    ("MAP {TIME '01:02:03': 1.50::DECIMAL(4,2)}", '{"01:02:03":1.50}'),
    ('INTERVAL 3 MONTH', None),
    ("{'i': [INTERVAL 3 MONTH]}", None),
    ('\'{"a": 1.10, "b": [1e2]}\'::JSON', '{"a":1.10,"b":[1e2]}'),
    ('\'"x"\'::JSON', '"x"'),
    ("'12345678901234567.89'::JSON", '12345678901234567.89'),
    ("'null'::JSON", 'null'),
    ('\'{"a": 1, "a": 2}\'::JSON', None),
    ("['1'::JSON, NULL]", '[1,null]'),
    ("UUID '6f1c0000-0000-4000-8000-00000000000a'", '"6f1c0000-0000-4000-8000-00000000000a"'),
    ("{'u': [UUID '6f1c0000-0000-4000-8000-00000000000a']}", '{"u":["6f1c0000-0000-4000-8000-00000000000a"]}'),
    ("MAP {UUID '6f1c0000-0000-4000-8000-00000000000a': '[1]'::JSON}", '{"6f1c0000-0000-4000-8000-00000000000a":[1]}'),
    ('170141183460469231731687303715884105727::HUGEINT', '1.7014118346046923e38'),
    ("'0101'::BIT", '"0101"'),
    ("'\\xAA'::BLOB", None),
    ("TIMESTAMP '2026-11-25 01:02:03'", '"2026-11-25T01:02:03"'),
    ("DATE 'infinity'", None),
    ("'a'::ENUM('a', 'b')", '"a"'),
    ('12345678901234567890123456789012345.678::DECIMAL(38,3)', '12345678901234567890123456789012345.678'),
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


def named(expected: str | None) -> str | None:
    """Whom a value names that is sent so as a property; None where it cannot name anybody."""
    if expected is None or (not expected.startswith('"') and not expected.lstrip("-").isdigit()):
        return None
    return str(json.loads(expected)) or None


ACCOUNT = SOURCE.identify_by[0]
WHO: list[tuple[str, dict[str, object]]] = [
    ("user_account_id", {"identify_by": (replace(ACCOUNT, column="v"),)}),
    ("email_hash", {"identify_by": (Identifier(kind="email_hash", column="v"),)}),
    ("user_profile", {"identify_by": (Identifier(kind="email_hash", column="id"),), "owner": replace(ACCOUNT, column="v")}),
    ("user_account_id", {"identify_by": (replace(ACCOUNT, column="v"), Identifier(kind="email_hash", column="none"))}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), PARQUET)
def test_whom_a_value_of_parquet_names(value: str, expected: str | None, tmp_path: Path) -> None:
    select = f"SELECT 'u1' AS id, NULL::VARCHAR AS none, 1 AS n, {value} AS v"
    with duckdb.connect() as db:
        db.execute(f"COPY ({select}) TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")
    for field, fields in WHO:
        source = replace(SOURCE, **fields)  # type: ignore[arg-type]
        found = scan(tmp_path, source)
        data = b"".join(b"".join(chunk_pieces(tmp_path, found.files, source, c)) for c in found.chunks)
        who = named(expected)
        if field == "user_profile" and expected in ("", '""', "null"):
            assert "$user_account_id" not in json.loads(data)["user_profile"]  # nobody owns it
        elif who is None:
            assert (data, found.rejected) == (b"", 1)
        else:
            command = json.loads(data)
            owner = command["user_profile"].get("$user_account_id")
            assert (owner if field == "user_profile" else command[field], found.rejected) == (who, 0)


@pytest.mark.parametrize("nulls", [None, "keep"])
def test_uuids_of_many_rows_are_those_of_each(nulls: str | None, tmp_path: Path) -> None:
    """Column by column, and row by row; absent ones among them."""
    with duckdb.connect() as db:
        db.execute(
            "COPY (SELECT gen_random_uuid() AS id, CASE WHEN i % 3 > 0 THEN gen_random_uuid() END AS v FROM range(50) t(i))"
            f" TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)"
        )
        rows = db.execute(f"SELECT id::VARCHAR, v::VARCHAR FROM '{tmp_path / 'x.parquet'}'").fetchall()
    source = replace(SOURCE, nulls=nulls, rename={})
    by_row = replace(source, constants={"x.y": 1})
    made = []
    for one in (source, by_row):
        found = scan(tmp_path, one)
        data = b"".join(b"".join(chunk_pieces(tmp_path, found.files, one, c)) for c in found.chunks)
        commands = [json.loads(x) for x in data.splitlines()]
        made.append([(c["user_account_id"], c["user_profile"].get("v")) for c in commands])
        assert all(
            ("v" in c["user_profile"]) == (nulls == "keep" or v is not None)
            for c, (_, v) in zip(commands, rows, strict=True)
        )
    assert made == [rows, rows]


def check(expected: str | None, values: list[bytes], found: Scan) -> None:
    if expected is None:
        assert (values, found.rejected) == ([], 1)
        (reject,) = found.rejects
        assert (reject.line, reject.column, reject.code) == (1, "v", "line-type")
    else:
        assert (values, found.rejected) == ([expected.encode()], 0)


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


def empty_database(folder: Path) -> str:
    """URL of an SQLite file without tables."""
    (folder / "x.db").touch()
    return f"sqlite:///{folder}/x.db"


def query(url: str, text: str, root: Path, **fields: object) -> tuple[list[bytes], Scan]:
    """The same for a query: read into a spool, and sent from there."""
    source = replace(SOURCE, format="sql", files=(), sql=Query(url=url, query=text), **fields)  # type: ignore[arg-type]
    spools = Spools(root / "spool", root, lambda _, said, __: str(said))
    return sent(root, spools.readable(source))


@pytest.fixture(scope="session")
def database() -> str:
    return new_database()


POSTGRES: list[tuple[str, str | None]] = [
    ("1::smallint", "1"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("true", "true"),
    ("1.10::numeric", "1.10"),
    ("12345678901234567.89::numeric", "12345678901234567.89"),
    ("0::numeric(30,10)", "0.0000000000"),
    ("1e4400::numeric", None),
    ("('1' || repeat('0', 4400))::numeric", None),
    ("1e300::numeric", "1" + "0" * 300),
    ("'NaN'::numeric", None),
    ("'-Infinity'::numeric", None),
    ("0.1::real", "0.1"),
    ("0.1::double precision", "0.1"),
    ("0.1::float8 + 0.2::float8", "0.30000000000000004"),
    ("ARRAY[0.1::float8 + 0.2::float8]", "[0.30000000000000004]"),
    ("1::real / 3::real", "0.33333334"),
    ("1e300::float8", "1e300"),
    ("'NaN'::float4", None),
    ("'Infinity'::float8", None),
    ("'a\"é\\'::text", '"a\\"é\\\\"'),
    ("'ab'::char(4)", '"ab  "'),
    ("'\\x00'::bytea", None),
    ("date '2026-11-25'", '"2026-11-25"'),
    ("date '0044-03-15 BC'", None),
    ("date '10000-01-01'", None),
    ("date 'infinity'", None),
    ("time '13:05'", '"13:05:00"'),
    ("time '13:05:00.5'", '"13:05:00.500000"'),
    ("time '24:00'", None),
    ("timetz '13:05:00+05:30'", '"13:05:00+05:30"'),
    ("timestamp '2026-11-25 13:05:00.123456'", '"2026-11-25T13:05:00.123456"'),
    ("timestamp '10000-01-01 00:00'", None),
    ("timestamp '-infinity'", None),
    ("timestamptz '2026-11-25 13:05:00+02'", '"2026-11-25T11:05:00Z"'),
    ("timestamptz '1800-01-01 00:00:00+00'", '"1800-01-01T00:00:00Z"'),
    ("timestamptz '0001-01-01 00:00:00+00'", '"0001-01-01T00:00:00Z"'),
    ("timestamptz 'infinity'", None),
    ("timestamptz '0044-03-15 00:00:00+00 BC'", None),
    ("interval '1 day'", None),
    ("'6F1C0000-0000-0000-0000-000000000001'::uuid", '"6f1c0000-0000-0000-0000-000000000001"'),
    ("'10.0.0.1'::inet", '"10.0.0.1"'),
    ("int4range(1, 5)", '"[1,5)"'),
    ("ROW(1, 'a')", '"(1,a)"'),
    ("ARRAY[1, NULL]", "[1,null]"),
    ("ARRAY[[1.10, 2.0]]", "[[1.10,2.0]]"),
    ("ARRAY[date '2026-11-25', NULL]", '["2026-11-25",null]'),
    ("ARRAY[date 'infinity']", None),
    ("ARRAY[time '24:00']", None),
    ("ARRAY['{\"a\":1.10}'::jsonb]", '[{"a":1.10}]'),
    ("ARRAY[]::text[]", "[]"),
    ("'12345678901234567.89'::json", "12345678901234567.89"),
    ("'{\"a\":1.10,\"b\":[1e5]}'::json", '{"a":1.10,"b":[1e5]}'),
    ("'{\"a\":1.10}'::jsonb", '{"a":1.10}'),
    ("'1e4400'::jsonb", None),
    ("'{\"a\":1,\"a\":2}'::json", None),
    ("(repeat('[', 990) || repeat(']', 990))::json", None),
    ("'null'::json", "null"),
    ("'{\"a\":null,\"b\":[null]}'::jsonb", '{"a":null,"b":[null]}'),
    ("ARRAY[NULL, 'null', '{\"a\":null}']::json[]", '[null,null,{"a":null}]'),
    ("NULL::int", ""),
]  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_postgresql(zone: str, database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'")  # type: ignore[call-overload]
        connection.execute(f"ALTER DATABASE {name} SET datestyle = 'German'")  # type: ignore[call-overload]
        connection.execute(f"ALTER DATABASE {name} SET extra_float_digits = -15")  # type: ignore[call-overload]
    for number, (value, expected) in enumerate(POSTGRES):
        root = tmp_path / str(number)
        root.mkdir()
        try:
            check(expected, *query(database, f"SELECT 'u1' AS id, {value} AS v", root))
        except (AssertionError, ReconcilerError) as e:
            raise AssertionError(value) from e


def test_a_database_that_promises_nothing_about_bytes(tmp_path: Path) -> None:
    url = new_database("ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    execute(url, "CREATE TYPE mood AS ENUM ('ok')")
    text = "SELECT 'u1' AS id, v FROM (VALUES (chr(195) || chr(169)), (chr(255)), ('ok')) AS t (v)"
    values, found = query(url, text, tmp_path)
    assert (values, [(r.line, r.column) for r in found.rejects]) == (['"é"'.encode(), b'"ok"'], [(2, "v")])
    for number, value in enumerate(
        (
            "'ok'::mood",
            "ARRAY[chr(195) || chr(169)]",
            "'x'::varchar",
            "('\"' || chr(195) || chr(169) || '\"')::json",
        )
    ):
        values, found = query(url, f"SELECT 'u1' AS id, {value} AS v", tmp_path / str(number))
        assert (len(values), found.rejected) == (1, 0), value
    with pytest.raises(ReconcilerError, match="letters that the encoding of the database has not"):
        query(url, "SELECT 'é' AS id, 1 AS v", tmp_path / "letters")


def test_a_bad_row_among_good_ones(database: str, tmp_path: Path) -> None:
    text = "SELECT 'u1' AS id, CASE WHEN n = 2000 THEN date 'infinity' ELSE date '2026-01-01' + n END AS v FROM generate_series(1, 5000) n"
    values, found = query(database, text, tmp_path)
    assert (len(values), [(r.line, r.column) for r in found.rejects]) == (4999, [(2000, "v")])
    values, found = query(database, text, tmp_path / "left-out", exclude=("v",))
    assert len(values) == 5000


SQLITE: list[tuple[str, str | None]] = [
    ("9223372036854775807", "9223372036854775807"),
    ("0.1", "0.1"),
    ("1e300", "1e300"),
    ("9e999", None),
    ("'é'", '"é"'),
    ("CAST(x'ff' AS TEXT)", None),
    ("x'00'", None),
    ("'2026-11-25'", '"2026-11-25"'),
    ("'{\"a\":1.10}'", '"{\\"a\\":1.10}"'),
    ("NULL", ""),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), SQLITE)
def test_sqlite(value: str, expected: str | None, tmp_path: Path) -> None:
    check(expected, *query(empty_database(tmp_path), f"SELECT 'u1' AS id, {value} AS v", tmp_path))


def test_json_in_a_text_column(tmp_path: Path) -> None:
    text = "SELECT 'u1' AS id, '{\"a\":1.10}' AS v"
    assert query(empty_database(tmp_path), text, tmp_path, types={"v": "json"})[0] == [b'{"a":1.10}']


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"include": ("w",)}, "the query has no column 'w'"),
        ({"exclude": ("emial",)}, "the query has no column 'emial'"),
        ({"rename": {"w": "x"}}, "the query has no column 'w'"),
        ({"types": {"w": "json"}}, "the query has no column 'w'"),
        ({"rename": {"v": "k"}, "constants": {"k": 1}}, "both become the property 'k'"),
        ({"include": ("v.a.c",)}, "no row has the field 'v.a.c'"),
    ],
)
def test_names_are_held_against_the_cursor(
    fields: dict[str, object], words: str, database: str, tmp_path: Path
) -> None:
    text = "SELECT 'u1' AS id, '{\"a\":{\"b\":1}}'::jsonb AS v"
    with pytest.raises(ReconcilerError, match=words):
        query(database, text, tmp_path, **fields)
    source_is_empty = query(database, f"{text} LIMIT 0", tmp_path / "empty", include=("v.a.c",))
    assert source_is_empty[1].lines == 0


def test_a_copy_of_a_query_that_cannot_be_read_is_not_read_for_ever(tmp_path: Path) -> None:
    source = replace(SOURCE, format="sql", files=(), sql=Query(url=empty_database(tmp_path), query="q"))
    texts = ["SELECT 'u1' AS id, '{\"a\":1}' AS v", "SELECT 'u1' AS id, '{\"b\":1}' AS v"]
    source = replace(source, include=("v.b",), nulls="keep")

    def read(text: str) -> Scan:
        spools = Spools(
            tmp_path / "spool",
            tmp_path,
            lambda what, _, __: text if "query" in what else empty_database(tmp_path),
        )
        scans = Scans(tmp_path, lambda *_: None, spools=spools)
        return scans.get(scans.readable(source))

    with pytest.raises(ReconcilerError, match="no row has"):
        read(texts[0])
    assert list((tmp_path / "spool").iterdir()) == []
    with pytest.raises(ReconcilerError, match="no row has"):  # text, not JSON, to this day
        read(texts[1])
    (tmp_path / "spool" / "s-0").mkdir()
    (tmp_path / "spool" / "s-0" / "0000.rows").write_text('{"id":"u1"}\n{"id":\n["line-type","r","v"]\n')
    kept = replace(SOURCE, format="spool", files=("spool/s-0/0000.rows",))
    found = scan(tmp_path, kept)
    assert [(r.line, r.code) for r in found.rejects] == [(2, "line-json"), (3, "line-type")]
    assert found.sent == 1
