"""Rows to commands: paths into nested objects, recipes for hashes, NULL, and numbers that keep their digits."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars
import pytest

from reconciler.bulk.records.lines import BadLine
from reconciler.bulk.records.mapping import row_mapper
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.errors import ReconcilerError
from reconciler.model.source import Identifier, Operation, SourceDefinition

ACCOUNT = Identifier(kind="user_account_id", column="id", compartment="c")
SOURCE = SourceDefinition(
    workspace="w",
    source="s",
    files=("x.ndjson",),
    format="ndjson",
    identify_by=(ACCOUNT,),
    compartments={"c": "7"},
)
ROW = {
    "id": "u1",
    "customer": {"id": "u9", "email": " Zoë@Example.org "},
    "address": {"city": "Lyon", "zip": "1", "geo": {"lat": 1, "lon": 2}},
    "a.b": "literal",
    "tier": "gold",
}


def profile(row: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The profile of a row, without its owner."""
    command = json.loads(row_mapper(replace(SOURCE, **fields))(row).data)
    return {k: v for k, v in command["user_profile"].items() if not k.startswith("$")}


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"include": ("address.city", "tier")}, {"address": {"city": "Lyon"}, "tier": "gold"}),
        ({"include": ("address.geo.lat", "address.geo.lon")}, {"address": {"geo": {"lat": 1, "lon": 2}}}),
        ({"include": ("a.b",)}, {"a.b": "literal"}),
        ({"include": ("address.nowhere", "tier")}, {"tier": "gold"}),
        ({"include": ("tier",), "rename": {"tier": "loyalty.tier"}}, {"loyalty": {"tier": "gold"}}),
        ({"include": ("address.city",), "rename": {"address.city": "town"}}, {"town": "Lyon"}),
        (
            {"exclude": ("customer", "a.b", "address.geo", "tier")},
            {"address": {"city": "Lyon", "zip": "1"}},
        ),
        (
            {"exclude": ("customer", "a.b", "tier"), "rename": {"address.geo.lat": "lat"}},
            {"address": {"city": "Lyon", "zip": "1", "geo": {"lon": 2}}, "lat": 1},
        ),
    ],
)  # fmt: skip
def test_paths(fields: dict[str, Any], made: dict[str, Any]) -> None:
    before = json.dumps(ROW)
    assert profile(ROW, **fields) == made
    assert json.dumps(ROW) == before


def test_an_identifier_at_a_path_is_no_property() -> None:
    nested = replace(ACCOUNT, column="customer.id")
    command = json.loads(row_mapper(replace(SOURCE, identify_by=(nested,)))(ROW).data)
    assert command["user_account_id"] == "u9"
    assert command["user_profile"]["customer"] == {"email": " Zoë@Example.org "}


@pytest.mark.parametrize(
    ("steps", "hashed"),
    [
        ((), " Zoë@Example.org "),
        (("trim",), "Zoë@Example.org"),
        (("trim", "lowercase"), "zoë@example.org"),
        (("uppercase",), " ZOË@EXAMPLE.ORG "),
    ],
)
@pytest.mark.parametrize("function", ["sha256", "md5"])
def test_an_email_is_hashed_by_the_recipe_and_stays_out_of_the_profile(
    function: str, steps: tuple[str, ...], hashed: str
) -> None:
    by_hash = Identifier(kind="email_hash", column="email", hash=function, normalise=steps)
    mapped = row_mapper(replace(SOURCE, identify_by=(by_hash,)))
    command = json.loads(mapped({"email": " Zoë@Example.org ", "tier": 1}).data)
    assert command["email_hash"] == hashlib.new(function, hashed.encode()).hexdigest()
    assert command["user_profile"] == {"tier": 1}
    if "trim" in steps:
        with pytest.raises(BadLine, match="no value"):
            mapped({"email": "  "})


