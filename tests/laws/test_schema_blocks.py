"""Blocks of profiles are judged as the rule judges each of them: the same findings on the same lines."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.bulk.records import frames, schema_columns
from reconciler.bulk.records.lines import ANY_ID
from reconciler.bulk.records.schema_blocks import Profiles
from reconciler.bulk.records.schema_fit import Fit
from reconciler.bulk.scan.check import checker
from reconciler.bulk.sources.segments import Segment
from reconciler.kinds.schema_text import read_schema
from reconciler.model.profile import SYSTEM_KEYS
from reconciler.model.source import Identifier, SourceDefinition
from tests.support.datamart_schema import EXAMPLE

MORE = """\
type UserProfile {
  id: ID! a: String b: Int! c: Float d: Boolean! e: Timestamp f: Date g: Tier h: FormFactor i: Unheard
  o: Inner p: [Inner!]! q: [String] r: [[String]] s: Self t: String @Property(path:"o.deep.er") u: Int @Property(paths:["u1","u2"])
  v: String @Function(name:"x", params:["a"]) w: Int! @Property(path:"z.y") x: String! @Property(paths:["x1","x2"])
  listed: Listed odd: Odd quoted: Int! @Property(path:"quo\\"te") either: Int @Property(paths:["new\\nline","n"])
}
type Inner { m: String! n: Int k: Tier! j: [Int!] }
type Listed { lists: [[Int]]! n: Int }
type Odd { y: Int! @Property(path:"back\\\\slash") }
type Self { again: Self b: Int }
enum Tier { GOLD SILVER }
"""
OWNED = 'type UserProfile { a: String! acc: String! @Property(path:"$user_account_id") b: Int }'
PLAIN = (
    "type UserProfile { a: String! b: Int! c: Float d: Boolean f: Date g: Tier }  enum Tier { GOLD SILVER }"
)
SCHEMAS = [read_schema(text, "x") for text in (EXAMPLE, MORE, OWNED, PLAIN)]
KEYS = [
    *sorted({s[0] for schema in SCHEMAS for p in schema.profile for s in p.sources}),
    "elsewhere", "id", "v", "$x", "é", "y", "m", "deep", "again", "number", "street", "zip-code", "k", "n", "j", "$creation_ts", "lists",
    "", "tab\t", "back\\slash",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 12, 12.0, 12.5, 1e3, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 10**8, 10**10 - 1, 10**10, 10**13]),
    st.sampled_from(["", "x", "12", "12.5", "true", "GOLD", "gold", "LEAD", "1990-05-17", "1990-02-30", "0000-01-01", "1990-5-1", "1990-05-17T00:00:00Z", "é\n"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
PROFILES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)
FLAGS = st.sampled_from(
    [
        {"force_replace": True},
        {"force_replace": False},
        {"force_replace": False, "merge_objects": True},
        {"update_strategy": "FORCE_REPLACE"},
        {"update_strategy": "PARTIAL_UPDATE"},
        {"update_strategy": "PARTIAL_DELETE"},
    ]
)
COMMANDS = st.builds(lambda f, p: {"operation": "UPSERT", **f, "user_profile": p}, FLAGS, PROFILES) | st.just(
    {"operation": "DELETE", "user_account_id": "u"}
)


def by_rule(fit: Fit, command: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    if command["operation"] == "DELETE" or command.get("update_strategy") == "PARTIAL_DELETE":
        return []
    whole = command.get("force_replace") or command.get("update_strategy") == "FORCE_REPLACE"
    return sorted(fit.odd(command["user_profile"], whole=bool(whole)))


@given(st.sampled_from(SCHEMAS), st.lists(st.lists(COMMANDS, min_size=1, max_size=5), min_size=1, max_size=4))
def test_blocks_are_judged_as_the_rule_judges_each_line(schema: Any, segments: list[list[Any]]) -> None:
    """One after the other, since what was seen in one changes how the next is looked at."""
    fit, profiles = Fit(schema), Profiles(schema)
    for commands in segments:
        data = "".join(json.dumps(c) + "\n" for c in commands).encode()
        found: list[list[Any]] = [[] for _ in commands]
        for number, odd in profiles.odd(data):
            found[number].append(odd)
        assert [sorted(f) for f in found] == [by_rule(fit, c) for c in commands]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("value", [None, 5, 10**13, "x"])
@pytest.mark.parametrize("key", sorted(SYSTEM_KEYS))
def test_what_the_platform_sets_itself_is_told_each_time(schema: Any, value: Any, key: str) -> None:
    profiles = Profiles(schema)
    command = {"operation": "UPSERT", "force_replace": True, "user_profile": {key: value}}
    for _ in range(3):
        found = [odd for _, odd in profiles.odd((json.dumps(command) + "\n").encode())]
        assert sorted(found) == by_rule(Fit(schema), command)


@pytest.mark.parametrize(
    "profile",
    [
        {"listed": {}}, {"listed": {"n": 1}}, {"listed": {"lists": [[1]]}}, {"odd": {}}, {"odd": {"back\\slash": 1}},
        {'quo"te': 1}, {'quo"te': "x"}, {"new\nline": 1, "n": 2}, {"tab\t": 1}, {"\x1b[31m": 1}, {"": 1}, {"é": 1},
    ],
)  # fmt: skip
def test_keys_of_any_characters_and_mandatory_ones_that_the_type_cannot_say(profile: dict[str, Any]) -> None:
    schema = SCHEMAS[1]
    fit, profiles = Fit(schema), Profiles(schema)
    for whole in (False, True, False):
        command = {"operation": "UPSERT", "force_replace": whole, "user_profile": profile}
        found = [odd for _, odd in profiles.odd((json.dumps(command) + "\n").encode())]
        assert sorted(found) == by_rule(fit, command)


def test_large_segments_are_cut_at_lines() -> None:
    profiles = Profiles(SCHEMAS[0])
    lines = [
        {
            "operation": "UPSERT",
            "force_replace": True,
            "user_profile": {"country": "fr", "bio": "x" * (n % 900)},
        }
        for n in range(2000)
    ]
    for n in (3, 700, 1500):
        lines[n]["user_profile"]["points"] = "many"  # type: ignore[index]
    data = "".join(json.dumps(c) + "\n" for c in lines).encode()
    assert [n for n, _ in profiles.odd(data)] == [3, 700, 1500]
    assert [n for n, _ in profiles.odd(data)] == [3, 700, 1500]


SENT = SourceDefinition(
    workspace="w", source="s", files=("c.ndjson",), format="commands", compartments={"c": ANY_ID}
)
FITTING: dict[str, dict[str, list[Any]]] = {
    "plain": {"a": ["x", "é", None], "b": [1, -5], "c": [1.5, 2, None], "d": [True], "f": ["1990-05-17"], "g": ["GOLD"]},
    "example": {"first_name": ["x"], "country": ["fr"], "points": [5], "last_order_ts": [10**13], "interests": [["a"], []]},
}  # fmt: skip
MOSTLY_FITTING = st.sampled_from(sorted(FITTING)).flatmap(
    lambda name: st.tuples(
        st.just(SCHEMAS[3] if name == "plain" else SCHEMAS[0]),
        st.lists(
            st.builds(
                lambda values, wrong, leave: {
                    k: v for k, v in {**values, **wrong}.items() if not (leave and k == "b")
                },
                st.fixed_dictionaries({k: st.sampled_from(v) for k, v in FITTING[name].items()}),
                st.just({}) | st.just({}) | st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=2),
                st.booleans(),
            ),
            min_size=1,
            max_size=40,
        ),
        st.booleans(),
    )
)


@given(MOSTLY_FITTING)
def test_commands_that_are_checked_are_judged_as_the_rule_judges_each_line(
    case: tuple[Any, list[dict[str, Any]], bool],
) -> None:
    """Where one decoder reads commands and their profiles, where it cannot, and where lines are asked one by one."""
    schema, profiles, whole = case
    lines, expected, fit = list[str](), Counter[Any](), Fit(schema)
    for n, profile in enumerate(profiles):
        owner = {"$compartment_id": "2071", "$user_account_id": f"u{n}"}
        head = {
            "operation": "UPSERT",
            "compartment_id": "2071",
            "user_account_id": f"u{n}",
            "force_replace": whole,
        }
        command = {**head, "user_profile": {**profile, **owner}}
        lines.append(json.dumps(command) + "\n")
        expected.update(by_rule(fit, command))
    check = checker(SENT, look=True, schemas=(schema,))
    for _ in range(2):
        batch = check(Segment(0, 0, "".join(lines).encode()))
        assert batch.sent == len(profiles)
        assert Counter(batch.misfits[0].counts) == expected


CELLS = {
    "a": ["x", ""], "b": ["1", "-5", "2147483647", "2147483648", "", "007"], "c": ["1.5", "2", "", "x"], "d": ["true", "FALSE", ""],
    "f": ["1990-05-17", "1990-02-30", ""], "g": ["GOLD", "SILVER", "gold"], "t": ["1735600000000", "1735600000", ""],
}  # fmt: skip
TYPES = {"b": "integer", "c": "number", "d": "boolean", "t": "integer"}
TIMED = read_schema(
    "type UserProfile { a: String! b: Int c: Float d: Boolean f: Date g: Tier t: Timestamp k: String! z: Int! } enum Tier { GOLD SILVER }",
    "x",
)
LOOSE = read_schema("type UserProfile { a: String b: BigDecimal c: Float d: Boolean f: String g: ID t: Float k: Tier z: Int } enum Tier { GOLD }", "x")  # fmt: skip


@given(
    st.sampled_from([TIMED, LOOSE]),
    st.lists(st.tuples(st.sampled_from([*CELLS]), st.sampled_from([0, 0, 0, 1, 2, 3])), min_size=1, max_size=3),
    st.sets(st.sampled_from([*CELLS]), max_size=2),
    st.sampled_from([{"k": "GOLD", "z": 5}, {"k": "GOLD", "z": 5}, {"k": "x", "z": "five"}, {"k": "GOLD"}, {"unheard": 1}]),
    st.sampled_from([{}, {}, {}, {"a": "g"}, {"f": "elsewhere"}]),
)  # fmt: skip
def test_columns_that_fit_have_no_row_that_does_not(
    schema: Any,
    rows: list[tuple[str, int]],
    dropped: set[str],
    constants: dict[str, Any],
    rename: dict[str, str],
) -> None:
    source = SourceDefinition(
        workspace="w", source="s", files=("c.csv",), format="csv", types=TYPES, exclude=tuple(sorted(dropped)),
        identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
        constants=constants, rename=rename,
    )  # fmt: skip
    cells = [[v[at % len(v) if key == name else 0] for name, v in CELLS.items()] for key, at in rows]
    data = "".join(",".join((f"u{n}", *row)) + "\n" for n, row in enumerate(cells)).encode()
    frame = frames.from_csv(data, ("id", *CELLS), source)
    mapper = frames.mapper(source)
    assert mapper is not None
    assert frame is not None
    lines, profiles = mapper(frame, None), Profiles(schema)
    if profiles.known and not lines.null_count() and schema_columns.fits(frame, source, profiles.known):
        event("fits")
        assert list(profiles.odd(frames.as_bytes(lines))) == []


def test_columns_of_ordinary_rows_are_found_to_fit() -> None:
    source = SourceDefinition(
        workspace="w", source="s", files=("c.csv",), format="csv", types=TYPES, constants={"k": "x", "z": 5},
        identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
    )  # fmt: skip
    rows = "".join(f"u{n},x,{n},1.5,true,1990-05-17,GOLD,1735600000000\n" for n in range(50))
    known = Profiles(TIMED).known
    assert known
    for wrong, good in (("", True), ("u,x,5,1.5,true,1990-05-17,GOLD,1735600000\n", False)):
        frame = frames.from_csv((rows + wrong).encode(), ("id", *CELLS), source)
        assert schema_columns.fits(frame, source, known) == good
