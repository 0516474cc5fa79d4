"""`token:` is edited after an apply: the compartment that exists is meant, so it is refused, or changed where the spec says so (G10)."""

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import LOYALTY, Workspace


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.write("specs/loyalty.yaml", LOYALTY)
    assert workspace.run("apply", "--auto-approve").code == 0
    return workspace


def edit(workspace: Workspace, token: str, more: str = "") -> None:
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("token: loyalty", f"token: {token}{more}"))


def own(emulator: Emulator) -> dict[str, str]:
    return {c["token"]: c["id"] for c in emulator.compartments() if c["token"].startswith("loyal")}


def codes(plan: dict[str, list[dict[str, str]]]) -> set[str]:
    return {d["code"] for d in plan["diagnostics"]}


def test_it_is_refused_and_nothing_is_written(workspace: Workspace, emulator: Emulator) -> None:
    edit(workspace, "loyalty2")
    before = emulator.writes()
    plan = workspace.run("plan")
    assert plan.code == 4, plan
    assert "error[token-change]" in plan.err
    assert "site tags" in " ".join(plan.err.split())
    assert workspace.run("apply", "--auto-approve").code == 4
    assert emulator.writes() == before


def test_a_compartment_that_an_apply_found_is_known_as_one_that_it_made(
    workspace: Workspace, emulator: Emulator
) -> None:
    """Also where the first apply had nothing to do, as after `init --from-platform`: a token edited by another hand makes no second one."""
    workspace.forget_ledger()
    assert "No changes." in workspace.run("apply", "--auto-approve").out
    (identity,) = own(emulator).values()
    emulator.store.update("compartment", identity, {"token": "loyal-by-hand"})
    plan = workspace.run("plan")
    assert (plan.code, "error[token-change]" in plan.err) == (4, True), plan
    writes = emulator.writes()
    assert workspace.run("apply", "--auto-approve").code == 4
    assert emulator.writes() == writes
    drift = workspace.run("drift")
    assert "Drift: 1 changed on the platform" in drift.out, drift
    accepted = workspace.run("drift", "--write")
    assert (accepted.code, "loyalty -> loyal-by-hand" in accepted.err) == (0, True), accepted
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_the_opt_in_changes_the_token_of_the_same_compartment(
    workspace: Workspace, emulator: Emulator
) -> None:
    (identity,) = own(emulator).values()
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    edit(workspace, "loyalty2", ", allow_token_change: true")
    plan = workspace.plan()
    assert "token-change-allowed" in codes(plan)
    (change,) = [c for c in plan["resource_changes"] if c["change"]["actions"] != ["no-op"]]
    assert (change["change"]["actions"], change["remote_id"]) == (["update"], identity)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert own(emulator) == {"loyalty2": identity}
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_the_token_and_a_load_change_in_one_apply(workspace: Workspace, emulator: Emulator) -> None:
    (identity,) = own(emulator).values()
    edit(workspace, "loyalty2", ", allow_token_change: true")
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert own(emulator) == {"loyalty2": identity}
    assert len(emulator.profiles("1509")) == 20


def test_a_token_that_another_compartment_has_is_refused_with_the_opt_in_too(
    workspace: Workspace, emulator: Emulator
) -> None:
    row = {"organisation_id": "1185", "token": "loyalty2", "name": "x", "archived": False}
    emulator.store.add("compartment", "1185", row)
    for token in ("loyalty2", "Loyalty2"):
        edit(workspace, token, ", allow_token_change: true")
        assert "token-change" in codes(workspace.plan())
        assert workspace.run("apply", "--auto-approve").code == 4


def test_without_a_ledger_a_look_alike_is_told(workspace: Workspace) -> None:
    edit(workspace, "loyalty2")
    workspace.forget_ledger()
    plan = workspace.plan()
    assert "unmanaged-look-alike" in codes(plan)
    workspace.write("specs/old.yaml", LOYALTY.replace("name: loyalty,", "name: old,"))
    assert "unmanaged-look-alike" not in codes(workspace.plan())


def test_another_workspace_with_this_ledger_is_another_one(workspace: Workspace, emulator: Emulator) -> None:
    settings = (workspace.root / "reconciler.yaml").read_text()
    (workspace.root / "reconciler.yaml").write_text(settings.replace("name: shop", "name: other"))
    edit(workspace, "loyalty2")
    assert workspace.run("apply", "--auto-approve").code == 0
    assert set(own(emulator)) == {"loyalty", "loyalty2"}


def test_a_saved_plan_changes_a_token_only_while_the_spec_allows_it(
    workspace: Workspace, emulator: Emulator
) -> None:
    edit(workspace, "loyalty2", ", allow_token_change: true")
    saved = str(workspace.root / "saved.json")
    assert workspace.run("plan", "--out", saved).code == 0
    edit(workspace, "loyalty2")
    assert workspace.run("apply", saved).code == 4
    assert set(own(emulator)) == {"loyalty"}
    edit(workspace, "loyalty2", ", allow_token_change: true")
    assert workspace.run("apply", saved).code == 0
    assert set(own(emulator)) == {"loyalty2"}
