"""`extend` in the text of a schema is the same as writing all in one place, wherever it stands."""

import pytest

from reconciler.errors import SchemaUnusable
from reconciler.kinds.schema_text import read_schema
from reconciler.sandbox import schema_text as sandbox

WHOLE = """
type UserProfile @Mirror(object_type: "UserProfile") { id: ID! name: String city: String @Property(path: "home.city") card: Card }
type Card { tier: Tier points: Int! }
enum Tier { GOLD SILVER }
"""
PARTS = (
    "type UserProfile { id: ID! name: String }",
    'extend type UserProfile { city: String @Property(path: "home.city") }',
    'extend type UserProfile @Mirror(object_type: "UserProfile") { card: Card }',
    "type Card { tier: Tier }",
    "extend type Card { points: Int! }",
    "enum Tier { GOLD }",
    "extend enum Tier { SILVER }",
)


@pytest.mark.parametrize("order", [PARTS, PARTS[::-1], PARTS[3:] + PARTS[:3]])
def test_parts_are_as_the_whole(order: tuple[str, ...]) -> None:
    whole, parts = read_schema(WHOLE, "a.gql"), read_schema("\n".join(order), "b.gql")
    assert {p.name: p for p in whole.profile} == {p.name: p for p in parts.profile}
    assert {n: set(f) for n, f in whole.types.items()} == {n: set(f) for n, f in parts.types.items()}
    assert {n: set(v) for n, v in whole.enums.items()} == {n: set(v) for n, v in parts.enums.items()}
    assert {f.name for f in sandbox.profile_fields("\n".join(order)) or ()} == {"id"} | {
        p.name for p in parts.profile
    }


def test_an_extension_may_make_a_type_stand_for_profiles() -> None:
    text = 'type Person { name: String }\nextend type Person @Mirror(object_type: "UserProfile")'
    assert [p.name for p in read_schema(text, "a.gql").profile] == ["name"]
    assert [f.name for f in sandbox.profile_fields(text) or ()] == ["name"]


@pytest.mark.parametrize(
    "extension", ["extend type Cart { a: Int }", "extend interface Card { a: Int }", "extend enum Card { A }"]
)
def test_an_extension_of_nothing_is_told(extension: str) -> None:
    with pytest.raises(SchemaUnusable, match="extend"):
        read_schema(f"{WHOLE}\n{extension}", "a.gql")


def test_what_has_no_fields_may_be_extended() -> None:
    text = f"{WHOLE}\nscalar Date\nextend scalar Date @x\nextend schema @y"
    assert len(read_schema(text, "a.gql").profile) == len(read_schema(WHOLE, "a.gql").profile)
