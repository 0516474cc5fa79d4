"""What plans and reports say is what is so: guards overridden, plans that cannot be applied, a platform that does not answer."""

import json
from pathlib import Path

import pytest

from reconciler.model.address import Span
from reconciler.model.desired import Desired
from reconciler.model.listing import Unlisted
from reconciler.model.remote import Observed
from reconciler.planning.config.removals import Pruning
from reconciler.planning.plan.planner import plan_config
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

WHY = "the old customers moved away"


def test_who_overrode_a_guard_and_why_is_in_each_report(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(2000)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(100, mark="v2")
    file = str(tmp_path / "plan")
    allow = ("--allow", f"guard-shrink:ProfileSource/customers@retail-fr={WHY}")
    made = workspace.run("plan", *allow, "--out", file, GITHUB_ACTOR="ada")
    assert f"allowed by ada: {WHY}" in " ".join(made.out.split())
    for form in ("text", "markdown", "html"):
        assert f"allowed by ada: {WHY}" in " ".join(workspace.run("show", file, "-o", form).out.split())
    done = json.loads(workspace.run("apply", file, "-o", "json").out)
    assert [(o["who"], o["why"]) for o in done["overrides"]] == [("ada", WHY)]


@pytest.mark.parametrize("command", [("plan", "--out", "FILE"), ("apply", "--auto-approve")])
def test_a_plan_that_cannot_be_applied_says_so_last(
    workspace: Workspace, emulator: Emulator, tmp_path: Path, command: tuple[str, ...]
) -> None:
    workspace.customers(10)
    text = (workspace.root / "specs/customers.yaml").read_text()
    workspace.write("specs/customers.yaml", text.replace("data/*.csv", "data/nothing.csv"))
    done = workspace.run(*(str(tmp_path / "p.plan") if x == "FILE" else x for x in command))
    assert done.code == 1
    assert "this plan cannot be applied: 1 error" in " ".join(done.err.split()), done
    assert "applies exactly this plan" not in done.err
    assert emulator.writes() == []


def test_a_platform_that_does_not_answer_is_one_error() -> None:
    refused, other = Unlisted("connection refused"), Unlisted("HTTP 502")
    here = Span("specs/datamarts.yaml", 1, 1)
    names = {f"m{n}": str(n) for n in range(40)}
    desired = Desired(datamarts={name: (i, here) for name, i in names.items()})
    down = Observed(
        datamarts=refused, compartments=refused, activations=dict.fromkeys(names.values(), refused)
    )
    assert reads(desired, down) == ["could not list datamarts (and 41 other reads): connection refused"]
    mixed = Observed(
        datamarts=refused, compartments=other, activations=dict.fromkeys(names.values(), refused)
    )
    assert reads(desired, mixed) == [
        "could not list datamarts (and 40 other reads): connection refused",
        "could not list compartments: HTTP 502",
    ]


def reads(desired: Desired, observed: Observed) -> list[str]:
    made = plan_config(desired, observed, "1185", Pruning())
    assert made.errored
    return [d.message for d in made.diagnostics if d.code == "read-failed"]
