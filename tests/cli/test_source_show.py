"""`source check --show`: the first commands as they will be sent, and what each property holds; values only with --values."""

import json
import re
from dataclasses import replace
from typing import Any

import msgspec
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.shown import MAX_PROPERTIES, Looking
from reconciler.model.load import Scan
from reconciler.model.shown_rows import Property, Shown
from reconciler.reports.source import html, text
from reconciler.reports.source import json as as_json
from reconciler.reports.source.properties import rate, table
from reconciler.reports.source.reading import Reading
from reconciler.reports.style import PLAIN
from tests.support.workspace import Workspace

SPEC = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: shown}
spec:
  files: [data/shown.ndjson]
  datamarts: retail-fr
  identify_by: {compartment: loyalty, user_account_id: id}
  update: {force_replace: true}
  bad_lines: {allow: 1}
"""
SECRET = "qZsecretZq"
FORMATS = ("text", "json", "html")


def _row(n: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": f"{SECRET}-{n}", "tier": SECRET * (n % 3), "points": n}
    return row | ({"note": None} if n < 2 else {"note": "é" * n} if n < 4 else {})


@pytest.fixture
def ndjson(workspace: Workspace) -> Workspace:
    workspace.write("specs/shown.yaml", SPEC.replace("spec:\n", "spec:\n  format: ndjson\n"))
    rows = [{**_row(n), "map": {SECRET: [SECRET]}, "score": 0.10000000000000000001} for n in range(6)]
    lines = [json.dumps(r) for r in rows]
    lines[0] = lines[0].replace("0.1}", "0.10000000000000000001}")
    workspace.write("data/shown.ndjson", "\n".join([*lines, "nonsense"]) + "\n")
    return workspace


@pytest.mark.parametrize("output", FORMATS)
def test_without_values_nothing_of_a_row_is_shown(output: str, ndjson: Workspace) -> None:
    done = ndjson.run("source", "check", "shown", "--show", "6", "-o", output)
    assert done.code == 0, done
    assert SECRET not in done.out + done.err
    assert "tier" in done.out
    with_values = ndjson.run("source", "check", "shown", "--show", "6", "--values", "-o", output)
    assert with_values.code == 0, with_values
    assert with_values.out.count(SECRET) > 6
    plain = ndjson.run("source", "check", "shown", "-o", output)
    assert SECRET not in plain.out + plain.err
    assert ("tier" in plain.out) == (output == "html")  # a page always has the table of properties


def test_the_text_fits_80_columns(ndjson: Workspace) -> None:
    long = {"n" * 200: "v" * 300, "id": "a\u202eb"}
    ndjson.write("data/shown.ndjson", json.dumps(long) + "\n" + json.dumps({**long, "n" * 200: 12}) + "\n")
    for flags in ([], ["--values"]):
        done = ndjson.run("source", "check", "shown", "--show", "2", *flags)
        assert done.code == 0, done
        assert all(len(line) <= 80 for line in done.out.splitlines()), done.out
        assert "\u202e" not in done.out
        assert re.search(r"integer 50.0%\s", done.out)


def test_what_is_shown_with_values_is_what_is_sent(ndjson: Workspace) -> None:
    done = ndjson.run("source", "check", "shown", "--show", "2", "--values", "-o", "json")
    (read,) = json.loads(done.out)["reads"]
    first, second = read["commands"]
    assert (first["path"], first["line"], second["line"]) == ("data/shown.ndjson", 1, 2)
    assert first["text"] == (
        '{"operation":"UPSERT","compartment_id":"0","user_account_id":"%s-0","force_replace":true,'
        '"user_profile":{"$compartment_id":"0","$user_account_id":"%s-0","tier":"","points":0,"note":null,'
        '"map":{"%s":["%s"]},"score":0.10000000000000000001}}' % ((SECRET,) * 4)
    )


def test_properties_are_counted_over_all_commands(ndjson: Workspace) -> None:
    done = ndjson.run("source", "check", "shown", "--show", "0", "-o", "json")
    (read,) = json.loads(done.out)["reads"]
    assert read["commands"] == []
    found = {p.pop("name"): p for p in read["properties"]}
    assert list(found)[2:] == ["tier", "points", "note", "map", "score"]
    size = len(SECRET)
    assert found["tier"] == {
        "absent": 0, "null": 0, "empty": 2, "types": {"text": 6}, "shortest": 0, "longest": 2 * size,
    }  # fmt: skip
    assert found["note"] == {
        "absent": 2, "null": 2, "empty": 0, "types": {"text": 2}, "shortest": 2, "longest": 3,
    }  # fmt: skip
    assert found["points"]["types"] == {"integer": 6}
    assert found["score"]["types"] == {"number": 6}
    shown = ndjson.run("source", "check", "shown", "--show", "0").out
    assert re.search(r"tier +0% +0% +33.3%  text +0-20", shown), shown
    assert "First" not in shown


def test_every_format_shows_the_same(workspace: Workspace) -> None:
    rows = [_row(n) | {"note": "x"} for n in range(4)]
    seen = set()
    for name in ("csv", "ndjson", "parquet"):
        for old in (workspace.root / "data").iterdir():
            old.unlink()
        types = "  types: {points: integer}\n" if name == "csv" else ""
        workspace.write("specs/shown.yaml", SPEC.replace("shown.ndjson", f"shown.{name}") + types)
        path = workspace.root / f"data/shown.{name}"
        match name:
            case "csv":
                polars.DataFrame(rows).write_csv(path)
            case "ndjson":
                polars.DataFrame(rows).write_ndjson(path)
            case _:
                polars.DataFrame(rows).write_parquet(path)
        done = workspace.run("source", "check", "shown", "--show", "2", "-o", "json")
        assert done.code == 0, done
        (read,) = json.loads(done.out)["reads"]
        seen.add(json.dumps([read["properties"], [c["masked"] for c in read["commands"]]]))
    assert len(seen) == 1


def test_commands_show_what_is_not_about_properties_in_words_too(workspace: Workspace) -> None:
    workspace.write(
        "specs/shown.yaml",
        SPEC.replace("  identify_by: {compartment: loyalty, user_account_id: id}\n", "  compartment: loyalty\n")
        .replace("  update: {force_replace: true}\n", ""),
    )  # fmt: skip
    command = {
        "operation": "UPSERT", "compartment_id": "2071", "user_account_id": SECRET, "force_replace": True,
        "extra": {SECRET: 1}, "user_profile": {"$compartment_id": "2071", "$user_account_id": SECRET},
    }  # fmt: skip
    gone = {"operation": "DELETE", "compartment_id": "2071", "user_account_id": SECRET}
    workspace.write("data/shown.ndjson", f"{json.dumps(gone)}\n{json.dumps(command)}\n")
    done = workspace.run("source", "check", "shown", "--show", "5")
    assert done.code == 0, done
    assert SECRET not in done.out
    assert re.search(r'operation +"DELETE"\n', done.out)
    assert re.search(r"extra +object, 1 field\n", done.out)
    assert "Properties of 1 UPSERT command" in done.out


def test_a_page_is_whole_and_escapes_what_it_shows(ndjson: Workspace) -> None:
    ndjson.write("data/shown.ndjson", json.dumps({"id": "u1", "<b>x": "<script>alert(1)</script>"}) + "\n")
    page = ndjson.run("source", "check", "shown", "--show", "1", "--values", "-o", "html").out
    assert "<script" not in page
    assert "<b>x" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=", page)
    assert "with values" in page
    assert "without values" in ndjson.run("source", "check", "shown", "--show", "1", "-o", "html").out


@pytest.mark.parametrize(
    "flags", [["--values"], ["--values", "--show", "0"], ["--show", "-1"], ["--show", "x"]]
)
def test_bad_calls(flags: list[str], ndjson: Workspace) -> None:
    assert ndjson.run("source", "check", "shown", *flags).code == 64


_marked = st.text('qZ\\"é\n ', min_size=1).map(lambda t: f"{SECRET}{t}")
_values = st.recursive(
    _marked | st.none() | st.booleans() | st.integers(10**20, 10**22) | st.floats(1e-7, 1e-6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_marked, inner, max_size=3),
    max_leaves=6,
)
_profiles = st.dictionaries(st.sampled_from(["a", "b", "$c"]), _values)


@given(st.lists(_profiles, min_size=1, max_size=5))
def test_words_hold_no_value_whatever_it_is(profiles: list[dict[str, Any]]) -> None:
    lines = [
        msgspec.json.encode({"operation": "UPSERT", "user_agent_id": SECRET, "user_profile": p})
        for p in profiles
    ]
    looking = Looking(len(lines))
    looking.add("f", 0, b"".join(line + b"\n" for line in lines), range(len(lines)))
    scan = Scan("", (), (), 0, 0, 0, 0, 0, 0, replay_safe=True)
    reading = Reading(["A"], scan, {}, 1, looking.result())
    shown = text.render(reading, PLAIN) + as_json.render([reading], []) + html.render("s", [reading], [])
    assert SECRET not in shown
    assert not re.search(r"\d{20}|e-0?[67]", shown)


@given(st.lists(_profiles, max_size=8))
def test_counts_add_up(profiles: list[dict[str, Any]]) -> None:
    lines = [msgspec.json.encode({"operation": "UPSERT", "user_profile": p}) for p in profiles]
    looking = Looking(0)
    for n, line in enumerate(lines):  # however it is divided
        looking.add("f", n, line + b"\n", [0])
    found = looking.result()
    assert found.upserts == len(profiles)
    assert {p.name for p in found.properties} == {name for p in profiles for name in p}
    for p in found.properties:
        assert p.present == sum(p.name in x for x in profiles)
        assert p.present == p.nulls + sum(p.types.values())
        texts = [len(x[p.name]) for x in profiles if isinstance(x.get(p.name), str)]
        assert (p.shortest, p.longest) == ((min(texts), max(texts)) if texts else (None, None))


def test_names_without_bound_cost_no_memory_without_bound() -> None:
    looking = Looking(0)
    for n in range(MAX_PROPERTIES + 7):
        looking.add("f", n, b'{"operation":"UPSERT","user_profile":{"k%d":1}}\n' % n, [0])
    assert len(looking.result().properties) == MAX_PROPERTIES
    assert looking.result().uncounted == 7
    scan = Scan("", (), (), 0, 0, 0, 0, 0, 0, replay_safe=True)
    assert "7 values of further properties" in text.render(Reading([], scan, {}, 1, looking.result()), PLAIN)


@pytest.mark.parametrize(
    ("count", "whole", "shown"),
    [
        (0, 9, "0%"),
        (9, 9, "100%"),
        (1, 10**6, "<0.1%"),
        (10**6 - 1, 10**6, ">99.9%"),
        (1, 3, "33.3%"),
        (0, 0, "0%"),
    ],
)
def test_all_and_none_are_said_only_where_they_are_true(count: int, whole: int, shown: str) -> None:
    assert rate(count, whole) == shown


def test_sources_read_once_are_shown_too(workspace: Workspace) -> None:
    import sqlite3

    base = sqlite3.connect(workspace.root / "c.db")
    base.execute("create table c (id text, tier text)")
    base.execute("insert into c values ('u1', ?)", (SECRET,))
    base.commit()
    base.close()
    sql = "  sql: {url: 'sqlite:///c.db', query: 'select * from c'}\n"
    workspace.write("specs/shown.yaml", SPEC.replace("  files: [data/shown.ndjson]\n", sql))
    done = workspace.run("source", "check", "shown", "--show", "1")
    assert done.code == 0, done
    assert SECRET not in done.out
    assert re.search(r"tier +text, 10 characters", done.out)


@pytest.mark.parametrize("width", [50, 60, 70, 79, 80, 100])
def test_the_table_of_properties_fits_the_terminal_and_cuts_no_name(width: int) -> None:
    names = ["id", "a_name_of_26_characters_xx", "loyalty_points_1", "loyalty_points_2"]
    found = tuple(
        Property(
            name, present=99, nulls=1, empty=2, types={"string": 90, "integer": 9}, shortest=1, longest=12345
        )
        for name in names
    )
    lines = table(Shown(upserts=100, properties=found), replace(PLAIN, width=width))
    assert max(map(len, lines)) <= max(width, 60)
    text = "\n".join(lines)
    assert all(name in text for name in names)
    assert text.count("1-12,345") == len(names)
