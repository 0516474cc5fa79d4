"""Saved plans: compared with each other, and refused when they are too old or another version's (G2)."""

import json

from reconciler.planning.digests import plan_digest
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


def test_diff_shows_what_one_plan_would_do_that_the_other_would_not(workspace: Workspace) -> None:
    workspace.customers(20)
    one, other, same = (str(workspace.root / name) for name in ("a.plan", "b.plan", "c.plan"))
    assert workspace.run("plan", "--out", one).code == 0
    assert workspace.run("plan", "--out", same).code == 0
    equal = workspace.run("diff", one, same)
    assert (equal.code, "No differences" in equal.out) == (0, True), equal
    workspace.customers(21, mark="v2")
    workspace.write(
        "specs/more.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: more}\nspec: {name: More, token: more}\n",
    )
    assert workspace.run("plan", "--out", other).code == 0
    done = workspace.run("diff", one, other)
    assert done.code == 0, done
    assert "+ Compartment/more  only in b: create" in done.out
    assert "~ ProfileSource/customers@retail-fr" in done.out
    assert "lines: 20 -> 21" in done.out
    assert "2 differences." in done.out
    back = json.loads(workspace.run("diff", other, one, "-o", "json").out)
    assert [(d["address"], d["only"]) for d in back["differences"]] == [
        ("Compartment/more", "a"),
        ("ProfileSource/customers@retail-fr", None),
    ]


def test_an_old_plan_and_one_of_another_major_version_are_refused(
    workspace: Workspace, emulator: Emulator
) -> None:
    file = workspace.root / "plan"
    assert workspace.run("plan", "--out", str(file)).code == 0

    def edited(**values: str) -> str:
        document = {**json.loads(file.read_text()), **values}
        path = workspace.root / "edited"
        path.write_text(json.dumps({**document, "plan_digest": plan_digest(document)}))
        return str(path)

    old = edited(created_at="2020-01-01T00:00:00.000+00:00")
    assert workspace.run("apply", "--check", old).code == 0  # no limit, unless one is set
    with (workspace.root / "reconciler.yaml").open("a") as settings:
        settings.write("  max_plan_age: 24h\n")
    refused = workspace.run("apply", old)
    assert refused.code == 4, refused
    assert "max_plan_age allows 24 h" in " ".join(refused.err.split())
    coming = workspace.run("apply", edited(created_at="8000-01-01T00:00:00.000+00:00"))
    assert (coming.code, "max_plan_age cannot be checked" in " ".join(coming.err.split())) == (4, True), (
        coming
    )
    foreign = workspace.run("apply", edited(tool_version="7.1.0"))
    assert foreign.code == 4, foreign
    assert "was made by reconciler 7.1.0" in foreign.err
    assert emulator.writes() == []
    assert workspace.run("apply", str(file)).code == 0


def test_a_run_leaves_the_plan_that_undoes_it_and_says_what_no_plan_can(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20)
    file = workspace.root / "undo"
    assert workspace.run("apply", "--auto-approve").code == 0
    first = workspace.run("runs", "show", "--inverse", str(file))
    assert first.code == 0, first
    told = " ".join(first.err.split())
    for words in (
        "Compartment/loyalty cannot be undone: the platform cannot remove compartments",
        "Activation/loyalty@retail-de, Activation/loyalty@retail-fr cannot be undone: ",
        "ProfileSource/customers@retail-fr cannot be undone: profiles that were merged or deleted cannot be restored",
    ):
        assert words in told
    assert workspace.run("apply", str(file)).code == 0  # there is nothing to do
    spec = workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text().replace("Loyalty programme", "Loyalty club"))
    assert workspace.run("apply", "--auto-approve").code == 0
    back = workspace.run("runs", "show", "--inverse", str(file))
    assert '"Loyalty club" -> "Loyalty programme"' in back.out
    writes = len(emulator.writes())
    assert workspace.run("apply", str(file)).code == 0
    assert [c["name"] for c in emulator.compartments() if c["token"] == "loyalty"] == ["Loyalty programme"]
    assert len(emulator.writes()) == writes + 1
    again = workspace.run("apply", str(file))
    assert (again.code, "already applied" in again.out, len(emulator.writes())) == (0, True, writes + 1), (
        again
    )


def test_diff_of_a_plan_that_creates_an_activation_and_one_that_removes_it(
    workspace: Workspace, emulator: Emulator
) -> None:
    one, other = (str(workspace.root / name) for name in ("a.plan", "b.plan"))
    assert workspace.run("plan", "--out", one).code == 0
    assert workspace.run("apply", "--auto-approve").code == 0
    specs = (workspace.root / "specs/loyalty.yaml").read_text()
    gone = specs.replace("activations: all", "activations: retail-fr, deactivations: retail-de")
    workspace.write("specs/loyalty.yaml", gone)
    workspace.run("plan", "--out", other)
    done = workspace.run("diff", one, other)
    assert done.code == 0, done
    assert "~ Activation/loyalty@retail-de" in done.out
    back = json.loads(workspace.run("diff", one, other, "-o", "json").out)
    fields = next(d for d in back["differences"] if d["address"] == "Activation/loyalty@retail-de")["fields"]
    assert {"actions", "after.datamart_id", "before.datamart_id"} <= fields.keys()
