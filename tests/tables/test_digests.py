"""What makes content another one (design 6): every field of a source either shapes its lines, or is said here not to."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.source import (
    Dialect,
    Expectation,
    Identifier,
    Operation,
    Removals,
    SourceDefinition,
    Update,
)
from reconciler.planning.digests import canonical, digest, load_digest, shape

BASE = SourceDefinition(
    workspace="retail",
    source="crm",
    files=("a.csv",),
    format="csv",
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="loyalty"),),
)

SHAPES: dict[str, list[Any]] = {
    "format": ["ndjson"],
    "csv": [
        Dialect(delimiter=";"),
        Dialect(quote="'"),
        Dialect(encoding="cp1252"),
        Dialect(header=False),
        Dialect(nulls=("NULL",)),
    ],
    "operation": [Operation(value="DELETE"), Operation(value=None, column="op", map={"D": "DELETE"})],
    "identify_by": [
        (Identifier(kind="user_account_id", column="key", compartment="loyalty"),),
        (Identifier(kind="user_account_id", column="id", compartment="other"),),
        (Identifier(kind="email_hash", column="id"),),
        (Identifier(kind="email_hash", column="id", hash="sha256"),),
        (Identifier(kind="email_hash", column="id", hash="sha256", normalise=("trim",)),),
    ],
    "owner": [Identifier(kind="user_account_id", column="owner", compartment="loyalty")],
    "types": [{"points": "integer"}],
    "include": [("name",), ()],
    "exclude": [("name",)],
    "rename": [{"name": "first_name"}],
    "constants": [{"market": "fr"}],
    "nulls": ["keep"],
    "update": [Update(force_replace=True), Update(merge_objects=True), Update(merge_objects=False)],
    "fill_identity": [True],
    "compartment": ["loyalty"],
    "duplicates": ["keep_last"],
}
SHAPES_NOT: dict[str, list[Any]] = {
    "workspace": ["other"],
    "source": ["other"],
    "files": [("b.csv",), ("a.csv", "b.csv")],
    "sql": [],
    "compression": ["gzip"],
    "ordering": ["strict"],
    "upload": ["multipart"],
    "content": ["changes"],
    "duplicates": ["warn", "refuse"],
    "allow": ["1%"],
    "max_bytes": [1000],
    "compartments": [{"loyalty": "2071"}],  # in the load's digest
    "superseded": ["list"],
    "send": ["changed"],
    "full_every": [7],
    "gone": ["delete"],  # in the load's digest, by its base
    "removals": [Removals(path="list", key=b"k")],
    "base": ["g7.abcdef123456"],  # in the load's digest
    "listed": ["list"],
    "verify": [5],
    "keep_generations": [3],
    "former": [(("retail", "crm"),)],
    "outside": [True],
    "schema": ["off", "error"],
    "expect": [(Expectation(check="min_rows", value=5),)],
}


def test_every_field_is_decided_on() -> None:
    assert SHAPES.keys() | SHAPES_NOT.keys() == {f.name for f in dataclasses.fields(SourceDefinition)}


def changed(field: str, value: Any) -> dict[str, Any]:
    return shape(dataclasses.replace(BASE, **{field: value}))


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in SHAPES.items() for v in vs])
def test_what_shapes_the_lines_makes_other_content(field: str, value: Any) -> None:
    assert digest(changed(field, value)) != digest(shape(BASE))


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in SHAPES_NOT.items() for v in vs])
def test_limits_and_names_do_not(field: str, value: Any) -> None:
    assert changed(field, value) == shape(BASE)


def test_all_shapes_differ_from_each_other() -> None:
    every = [digest(changed(f, v)) for f, vs in SHAPES.items() for v in vs]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize(
    ("compartments", "known"),
    [({}, True), ({"a": "1"}, True), ({"a": None}, False), ({"a": "1", "b": None}, False)],
)
def test_the_digest_of_a_load_waits_for_its_compartments(
    compartments: dict[str, str | None], known: bool
) -> None:
    assert (load_digest("s", compartments) is not None) is known


def test_the_digest_of_a_load_covers_source_and_compartments() -> None:
    some = [
        load_digest("s", {"a": "1"}),
        load_digest("t", {"a": "1"}),
        load_digest("s", {"a": "2"}),
        load_digest("s", {"b": "1"}),
        load_digest("s", {"a": "1"}, "g1.abcdef123456"),
        load_digest("s", {"a": "1"}, "g2.abcdef123456"),
        load_digest("s", {"a": "1", "b": "2"}),
    ]
    assert len(set(some)) == len(some)
    assert load_digest("s", {"b": "2", "a": "1"}) == some[-1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=5))
def test_equal_values_have_one_form(value: dict[str, Any]) -> None:
    assert canonical(dict(reversed(list(value.items())))) == canonical(value)


def test_digests_of_today_are_those_of_tomorrow() -> None:
    """Another digest loads every source of every user again: this literal changes with a reason in the changelog."""
    assert (
        digest({"a": ["é", 1, True, None]})
        == "4a894d328edc0743949926c55652be772c95176731ec23a0413483c0f5b1dd93"
    )
