"""`expect:`: what a source says of its rows is checked before they overwrite anything, in every format, and never shows a value."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from reconciler.bulk.scan.expecting import Expecting
from reconciler.model.source import Expectation, SourceDefinition
from reconciler.planning.loads.expectation_findings import name
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

SECRET = "Véronique-4711"
RECIPE = "{email_hash: {column: mail, hash: sha256, normalise: [trim, lowercase]}}"
CHECK = ("source", "check", "customers", "-o", "json")


def found(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (d["severity"], d["message"].removeprefix("expected "), d.get("note") or "")
        for d in document["diagnostics"]
        if d["code"] == "expectation"
    ]


def counted(
    rows: list[dict[str, Any]], *expectations: Expectation, at_once: int = 10
) -> list[tuple[int, tuple[str, ...]]]:
    source = SourceDefinition(workspace="w", source="s", files=(), format="csv", expect=expectations)
    expecting = Expecting(source, ["f"], at_once)
    half = len(rows) // 2
    for part, before in ((rows[:half], 0), (rows[half:], half)):
        lines = [
            {"operation": "UPSERT", "user_account_id": f"u{n}", "user_profile": r} for n, r in enumerate(part)
        ]
        data = "".join(json.dumps(x) + "\n" for x in lines).encode()
        expecting.add(expecting.take(data, range(len(part))), 0, before)
    return [(b.count, b.first) for b in expecting.result()]


ABSENT: Any = object()
TABLE: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("not_null", True, ["x", 0, False, [], {}], ["", None, ABSENT]),
    ("in", ["gold", 1, True], ["gold", 1, True, 1.0, "", None, ABSENT], ["Gold", "1", 2, False, ["gold"]]),
    ("matches", "[0-9]{5}", ["75001", "", None, ABSENT], ["7500", "750011", "75001\n", 75001, ["75001"]]),
    (
        "range",
        {"min": 1, "max": 10},
        [1, 10, 1.5, "2", "1e1", None, ""],
        [0, 11, "0.9", "two", True, [5], "٣"],
    ),
    ("range", {"min": 1}, [1, 10**9], [0.5]),
    ("range", {"max": 1}, [1, -5], [1.5]),
    ("range", {"min": "2020-01-01"}, ["2020-01-01", "2024-05-05"], ["2019-12-31", 20240101]),
]


@pytest.mark.parametrize(("check", "value", "good", "bad"), TABLE)
def test_one_value(check: str, value: Any, good: list[Any], bad: list[Any]) -> None:
    expectation = Expectation(check=check, field="a.b", value=value)
    for given, broken in [*((g, 0) for g in good), *((b, 1) for b in bad)]:
        rows = [{"a": {} if given is ABSENT else {"b": given}}]
        assert counted(rows, expectation)[0][0] == broken, given


@pytest.mark.parametrize("at_once", [2, 7, 1000])
def test_unique_counts_every_row_but_the_first_whatever_stays_in_memory(at_once: int) -> None:
    values = ["a", "b", "a", 1, "1", 1.5, None, "", None, "", "a", True, {"x": 1, "y": 2}, {"y": 2, "x": 1}]
    result = counted([{"v": v} for v in values], Expectation(check="unique", field="v"), at_once=at_once)
    assert result == [(3, ("f:3", "f:11", "f:14"))]


def test_unique_is_bounded_in_memory() -> None:
    source = SourceDefinition(
        workspace="w", source="s", files=(), format="csv", expect=(Expectation(check="unique", field="v"),)
    )
    expecting = Expecting(source, ["f"], 1000)
    tracemalloc.start()
    for n in range(40):
        data = "".join(
            f'{{"operation":"UPSERT","user_profile":{{"v":"{n}-{m}"}}}}\n' for m in range(500)
        ).encode()
        expecting.add(expecting.take(data, range(500)), 0, n * 500)
        if n == 5:
            early = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - early
    tracemalloc.stop()
    assert grown < 40_000, "14,500 more digests of 24 bytes would be 348,000"
    assert expecting.result()[0].count == 0


EXPECT = """\
  expect:
    - {field: name, not_null: true}
    - {field: email, unique: true, severity: warn}
    - {field: tier, in: [gold, silver]}
    - {field: points, range: {min: 0, max: 100}, matches: "[0-9]+"}
    - {min_rows: 5}
