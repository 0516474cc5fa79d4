"""Guards: limits on what one plan changes, and on what a snapshot loses, before anything is sent."""

import json
from pathlib import Path

import pytest

from reconciler.cli.flags import Flags
from reconciler.errors import UsageError
from reconciler.model.plan import Change, ResourceChange
from reconciler.planning.plan.guards import check
from reconciler.settings import Guards
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace


def test_a_snapshot_that_shrinks_too_much_is_refused(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(2000)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(1001, mark="v2")
    assert workspace.run("plan").code == 0
    workspace.customers(999, mark="v3")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 4, done
    assert "guard-shrink" in done.err
    assert "999 rows, after 2,000 in the last load: more than 50 % fewer" in " ".join(done.err.split())
    workspace.customers(999, mark="v3", source=CUSTOMERS + "  content: changes\n")
    assert workspace.run("plan").code == 0  # changes are as many as there are
    workspace.customers(999, mark="v3")
    with (workspace.root / "reconciler.yaml").open("a") as file:
        file.write("  guards: {max_shrink_percent: 60}\n")
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == 2000


def change(address: str, action: str) -> ResourceChange:
    row = {"name": "x"}
    return ResourceChange(
        address=address,
        kind=address.partition("/")[0],
        change=Change(actions=(action,), before=row, after=row),
        reason="",
    )


def test_guards_look_at_each_kind_and_at_each_datamart() -> None:
    fr = [change(f"Activation/c{n}@retail-fr", "update" if n < 4 else "no-op") for n in range(10)]
    de = [change(f"Activation/c{n}@retail-de", "no-op") for n in range(30)]
    found = check([*fr, *de], [], Guards())
    assert [(f.code, f.address) for f in found] == [("guard-changes", "Activation@retail-fr")]
    assert "4 of 10 resources of Activation@retail-fr would be updated, more than 30 %" in found[0].message
    assert "--allow 'guard-changes:Activation@retail-fr=WHY'" in (found[0].help or "")
    assert check([*fr[:9], *de], [], Guards()) == []  # below ten a percentage says nothing
    assert [f.address for f in check([*fr[:9], *de], [], Guards(max_updates=3))] == [
        "Activation",
        "Activation@retail-fr",
    ]


def test_an_override_is_a_warning_with_user_and_reason(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(2000)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(100, mark="v2")
    address = "ProfileSource/customers@retail-fr"
    allow = ("--allow", f"guard-shrink:{address}=the old customers moved away")
    file = tmp_path / "plan"
    done = workspace.run("plan", *allow, "--out", str(file), GITHUB_ACTOR="ada")
    assert done.code == 0, done
    assert "allowed by ada: the old customers moved away" in " ".join(done.err.split())
    override = json.loads(file.read_text())["overrides"][0]
    assert override == {
        "guard": "guard-shrink",
        "scope": address,
        "who": "ada",
        "why": "the old customers moved away",
    }
    assert workspace.run("apply", str(file)).code == 0
    shown = " ".join(workspace.run("runs", "show").out.split())
    assert f"override: guard-shrink for {address}, allowed by ada: the old customers moved away" in shown
    assert json.loads(workspace.run("runs", "show", "-o", "json").out)["runs"][0]["overrides"] == [override]
    unused = workspace.run("plan", *allow)
    assert unused.code == 0
    assert "override-unused" in unused.err
    assert workspace.run("plan", "--allow", "guard-shrink:x").code == 64


def test_several_guards_are_allowed_at_once_each_with_its_own_reason() -> None:
    """One flag for each; a guard that is allowed twice for one scope has two reasons, of which one would be lost."""
    flags = Flags(
        root=Path(),
        allow=["guard-shrink:A=moved away", "guard-delete-lines:A=they left", "guard-shrink:B=x=y: z"],
    )
    assert [(o.guard, o.scope, o.why) for o in flags.allowed()] == [
        ("guard-shrink", "A", "moved away"),
        ("guard-delete-lines", "A", "they left"),
        ("guard-shrink", "B", "x=y: z"),
    ]
    with pytest.raises(UsageError, match="given twice"):
        Flags(root=Path(), allow=["guard-shrink:A=one", "guard-shrink:A=two"]).allowed()
