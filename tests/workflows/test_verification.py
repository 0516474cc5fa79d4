"""Profiles read back after a run are compared with what the merge table predicts; previews say the same beforehand."""

import json

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace


def spec(update: str, more: str = "  verify: {sample: 15}\n") -> str:
    text = CUSTOMERS.replace("update: {force_replace: true}", f"update: {update}")
    return text.replace("data/*.csv", "data/*.ndjson") + more


def rows(workspace: Workspace, extra: str, count: int = 200) -> None:
    text = "".join(f'{{"id":"c{n:04d}",{extra}}}\n' for n in range(count))
    workspace.write("data/customers.ndjson", text)


@pytest.mark.parametrize(
    ("update", "null_merge", "array_merge"),
    [
        ("{force_replace: true}", "removed", "concatenate"),
        ("{force_replace: false}", "stored", "deduplicate"),
        ("{force_replace: false, merge_objects: true}", "stored", "concatenate"),
        ("{force_replace: false, merge_objects: true}", "removed", "deduplicate"),
    ],
)
def test_what_is_predicted_is_what_is_stored_under_every_switch(
    update: str, null_merge: str, array_merge: str, workspace: Workspace, emulator: Emulator
) -> None:
    emulator.switch(null_merge=null_merge, array_merge=array_merge)
    workspace.write("specs/customers.yaml", spec(update))
    rows(workspace, '"tier":"gold","tags":["a","b"],"address":{"city":"Lyon","zip":"1"},"old":1,"gone":2')
    assert workspace.run("apply", "--auto-approve").code == 0
    rows(workspace, '"tier":"silver","tags":["b","c"],"address":{"city":"Paris"},"new":true,"gone":null')
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "read back: 15 as predicted, 0 not, 0 not verified" in done.err


