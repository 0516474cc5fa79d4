"""What a load would change, for some identities: said before it is sent, and true after it was."""

import contextlib
import json
import re
import sqlite3

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace


def declare(
    workspace: Workspace, update: str = "{force_replace: false, merge_objects: true}", more: str = ""
) -> None:
    text = CUSTOMERS.replace("update: {force_replace: true}", f"update: {update}") + more
    workspace.write("specs/customers.yaml", text.replace("data/*.csv", "data/*.ndjson"))


def write(workspace: Workspace, *rows: dict[str, object]) -> None:
    workspace.write("data/customers.ndjson", "".join(json.dumps(row) + "\n" for row in rows))


def test_counts_properties_and_places_without_a_value(workspace: Workspace, emulator: Emulator) -> None:
    declare(workspace)
    write(workspace, *({"id": f"c{n}", "tier": "gold", "city": "Lyon"} for n in range(4)))
    assert workspace.run("apply", "--auto-approve").code == 0
    write(
        workspace,
        {"id": "c0", "tier": "gold", "city": "Lyon"},
        {"id": "c1", "tier": "canary-1", "city": "Lyon"},
        {"id": "c2", "tier": "canary-2", "city": "Paris", "map": {"canary-3": 1}},
        {"id": "c9", "tier": "canary-4"},
        {"tier": "canary-5"},
    )
    writes = len(emulator.writes())
    shown = workspace.run("source", "diff", "customers")
    assert shown.code == 0, shown
    assert "4 identities looked at, in 4 commands" in shown.out
    assert "1 row rejected" in shown.out
    assert "1 new, 2 changed, 1 unchanged" in shown.out
    assert re.search(r"changed +data/customers.ndjson:3 .*~tier.*~city.*\+map", shown.out), shown
    assert re.search(r"tier +1 +2", shown.out), shown
    assert "canary" not in shown.out + shown.err
    assert "canary" not in workspace.run("source", "diff", "customers", "-o", "json").out
    assert "canary" not in workspace.run("source", "diff", "customers", "-o", "html").out
    for output in ("text", "json", "html"):
        assert "canary-2" in workspace.run("source", "diff", "customers", "--values", "-o", output).out
    assert len(emulator.writes()) == writes


def test_a_compartment_that_is_not_there_yet_has_no_id(workspace: Workspace) -> None:
    declare(workspace)
    write(workspace, {"id": "c0", "tier": "gold"})
    for command in (("diff", "customers", "--values"), ("preview", "customers", "--line", "1")):
        shown = workspace.run("source", *command).out
        assert "compartment_id (known after apply), user_account_id" in shown
        assert "+ $compartment_id: (known after apply)" in shown


@pytest.mark.parametrize(
    "update",
    ["{force_replace: true}", "{force_replace: false}", "{force_replace: false, merge_objects: true}"],
)
def test_what_it_says_is_what_the_load_does(update: str, workspace: Workspace, emulator: Emulator) -> None:
    declare(workspace, update)
    write(workspace, *({"id": f"c{n}", "tier": "gold", "tags": ["a"], "old": {"x": n}} for n in range(9)))
    assert workspace.run("apply", "--auto-approve").code == 0
    write(workspace, *({"id": f"c{n}", "tier": n % 2, "tags": ["b"], "old": {"y": n}} for n in range(3, 12)))
    said = json.loads(workspace.run("source", "diff", "customers", "--values", "-o", "json").out)["diffs"][0]
    assert said["summary"] == {"new": 3, "changed": 6, "deleted": 0, "unchanged": 0}
    assert workspace.run("apply", "--auto-approve").code == 0
    stored = {account: json.loads(body) for _, account, body in emulator.profiles("1509")}
    for profile in said["profiles"]:
        merged = profile["values"]["merged"]
        then = stored[merged["$user_account_id"]]
        assert {k: v for k, v in then.items() if k not in ("$creation_ts", "$last_modified_ts")} == merged
    after = json.loads(workspace.run("source", "diff", "customers", "-o", "json").out)["diffs"][0]
    grown = "merge_objects: true" in update  # lists grow with each replay
    assert after["summary"]["unchanged"] == (0 if grown else 9)


def test_a_sample_is_the_same_each_time_and_has_all_commands_of_its_identities(workspace: Workspace) -> None:
    declare(workspace, "{force_replace: false}")
    rows = [{"id": f"c{n % 50}", f"p{n // 50}": n} for n in range(150)]
    write(workspace, *rows)
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    first, second = (
        json.loads(
            workspace.run("source", "diff", "customers", "--sample", "7", "--values", "-o", "json").out
        )
        for _ in range(2)
    )
    assert first == second
    profiles = first["diffs"][0]["profiles"]
    assert len(profiles) == 7
    for profile in profiles:
        assert {"p0", "p1", "p2"} <= set(profile["values"]["merged"])


def test_more_commands_about_one_identity_than_are_kept_are_told(workspace: Workspace) -> None:
    declare(workspace, "{force_replace: false}")
    write(workspace, *({"id": "same", "n": n} for n in range(101)), {"id": "other", "n": 1})
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    shown = workspace.run("source", "diff", "customers")
    assert "2 identities looked at" in shown.out
    assert (
        "data/customers.ndjson:1 cannot be predicted: more than 100 commands are about this identity"
        in shown.out
    )


def test_a_rule_that_is_not_public_is_not_predicted(workspace: Workspace) -> None:
    declare(workspace, "{dialect: update_strategy, update_strategy: PARTIAL_UPDATE}")
    write(workspace, {"id": "a", "x": 1})
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    shown = workspace.run("source", "diff", "customers")
    assert shown.code == 0, shown
    assert "data/customers.ndjson:1 cannot be predicted" in shown.out


def test_a_profile_that_cannot_be_read_is_no_new_profile(workspace: Workspace, emulator: Emulator) -> None:
    declare(workspace)
    write(workspace, {"id": "a", "x": 1})
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    emulator.fault({"do": "status", "status": 500, "path": "*/user_identifiers/*", "times": 0})
    shown = workspace.run("source", "diff", "customers")
    assert shown.code == 1, shown
    assert "new" not in shown.out


def test_a_source_is_read_once_for_all_datamarts(workspace: Workspace) -> None:
    declare(workspace)
    spec = (workspace.root / "specs/customers.yaml").read_text()
    spec = spec.replace("  datamarts: retail-fr\n", "  datamarts: [retail-fr, retail-de]\n")
    workspace.write(
        "specs/customers.yaml",
        spec.replace(
            'files: ["data/*.ndjson"]', "sql: {url: 'sqlite:///c.db', query: 'select id, random() r from c'}"
        ),
    )
    with contextlib.closing(sqlite3.connect(workspace.root / "c.db")) as database:
        database.executescript("create table c (id text); insert into c values ('a'), ('b');")
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    diffs = json.loads(workspace.run("source", "diff", "customers", "--values", "-o", "json").out)["diffs"]
    assert len(diffs) == 2
    first, second = ([p["values"]["command"]["user_profile"]["r"] for p in d["profiles"]] for d in diffs)
    assert first == second  # a second reading would have other numbers


@pytest.mark.parametrize("number", ["0", "1001", "x"])
def test_the_size_of_a_sample_is_bounded(number: str, workspace: Workspace) -> None:
    declare(workspace)
    assert workspace.run("source", "diff", "customers", "--sample", number).code == 64