@pytest.mark.parametrize(
    ("nulls", "made"), [("default", {"a": None, "b": [None]}), ("absent", {"b": [None]})]
)
def test_null_in_ndjson(nulls: str, made: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text('{"id":"u1","a":null,"b":[null]}\n')
    assert sent(tmp_path, replace(SOURCE, nulls=nulls)) == [made]


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    text = '{"id":1,"a":1.50,"b":12345678901234567890.000000001,"c":1e5,"d":123456789012345678901234567890}\n'
    (tmp_path / "x.ndjson").write_text(text)
    found = scan(tmp_path, SOURCE)
    (line,) = b"".join(chunk_pieces(tmp_path, found.files, SOURCE, found.chunks[0])).splitlines()
    for digits in (
        b'"a":1.50',
        b'"b":12345678901234567890.000000001',
        b'"c":1e5',
        b'"d":123456789012345678901234567890',
    ):
        assert digits in line


def sent(root: Path, source: SourceDefinition) -> list[dict[str, Any]]:
    found = scan(root, source)
    data = b"".join(b"".join(chunk_pieces(root, found.files, source, c)) for c in found.chunks)
    return [
        {k: v for k, v in json.loads(x)["user_profile"].items() if not k.startswith("$")}
        for x in data.splitlines()
    ]


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ({"rename": {"a": "b"}}, {"a": 1, "b": 2}),
        ({"rename": {"b": "a"}}, {"a": 1, "b": 2}),
        ({"rename": {"a": "x", "b": "x"}}, {"a": 1, "b": 2}),
        ({"constants": {"a": "k"}}, {"a": 1}),
        ({"constants": {"a.b": "k"}}, {"a": 1}),
        ({"constants": {"a.b": "k"}}, {"a": {"b": "k"}}),
        ({"rename": {"a": "k"}, "constants": {"k": 1}}, {"a": 1}),
        ({"rename": {"town": "address.city"}}, {"town": "Lyon", "address": {"city": "Paris"}}),
        ({"rename": {"town": "address.city"}}, {"address": {"city": "Paris"}, "town": "Lyon"}),
        ({"rename": {"town": "address.city"}}, {"address": "rue", "town": "Lyon"}),
        ({"include": ("address", "address.city")}, {"address": {"city": "Paris"}}),
    ],
)
def test_a_property_has_one_source(fields: dict[str, Any], row: dict[str, Any]) -> None:
    with pytest.raises(BadLine) as caught:
        profile({"id": "u1", **row}, **fields)
    assert caught.value.code == "line-property"


def test_a_constant_with_dots_is_a_path() -> None:
    assert profile({"id": "u1", "a": {"c": 1}}, constants={"a.b": 2, "k": 3, "x.y.z": [4]}) == {
        "a": {"c": 1, "b": 2}, "k": 3, "x": {"y": {"z": [4]}},
    }  # fmt: skip