"""


def write(workspace: Workspace, rows: int = 6, *, expect: str = EXPECT, spoilt: bool = True) -> None:
    workspace.write("specs/customers.yaml", CUSTOMERS + expect)
    lines = [
        f"u{n},{'' if spoilt and n == 2 else 'x'},{SECRET if spoilt else n},gold,5\n" for n in range(rows)
    ]
    workspace.write("data/customers.csv", "id,name,email,tier,points\n" + "".join(lines))


def test_source_check_and_plan_say_what_is_broken_and_apply_refuses(
    workspace: Workspace, emulator: Emulator
) -> None:
    write(workspace)
    wanted = [
        ("error", "name not_null: 1 row without a value", "data/customers.csv:4"),
        ("warning", "email unique: 5 rows with a value that an earlier row has", "data/customers.csv:3\ndata/customers.csv:4\ndata/customers.csv:5\n…"),
    ]  # fmt: skip
    done = workspace.run(*CHECK)
    assert (done.code, found(json.loads(done.out))) == (4, wanted)
    (read,) = json.loads(done.out)["reads"]
    assert read["expectations"][:2] == [
        {"expect": "name not_null", "broken": 1},
        {"expect": "email unique", "broken": 5},
    ]
    assert SECRET not in done.out + done.err
    text = workspace.run("source", "check", "customers").out
    assert "expect  name not_null: 1 row breaks it" in text
    assert 'tier in ["gold", "silver"]: holds' in text
    write(workspace, expect=EXPECT.replace("field: tier", "field: teir"))
    assert 'teir in ["gold", "silver"]: 6 rows break it' in workspace.run("source", "check", "customers").out
    write(workspace)
    assert "points range 0 to 100: holds" in workspace.run("source", "check", "customers", "-o", "html").out
    document = workspace.plan()
    assert (found(document), document["applyable"]) == (wanted, False)
    assert workspace.run("apply", "--auto-approve").code == 4
    assert emulator.writes() == []
    write(workspace, spoilt=False)
    assert found(workspace.plan()) == []
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == 6


def test_numbers_of_rows(workspace: Workspace) -> None:
    write(workspace, 4, spoilt=False)
    assert found(workspace.plan()) == [("error", "min_rows 5: 4 rows", "")]
    change = "  expect: [{max_change_percent: 20, severity: warn}]\n"
    write(workspace, 10, expect=change, spoilt=False)
    assert workspace.run("apply", "--auto-approve").code == 0
    for rows, words in (
        (12, []),
        (8, []),
        (13, "13 rows, after 10 in the last load: 30.0 % more or fewer"),
        (7, "7 rows"),
    ):
        write(workspace, rows, expect=change, spoilt=False)
        told = found(workspace.plan())
        assert bool(told) == bool(words)
        assert not words or f"max_change_percent 20: {words}" in told[0][1]


def test_a_field_that_no_row_has_breaks_what_is_expected_of_it(workspace: Workspace) -> None:
    write(workspace, expect="  expect: [{field: teir, in: [gold]}]\n")
    assert found(workspace.plan()) == [("error", 'teir in ["gold"]: no row has a value in this field', "")]


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("field: mail, matches: '.+@.+'", "this column is sent as a hash, of which the check can tell nothing"),
        ("field: mail, in: [a]", "this column is sent as a hash, of which the check can tell nothing"),
        ("field: mail, unique: true", "no row has a value in this field"),
        ("field: tier, not_null: true", "`profile.exclude` leaves this column out, and only what is sent is checked"),
        ("field: email_hash, unique: true, not_null: true", None),
    ],
)  # fmt: skip
def test_a_column_whose_text_is_not_sent(check: str, message: str | None, workspace: Workspace) -> None:
    spec = CUSTOMERS.replace("{compartment: loyalty, user_account_id: id}", RECIPE)
    workspace.write(
        "specs/customers.yaml", f"{spec}  profile: {{exclude: [tier]}}\n  expect: [{{{check}}}]\n"
    )
    workspace.write("data/customers.csv", f"mail,tier,points\n{SECRET}@example.org,gold,1\nx@y.example,b,2\n")
    told = [words.partition(": ")[2] for _, words, _ in found(workspace.plan())]
    assert told == ([message] if message else [])


def test_two_checks_of_one_field_do_not_look_alike() -> None:
    values = [["a"], ["b"], ["a", "b"], [1], ["1"], [True], list("abcdefghij"), list("abcdefghijk")]
    assert len({name(Expectation(check="in", field="f", value=v)) for v in values}) == len(values)


def test_identifiers_may_be_named(workspace: Workspace) -> None:
    write(workspace, expect='  expect: [{field: user_account_id, unique: true, matches: "u[0-4]"}]\n')
    assert found(workspace.plan()) == [
        (
            "error",
            "user_account_id matches u[0-4]: 1 row with a value that does not match, or is no text",
            "data/customers.csv:7",
        )
    ]


def test_a_source_that_only_apply_reads_is_refused_there(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    import sqlite3

    with sqlite3.connect(workspace.root / "crm.db") as db:
        db.execute("CREATE TABLE t (id TEXT, tier TEXT)")
        db.executemany("INSERT INTO t VALUES (?,?)", [("a", "gold"), ("b", None)])
    sql = CUSTOMERS.replace(
        '  files: ["data/*.csv"]\n', '  sql: {url: "sqlite:///crm.db", query: "SELECT id, tier FROM t"}\n'
    )
    workspace.write("specs/customers.yaml", sql + "  expect: [{field: tier, not_null: true}]\n")
    done = workspace.run("apply", "--auto-approve")
    assert done.code in (3, 4), done
    assert "tier not_null: 1 row without a value" in done.out + done.err
    assert emulator.profiles("1509") == []


WRONG = [
    ("{field: a}", "checks nothing"),
    ("{not_null: true}", "needs a field"),
    ("{field: a, min_rows: 5}", "is about all rows"),
    ('{field: a, matches: "("}', "no regular expression"),
    ("{field: a, range: {}}", "neither min nor max"),
    ("{field: a, range: {min: 2, max: 1}}", "more than max"),
    ("{field: a, range: {min: 2, max: x}}", "two types"),
    ("{field: a, not_nul: true}", "not_nul"),
    ("{field: a, not_null: false}", "not_null"),
    ("{field: a, in: []}", "in"),
    ("{field: a, unique: true, severity: fatal}", "severity"),
]


@pytest.mark.parametrize(("entry", "words"), WRONG)
def test_validate_says_what_cannot_be_checked(entry: str, words: str, workspace: Workspace) -> None:
    workspace.write("specs/customers.yaml", CUSTOMERS + f"  expect: [{entry}]\n")
    done = workspace.run("validate")
    assert done.code == 1
    assert words in done.out + done.err
