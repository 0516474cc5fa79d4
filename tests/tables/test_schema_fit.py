"""Every type of a datamart's schema against every kind of JSON value, by the contract's tables."""

from typing import Any

import pytest

from reconciler.bulk.records.schema_fit import Fit
from reconciler.errors import SchemaUnusable
from reconciler.kinds.schema_text import read_schema
from tests.support.datamart_schema import EXAMPLE

SCHEMA = read_schema(EXAMPLE, "schema 1")
FIT = Fit(SCHEMA)
FITS = ""

VALUES: dict[str, Any] = {
    "text": "words", "digits": "12", "decimal": "12.50", "true text": "true", "iso": "1990-05-17", "time": "1990-05-17T10:00:00Z",
    "GOLD": "GOLD", "gold": "gold", "empty": "", "true": True, "one": 1, "twelve": 12.0, "half": 12.5, "far": 2**31, "below": -(2**31),
    "seconds": 1735600000, "millis": 1735600000000, "null": None, "list": ["a"], "empty list": [], "list of null": [None],
    "lists": [["a"]], "list of objects": [{"number": "1"}], "object": {"street": "x"}, "empty object": {},
}  # fmt: skip
C, U, S, D, N = "clash", "untold", "seconds", "date-number", "null"
NO_TEXT = dict.fromkeys(("true", "one", "twelve", "half", "far", "below", "seconds", "millis"), U)
STRUCTURES = ("list", "empty list", "list of null", "lists", "list of objects", "object", "empty object")
CLASHING = dict.fromkeys(STRUCTURES, C)
TEXTS = ("text", "digits", "decimal", "true text", "iso", "time", "GOLD", "gold", "empty")
NUMBERS = ("one", "twelve", "half", "far", "below", "seconds", "millis")

# What does not fit; every value that is not named fits.
TABLE: dict[str, dict[str, str]] = {
    "first_name": {**NO_TEXT, **CLASHING},
    "bio": {**NO_TEXT, **CLASHING},
    "country": {**NO_TEXT, **CLASHING, "null": N},
    "opt_in": {**dict.fromkeys(TEXTS, C), "true text": U, **dict.fromkeys(NUMBERS, U), **CLASHING},
    "points": {**dict.fromkeys(TEXTS, C), "digits": U, "decimal": U, "true": U, "twelve": U, "half": U, "far": U, "millis": U, **CLASHING},
    "average_basket": {**dict.fromkeys(TEXTS, C), "digits": U, "decimal": U, "true": U, **CLASHING},
    "lifetime_value": {**dict.fromkeys(TEXTS, C), "digits": U, "decimal": U, "true": U, **CLASHING},
    "last_order_ts": {**dict.fromkeys(TEXTS, C), "digits": U, "true": U, "twelve": U, "half": U, "seconds": S, "far": S, **CLASHING},
    "birth_date": {**dict.fromkeys(TEXTS, U), "iso": FITS, "true": U, **dict.fromkeys(NUMBERS, D), **CLASHING},
    "tier": {**dict.fromkeys(TEXTS, C), "GOLD": FITS, "gold": U, "true": U, **dict.fromkeys(NUMBERS, C), **CLASHING},
    "usual_device": {"true": U, **dict.fromkeys(NUMBERS, C), **CLASHING},
    "last_order_date": dict.fromkeys([*VALUES], "computed"),
    "elsewhere": dict.fromkeys([*VALUES], "unknown"),
    "postcode": dict.fromkeys([*VALUES], "unknown"),
    "compartment_id": dict.fromkeys([*VALUES], "unknown"),
    "id": dict.fromkeys([*VALUES], "unknown"),
    "mobile_phone": {**NO_TEXT, **CLASHING},
    "home_phone": {**NO_TEXT, **CLASHING},
    "$creation_ts": dict.fromkeys([*VALUES], "system"),
    "$expiration_ts": dict.fromkeys([*VALUES], "system"),
    "$compartment_id": {},
    "$user_account_id": {},
    "$unheard": dict.fromkeys([*VALUES], "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("key", TABLE)
def test_every_value_under_every_type(key: str) -> None:
    for name, value in VALUES.items():
        found = {kind for kind, *_ in FIT.odd({key: value}, whole=False)}
        wanted = TABLE[key].get(name, FITS)
        assert found == ({wanted} if wanted else set()), (key, name)


NESTED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"address": {"street": "x", "city": None}}, []),
    ({"address": {}}, []),
    ({"address": {"street": 5}}, [("untold", "address.street")]),
    ({"address": {"street": {}}}, [("clash", "address.street")]),
    ({"address": {"floor": 2}}, [("unknown", "address.floor")]),
    ({"address": {"zip-code": "75001"}}, []),
    ({"address": {"zip-code": 75001}}, [("untold", "address.zip-code")]),
    ({"address": {"zip-code": {"a": 1}}}, [("clash", "address.zip-code")]),
    ({"address": "here"}, [("clash", "address")]),
    ({"address": 1}, [("clash", "address")]),
    ({"address": True}, [("clash", "address")]),
    ({"address": [{"street": "x"}]}, [("untold", "address")]),
    ({"cards": []}, []),
    ({"cards": [{"number": "1"}]}, []),
    ({"cards": [{"number": "1", "issued_ts": 1735600000000, "stores": ["a"]}]}, []),
    ({"cards": [None]}, [("null", "cards[]")]),
    ({"cards": ["1"]}, [("clash", "cards[]")]),
    ({"cards": [[]]}, [("untold", "cards[]")]),
    ({"cards": {"number": "1"}}, [("untold", "cards")]),
    ({"cards": "1"}, [("untold", "cards")]),
    ({"cards": [{"issued_ts": 1735600000000}]}, [("untold", "cards[].number")]),
    ({"cards": [{"number": None}]}, [("null", "cards[].number")]),
    ({"cards": [{"number": "1", "stores": [None]}]}, [("null", "cards[].stores[]")]),
    ({"cards": [{"number": "1", "issued_ts": 1735600000}]}, [("seconds", "cards[].issued_ts")]),
    ({"cards": [{"number": "1", "colour": "red"}]}, [("unknown", "cards[].colour")]),
    ({"interests": []}, []),
    ({"interests": ["a", "b"]}, []),
    ({"interests": [None]}, [("null", "interests[]")]),
    ({"interests": [{}]}, [("clash", "interests[]")]),
    ({"interests": [["a"]]}, [("untold", "interests[]")]),
    ({"interests": [5]}, [("untold", "interests[]")]),
    ({"interests": "a"}, [("untold", "interests")]),
    ({"mobile_phone": "1", "home_phone": "2"}, [("untold", "home_phone")]),
]