def test_text_is_no_object_that_another_column_could_be_in(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('id,a,b\nu1,"{""x"": 1}",2\n')
    source = replace(SOURCE, format="csv", files=("x.csv",))
    for fields, words in (
        ({"rename": {"b": "a.b"}}, "the column 'b' becomes the property 'a.b'"),
        ({"rename": {"a": "c", "b": "c.d.e"}}, "but the column 'a' becomes 'c', which is no object"),
        ({"constants": {"a.b": 1}}, "a constant becomes the property 'a.b'"),
    ):
        with pytest.raises(ReconcilerError, match=words):
            scan(tmp_path, replace(source, **fields))
    assert sent(tmp_path, replace(source, types={"a": "json"}, rename={"b": "a.b"})) == [
        {"a": {"x": 1, "b": "2"}}
    ]


def test_objects_from_several_columns_are_joined_in_any_order() -> None:
    fields = {"rename": {"town": "address.city", "lat": "address.geo.lat"}}
    row = {"town": "Lyon", "address": {"zip": "1", "geo": {"lon": 2}}, "lat": 1}
    for order in (list(row), list(reversed(row))):
        made = profile({"id": "u1", **{k: row[k] for k in order}}, **fields)
        assert made == {"address": {"zip": "1", "city": "Lyon", "geo": {"lon": 2, "lat": 1}}}


@pytest.mark.parametrize("name", ["$user_account_id", "$compartment_id"])
@pytest.mark.parametrize(
    ("value", "good"), [("x", False), (1, False), (None, True), (True, False), (1.5, False)]
)
@pytest.mark.parametrize("rename", [False, True])
def test_the_profile_of_another_user_is_never_written(
    name: str, value: Any, good: bool, rename: bool
) -> None:
    fields: dict[str, Any] = {"rename": {"who": name}} if rename else {}
    row = {"id": "u1", "who" if rename else name: value}
    if not good:
        with pytest.raises(BadLine) as caught:
            profile(row, **fields)
        assert (caught.value.code, "u1" in caught.value.reason) == ("line-identity", False)
        return
    made = json.loads(row_mapper(replace(SOURCE, **fields))(row).data)["user_profile"]
    assert made == {"$compartment_id": "7", "$user_account_id": "u1"}
    same = {**row, "who" if rename else name: made[name]}
    assert json.loads(row_mapper(replace(SOURCE, **fields))(same).data)["user_profile"] == made


def test_an_owner_that_is_empty_does_not_let_another_in() -> None:
    owned = replace(SOURCE, owner=replace(ACCOUNT, column="owner"))
    assert (
        json.loads(row_mapper(owned)({"id": "u1", "owner": "u2"}).data)["user_profile"]["$user_account_id"]
        == "u2"
    )
    with pytest.raises(BadLine, match="disagrees"):
        row_mapper(owned)({"id": "u1", "owner": "", "$user_account_id": "u2"})
    by_hash = replace(SOURCE, identify_by=(Identifier(kind="email_hash", column="h"),))
    assert not row_mapper(by_hash)({"h": "x", "$user_account_id": "u1"}).anonymous
    assert row_mapper(by_hash)({"h": "x"}).anonymous


@pytest.mark.parametrize(
    "fields",
    [
        {"include": ("tier", "teir")},
        {"exclude": ("emial",)},
        {"rename": {"teir": "level"}},
        {"types": {"teir": "integer"}},
        {"include": ("address.town",)},
        {"exclude": ("address.town",)},
        {"owner": replace(ACCOUNT, column="owner")},
        {"operation": Operation(value=None, column="op", map={"null": "UPSERT"})},
        {"identify_by": (ACCOUNT, Identifier(kind="email_hash", column="hash"))},
    ],
)
def test_a_name_that_no_row_has_stops_the_source(fields: dict[str, Any], tmp_path: Path) -> None:
    row = {"id": "u1", "tier": "gold", "email": "a@example.org", "address": {"city": "Lyon"}}
    source = replace(SOURCE, **fields)
    (tmp_path / "x.ndjson").write_text(f"{json.dumps(row)}\n" * 3)
    with pytest.raises(ReconcilerError, match="no row has the field"):
        scan(tmp_path, source)
    last = {
        **row,
        "teir": "1",
        "emial": "x",
        "address": {"town": None},
        "owner": "o",
        "op": None,
        "hash": "h",
    }
    (tmp_path / "x.ndjson").write_text(f"{json.dumps(row)}\n" * 3 + json.dumps(last))
    scan(tmp_path, source)
    (tmp_path / "x.ndjson").write_text("")
    assert scan(tmp_path, source).lines == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rename": {"a": "b"}}, "both become the property 'b'"),
        ({"constants": {"b": 1}}, "a constant both become the property 'b'"),
        ({"include": ("c",)}, "no column 'c'"),
        ({"exclude": ("a.c",)}, "no column 'a.c'"),
        ({"types": {"c": "integer"}}, "no column 'c'"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_of_a_table_are_checked_before_its_rows(
    kind: str, fields: dict[str, Any], words: str, tmp_path: Path
) -> None:
    frame = polars.DataFrame({"id": ["u1"], "a": ["x"], "b": ["y"]})
    frame.write_csv(tmp_path / "x.csv")
    frame.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ReconcilerError, match=words):
        scan(tmp_path, replace(SOURCE, format=kind, files=(f"x.{kind}",), **fields))


def test_fields_of_objects_in_parquet_are_checked(tmp_path: Path) -> None:
    frame = polars.DataFrame({"id": ["u1"], "address": [{"city": "Lyon", "geo": {"lat": 1}}]})
    frame.write_parquet(tmp_path / "x.parquet")
    source = replace(SOURCE, format="parquet", files=("x.parquet",))
    assert scan(tmp_path, replace(source, include=("address.city", "address.geo.lat"))).sent == 1
    with pytest.raises(ReconcilerError, match="'address' holds no such field"):
        scan(tmp_path, replace(source, include=("address.town",)))


@pytest.mark.parametrize(
    ("value", "spelt"), [(True, "true"), (False, "false"), (1, "1"), (None, "null"), ("D", "D")]
)
def test_operations_by_the_spelling_of_json(value: Any, spelt: str) -> None:
    operation = Operation(value=None, column="op", map={spelt: "DELETE"})
    assert row_mapper(replace(SOURCE, operation=operation))({"id": "u1", "op": value}).delete


def test_fractions_and_absent_nulls(tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text(
        '{"id":"u1","a":1.50,"n":null,"o":{"n":null,"f":2.50,"l":[null,{"n":null}]}}\n'
    )
    source = replace(SOURCE, nulls="absent", exclude=("n",))
    assert sent(tmp_path, source) == [{"a": 1.5, "o": {"f": 2.5, "l": [None, {}]}}]


@pytest.mark.parametrize(
    ("kind", "cell", "why"),
    [
        ("number", "1,5", "it has a comma"),
        ("integer", "1,234", "it has a comma"),
        ("number", "1.234,50", "it has a comma"),
        ("number", "1\u00a0234,50", "it has a comma"),
        ("integer", "007", "it begins with a zero"),
        ("number", "-00.5", "it begins with a zero"),
        ("integer", " 7", "it has spaces around it"),
        ("number", "+7", "it begins with +"),
        ("integer", "7.0", "it has a fraction or an exponent"),
        ("integer", "7E+15", "it has a fraction or an exponent"),
        ("boolean", "yes", "that is true or false, in any case, and not 1, 0, yes or no"),
        ("boolean", "1", "that is true or false, in any case, and not 1, 0, yes or no"),
        ("number", "seven", None),
        ("number", "1," * 2_000_000 + "x", None),
    ],
    ids=lambda found: str(found)[:9],
)
def test_what_a_text_has_that_its_type_does_not_allow(kind: str, cell: str, why: str | None) -> None:
    with pytest.raises(BadLine) as e:
        row_mapper(replace(SOURCE, format="csv", types={"n": kind}))({"id": "u1", "n": cell})
    said, _, rest = e.value.reason.partition(f"column 'n' is not of the type {kind}")
    assert (said, rest.removeprefix(": ").partition(";")[0] or None) == ("", why)
