"""What is as declared is grouped in a saved plan; `--full` has an entry for each. Both are one plan to every command."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.planning.digests import plan_digest
from tests.support.emulator import Emulator
from tests.support.workspace import LOYALTY, Workspace


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.write("specs/loyalty.yaml", LOYALTY)
    assert workspace.run("apply", "--auto-approve").code == 0
    return workspace


def saved(workspace: Workspace, name: str, *flags: str) -> tuple[Path, dict[str, Any]]:
    file = workspace.root / name
    done = workspace.run("plan", "--out", str(file), *flags)
    assert done.code == 0, done
    return file, json.loads(file.read_text())


def test_both_forms_are_shown_compared_and_applied_alike(workspace: Workspace, emulator: Emulator) -> None:
    groups, small = saved(workspace, "groups.json")
    entries, large = saved(workspace, "entries.json", "--full")
    assert (small["resource_changes"], large["unchanged"]["compartments"]) == ([], {})
    assert [*small["unchanged"]["compartments"]] == ["loyalty"]
    assert {tuple(c["change"]["actions"]) for c in large["resource_changes"]} == {("no-op",)}
    assert (
        small["summary"]
        == large["summary"]
        == {**small["summary"], "unchanged": len(large["resource_changes"])}
    )
    shown = json.loads(workspace.run("show", "-o", "json", "--full", str(groups)).out)
    assert shown["resource_changes"] == large["resource_changes"]
    assert json.loads(workspace.run("plan", "-o", "json").out)["unchanged"] == small["unchanged"]
    assert (
        json.loads(workspace.run("plan", "-o", "json", "--full").out)["resource_changes"]
        == large["resource_changes"]
    )
    assert "No differences" in (same := workspace.run("diff", str(groups), str(entries))).out, same
    for address in (c["address"] for c in large["resource_changes"]):
        told = [workspace.run("show", "--details", address, str(f)) for f in (groups, entries)]
        assert told[0].code == 0, told
        assert told[0].out == told[1].out
        assert "as declared" in told[0].out
    before = emulator.writes()
    for file in (groups, entries):
        done = workspace.run("apply", str(file))
        assert (done.code, "no changes" in done.out) == (0, True), done
        assert workspace.run("drift", "--detailed-exitcode").code == 0
    assert emulator.writes() == before


def test_a_plan_with_changes_is_applied_in_both_forms(workspace: Workspace, emulator: Emulator) -> None:
    for n, flags in enumerate([(), ("--full",)]):
        workspace.write("specs/more.yaml", LOYALTY.replace("loyalty", f"more{n}"))
        file, _ = saved(workspace, f"plan{n}.json", *flags)
        assert workspace.run("apply", str(file)).code == 0
        assert f"more{n}" in {c["token"] for c in emulator.compartments()}
        assert "already applied" in workspace.run("apply", str(file)).out


@pytest.mark.parametrize("flags", [(), ("--full",)])
def test_a_forged_id_of_what_is_as_declared_is_not_remembered(
    flags: tuple[str, ...], workspace: Workspace, emulator: Emulator
) -> None:
    """Else the next edit of a token would change the token of the compartment that the id is of."""
    row = {"name": "Old", "token": "victim", "organisation_id": "1185", "archived": False}
    victim = emulator.store.add("compartment", "1185", row)
    own = next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    file, document = saved(workspace, "forged.json", *flags)
    workspace.forget_ledger()
    said = json.loads(json.dumps(document).replace(f'"{own}"', f'"{victim["id"]}"'))
    said["unmanaged"] = []
    file.write_text(json.dumps({**said, "plan_digest": plan_digest(said)}))
    workspace.run("apply", str(file))
    text = LOYALTY.replace("token: loyalty", "token: loyalty2, allow_token_change: true")
    workspace.write("specs/loyalty.yaml", text)
    plan = workspace.plan()
    assert victim["id"] not in {c["remote_id"] for c in plan["resource_changes"]}
    workspace.run("apply", "--auto-approve")
    assert "victim" in {c["token"] for c in emulator.compartments()}