@pytest.mark.parametrize(("profile", "wanted"), NESTED)
def test_objects_and_lists(profile: dict[str, Any], wanted: list[tuple[str, str]]) -> None:
    assert [(kind, path) for kind, path, *_ in FIT.odd(profile, whole=False)] == wanted


def test_only_a_replacing_profile_lacks_mandatory_fields() -> None:
    assert FIT.odd({}, whole=False) == []
    assert FIT.odd({}, whole=True) == [("null", "country", "String!", "absent")]
    assert FIT.odd({"country": "fr"}, whole=True) == []


def test_a_profile_type_may_have_another_name() -> None:
    renamed = EXAMPLE.replace("type UserProfile", 'type Customer @Mirror(object_type:"UserProfile")')
    assert read_schema(renamed, "x").profile == SCHEMA.profile


GOOD = [
    EXAMPLE,
    "\ufeff" + EXAMPLE,
    EXAMPLE.replace("\n", "\r\n"),
    EXAMPLE.replace(": ", ":"),
    EXAMPLE + "type Other @Unheard(of:[1,{a:2}]) { id:ID! @Twice @Twice }\nscalar More\n",
    EXAMPLE + "interface I { id: ID! }\n",
]


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_texts_that_are_read_alike(number: int) -> None:
    assert read_schema(GOOD[number], "x").profile == SCHEMA.profile


BAD = [
    "type X {}",
    EXAMPLE + "type X {}",
    EXAMPLE[: len(EXAMPLE) // 2],
    "// no\n" + EXAMPLE,
    EXAMPLE.replace('"USER_INDEX"', "'USER_INDEX'", 1),
    EXAMPLE.replace("first_name", "prénom"),
    EXAMPLE.replace("first_name", "first-name"),
    EXAMPLE.replace("first_name", "$first_name"),
    "# nothing\n",
    "",
    "<html><body>Bad Gateway</body></html>",
    '{"status":"ok","data":"type UserProfile { a: String }"}',
    "[" * 5000,
    "type Other { a: String }",
    "\ud800",
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_cannot_be_used_is_an_error_with_a_place(number: int) -> None:
    with pytest.raises(SchemaUnusable) as raised:
        read_schema(BAD[number], "schemas/x.gql")
    assert str(raised.value).startswith("schemas/x.gql")