def test_a_profile_that_is_not_as_predicted_is_reported_with_its_line(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/customers.yaml", spec("{force_replace: true}", "  verify: {sample: 200}\n"))
    rows(workspace, '"tier":"gold"', 20)
    with (workspace.root / "data/customers.ndjson").open("a") as file:
        file.write('{"id":"c0003","tier":"canary-9d31"}\n')  # another line about the same account
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    words = " ".join(done.err.split())
    assert (
        "1 profile that was read back differs from what the merge rules predict: data/customers.ndjson:4"
        in words
    )
    assert "source preview customers --line N` shows what is stored" in words
    assert "apply --reload ProfileSource/customers@retail-fr` sends all rows again" in words
    assert "canary" not in done.out + done.err


def test_lines_that_the_platform_did_not_take_are_not_read_back(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/customers.yaml", spec("{force_replace: true}", "  verify: {sample: 200}\n"))
    rows(workspace, '"tier":"gold"', 20)
    emulator.quarantine("c0003")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "19 as predicted, 0 not, 1 not verified" in done.err


def test_a_line_that_may_be_one_of_those_refused_is_not_called_different(
    workspace: Workspace, emulator: Emulator
) -> None:
    """The error file does not say which line was refused: any of the chunk may be the one."""
    workspace.write("specs/customers.yaml", spec("{force_replace: true}", "  verify: {sample: 200}\n"))
    rows(workspace, '"tier":"gold"', 20)
    emulator.switch(error_file="opaque")
    emulator.quarantine("c0003")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "0 as predicted, 0 not, 20 not verified" in done.err
    assert "differ from what" not in done.err


def test_a_rule_that_is_not_public_is_not_verified(workspace: Workspace) -> None:
    strategy = "{dialect: update_strategy, update_strategy: PARTIAL_UPDATE}"
    workspace.write("specs/customers.yaml", spec(strategy, "  verify: {sample: 5}\n"))
    rows(workspace, '"tier":"gold"', 50)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "0 as predicted, 0 not, 5 not verified" in done.err


def test_a_preview_shows_what_apply_then_does(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/customers.yaml", spec("{force_replace: false, merge_objects: true}", ""))
    rows(workspace, '"tier":"gold","tags":["a"],"address":{"city":"Lyon","zip":"1"}')
    assert workspace.run("apply", "--auto-approve").code == 0
    rows(workspace, '"tier":"silver","tags":["b"],"address":{"city":"Paris"}')
    writes = len(emulator.writes())
    shown = workspace.run("source", "preview", "customers", "--line", "7")
    assert shown.code == 0, shown
    for line in (
        '~ tier: "gold" -> "silver"',
        '~ tags: ["a"] -> ["a", "b"]',
        '~ address.city: "Lyon" -> "Paris"',
        "2 unchanged",
    ):
        assert line in shown.out, shown
    assert len(emulator.writes()) == writes
    found = json.loads(workspace.run("source", "preview", "customers", "--line", "7", "-o", "json").out)[
        "previews"
    ][0]
    assert workspace.run("apply", "--auto-approve").code == 0
    stored = next(json.loads(b) for _, account, b in emulator.profiles("1509") if account == "c0006")
    assert {k: v for k, v in stored.items() if k not in ("$creation_ts", "$last_modified_ts")} == found[
        "merged"
    ]


def test_previews_of_other_lines(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write(
        "specs/customers.yaml",
        spec("{force_replace: true}", "  operation: {column: op, map: {U: UPSERT, D: DELETE}}\n"),
    )
    workspace.write("data/customers.ndjson", '{"id":"a","op":"U","x":1}\n{"id":"b","op":"D"}\n{"op":"U"}\n')
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    first = workspace.run("source", "preview", "customers", "--line", "1")
    assert "no profile is stored yet" in first.out
    assert "+ x: 1" in first.out
    deleted = workspace.run("source", "preview", "customers", "--line", "2")
    assert "DELETE" in deleted.out
    assert "nothing is stored, and this command stores nothing" in deleted.out
    bad = workspace.run("source", "preview", "customers", "--line", "3")
    assert (bad.code, "no value in 'id'" in bad.err) == (1, True), bad
    beyond = workspace.run("source", "preview", "customers", "--line", "4")
    assert (beyond.code, "has no line 4" in beyond.err) == (1, True), beyond
    unnamed = workspace.run("source", "preview", "customers", "--line", "x")
    assert (unnamed.code, "--line 'x' is not N or FILE:N" in unnamed.err) == (64, True), unnamed
    text = (workspace.root / "specs/customers.yaml").read_text()
    workspace.write("specs/customers.yaml", text.replace("data/customers.ndjson", "data/customers*.ndjson"))
    workspace.write("data/customers2.ndjson", '{"id":"c","op":"U","x":1}\n')
    beyond = workspace.run("source", "preview", "customers", "--line", "4")
    assert "--line FILE:N names a line of another file: data/customers.ndjson\n" in beyond.err
    assert workspace.run("source", "preview", "customers", "--line", "data/customers.ndjson:1").code == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (1, "data/x.csv:1 is the header, not a row | its rows are in lines 2 to 6"),
        (2, "data/x.csv:2 is not sent: a later row of the source has the same identity | keep_last"),
        (4, "no row begins at data/x.csv:4 | the row that it belongs to begins at line 3"),
        (5, None),
        (6, None),
        (7, "data/x.csv has no line 7 | its rows are in lines 2 to 6"),
    ],
)
def test_lines_of_a_file_that_are_not_sent(line: int, words: str | None, workspace: Workspace) -> None:
    workspace.write(
        "specs/customers.yaml",
        CUSTOMERS.replace("data/*.csv", "data/x.csv") + "  duplicates: keep_last\n",
    )
    workspace.write("data/x.csv", 'id,tier\na,one\nb,"two\nlines"\nc,three\na,four\n')
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    done = workspace.run("source", "preview", "customers", "--line", str(line))
    assert done.code == (1 if words else 0), done
    for part in words.split(" | ") if words else ():
        assert part in " ".join(done.err.split())


def test_a_line_of_a_file_that_one_datamart_has(workspace: Workspace) -> None:
    text = spec("{force_replace: true}").replace("data/*.ndjson", "data/{datamart.name}.ndjson")
    workspace.write("specs/customers.yaml", text.replace("datamarts: retail-fr", "datamarts: all"))
    workspace.write("data/retail-fr.ndjson", '{"id":"a","x":1}\n')
    workspace.write("data/retail-de.ndjson", '{"id":"b","x":1}\n')
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    for name in ("retail-fr", "retail-de"):
        shown = workspace.run("source", "preview", "customers", "--line", f"data/{name}.ndjson:1")
        assert shown.code == 0, shown
        assert [x for x in shown.out.splitlines() if x.startswith("Prof")] == [
            f"ProfileSource/customers@{name}  data/{name}.ndjson:1"
        ]
    wrong = workspace.run("source", "preview", "customers", "--line", "data/retail-fx.ndjson:1")
    assert wrong.code == 1
    assert "the source has no file data/retail-fx.ndjson" in wrong.err
    assert "did you mean 'data/retail-fr.ndjson'?" in wrong.err
    assert "data/retail-de.ndjson, data/retail-fr.ndjson" in wrong.err
