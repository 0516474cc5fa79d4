"""Rows to commands: paths into nested objects, recipes for hashes, NULL, and numbers that keep their digits."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.bulk.records.lines import BadLine
from reconciler.bulk.records.mapping import row_mapper
from reconciler.bulk.scan.scan import chunk_pieces, scan
from reconciler.model.source import Identifier, SourceDefinition

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
