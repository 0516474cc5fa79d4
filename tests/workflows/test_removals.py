"""Activations that go: by `deactivations`, by `--prune`, and never for any other reason (G10)."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.outcome import Outcome, Status
from reconciler.planning.plan.coverage import Cover, Coverage, after
from tests.support.emulator import Emulator
from tests.support.workspace import DATAMARTS, LOYALTY, Workspace

GONE = LOYALTY.replace("activations: all", "activations: [retail-fr], deactivations: [retail-de]")
PROTECTED = LOYALTY.replace("activations: all", "activations: [retail-fr], protected: true")
CLUB = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: club}
spec: {token: club, activations: [retail-fr]}
"""
LINES = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: people}
spec: {files: [data/people.ndjson], datamarts: retail-de}
"""


@pytest.fixture(autouse=True)
def active(workspace: Workspace, emulator: Emulator) -> None:
    """'loyalty' is active on both datamarts, and the default of neither."""
    emulator.switch(removal="works")
    workspace.write("specs/datamarts.yaml", DATAMARTS.replace(", default_compartment: loyalty", ""))
    assert workspace.run("apply", "--auto-approve").code == 0
    with emulator.store.lock:
        emulator.store.db.execute("DELETE FROM requests")


def on(emulator: Emulator, datamart: str, token: str = "loyalty") -> list[dict[str, Any]]:
    """The rows of a compartment."""
    identity = next(c["id"] for c in emulator.compartments() if c["token"] == token)
    return [a for a in emulator.activations(datamart) if a["compartment_id"] == identity]


def deletions(emulator: Emulator) -> int:
    return sum(r["method"] == "DELETE" for r in emulator.writes())


def test_what_is_to_go_goes_and_comes_back_with_the_inverse(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    others = [a["id"] for a in emulator.activations("1510")]
    workspace.write("specs/loyalty.yaml", GONE)
    planned = workspace.run("plan", "--detailed-exitcode")
    assert planned.code == 2
    told = " ".join(planned.out.split())
    assert (
        "- Activation/loyalty@retail-de delete because: deactivated on retail-de by the spec (specs/loyalty.yaml:"
        in told
    )
    assert "does not document what happens to its profiles there" in " ".join(planned.err.split())
    (change,) = (c for c in workspace.plan()["resource_changes"] if c["change"]["actions"] == ["delete"])
    assert change["request"] == f"DELETE /v1/datamarts/1510/compartments/{on(emulator, '1510')[0]['id']}"
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert on(emulator, "1510") == []
    assert len(on(emulator, "1509")) == 1
    assert len(emulator.activations("1510")) == len(others) - 1
    assert deletions(emulator) == len(emulator.writes()) == 1
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.writes()) == 1
    back = workspace.run("runs", "show", "1", "--inverse", str(tmp_path / "back"))
    assert back.code == 0, back
    workspace.run("runs", "show", "2", "--inverse", str(tmp_path / "back"))
    assert workspace.run("apply", str(tmp_path / "back")).code == 0
    assert len(on(emulator, "1510")) == 1


def test_an_activation_that_a_run_made_goes_with_its_inverse(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.write("specs/loyalty.yaml", GONE)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.write("specs/loyalty.yaml", LOYALTY)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(on(emulator, "1510")) == 1
    back = workspace.run("runs", "show", "--inverse", str(tmp_path / "back"))
    assert "the platform does not document how to remove activations" in " ".join(back.err.split())
    assert "change them, too, else the next plan proposes it again" in " ".join(back.err.split())
    assert workspace.run("apply", str(tmp_path / "back")).code == 0
    assert on(emulator, "1510") == []


def test_a_tombstone_makes_nothing(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/club.yaml", CLUB.replace("activations", "deactivations"))
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    workspace.write("specs/club.yaml", CLUB)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.write("specs/club.yaml", CLUB.replace("activations", "name: The club, deactivations"))
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert on(emulator, "1509", "club") == []
    assert next(c["name"] for c in emulator.compartments() if c["token"] == "club") == "The club"


def test_a_platform_that_removes_nothing_is_reported(workspace: Workspace, emulator: Emulator) -> None:
    emulator.switch(removal="405")
    workspace.write("specs/loyalty.yaml", GONE)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "this platform cannot remove activations: remove it in the console" in " ".join(done.err.split())
    assert deletions(emulator) == 1
    assert len(on(emulator, "1510")) == 1


@pytest.mark.parametrize("status", [403, 405])
def test_what_the_platform_refuses_to_remove_is_told_once(
    status: int, workspace: Workspace, emulator: Emulator
) -> None:
    emulator.fault(
        {"do": "status", "status": status, "method": "DELETE", "path": "/compartments/", "times": 0}
    )
    workspace.write("specs/loyalty.yaml", GONE)
    assert workspace.run("apply", "--auto-approve").code == 3
    sent = deletions(emulator)
    planned = workspace.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned
    told = " ".join(planned.err.split())
    assert f"'loyalty' stays active on retail-de: the platform refused the removal ({status})" in told
    assert "note[removal-not-proposed]" in told
    drift = workspace.run("drift", "--detailed-exitcode")
    assert (drift.code, "removal-not-proposed" in drift.err) == (0, True), drift
    for shape in ("text", "markdown", "html"):
        shown = " ".join(workspace.run("drift", "-o", shape).out.split())
        assert "No drift; 1 removal is not proposed. Nothing was changed" in shown, shape
        assert "othing that apply would change" in shown, shape
    assert workspace.run("apply", "--auto-approve").code == 0
    saved = str(workspace.root / "saved")
    assert workspace.run("plan", "--out", saved).code == 0
    for args in (("apply", "--check", saved), ("apply", saved)):  # what a plan leaves needs no authority
        kept = workspace.run(*args)
        assert kept.code == 0, kept
    assert deletions(emulator) == sent
    # Once the cause is gone, it is proposed again where it is asked for, and what succeeds is not refused any more.
    emulator.fault()
    address = "Activation/loyalty@retail-de"
    assert workspace.run("plan", "--target", address, "--detailed-exitcode").code == 2
    assert workspace.run("apply", "--target", address, "--auto-approve").code == 0
    assert on(emulator, "1510") == []
    workspace.write("specs/loyalty.yaml", LOYALTY)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.write("specs/loyalty.yaml", GONE)
    assert workspace.run("plan", "--detailed-exitcode").code == 2


def test_a_conflict_may_pass_and_is_tried_again(workspace: Workspace, emulator: Emulator) -> None:
    emulator.fault({"do": "status", "status": 409, "method": "DELETE", "path": "/compartments/", "times": 0})
    workspace.write("specs/loyalty.yaml", GONE)
    assert workspace.run("apply", "--auto-approve").code == 3
    emulator.fault()
    assert workspace.run("plan", "--detailed-exitcode").code == 2
    assert workspace.run("apply", "--auto-approve").code == 0
    assert on(emulator, "1510") == []


def test_a_lost_ledger_proposes_a_refused_removal_again(workspace: Workspace, emulator: Emulator) -> None:
    emulator.switch(removal="405")
    workspace.write("specs/loyalty.yaml", GONE)
    assert workspace.run("apply", "--auto-approve").code == 3
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    workspace.forget_ledger()
    assert workspace.run("plan", "--detailed-exitcode").code == 2


def test_what_prune_was_refused_is_not_proposed_again(workspace: Workspace, emulator: Emulator) -> None:
    emulator.switch(removal="405")
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("activations: all", "activations: [retail-fr]"))
    assert workspace.run("apply", "--prune", "Activation", "--auto-approve").code == 3
    planned = workspace.run("plan", "--prune", "Activation", "--detailed-exitcode")
    assert (planned.code, "removal-not-proposed" in planned.err) == (0, True), planned
    again = ("plan", "--prune", "Activation@retail-de", "--target", "Activation/loyalty@retail-de")
    assert f"{' '.join(again)}` proposes it again" in " ".join(planned.err.split())
    assert workspace.run(*again, "--detailed-exitcode").code == 2
    assert workspace.run(*again[:1], *again[3:]).code == 1  # without --prune, no spec declares it


def test_a_default_never_goes(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/loyalty.yaml", GONE)
    plan = workspace.root / "p"
    assert workspace.run("plan", "--out", str(plan)).code == 0
    emulator.store.update("activation", on(emulator, "1510")[0]["id"], {"default": True})
    moved = workspace.run("apply", str(plan))
    assert moved.code == 4, moved
    assert "the activation is the default of its datamart now; a default is never removed" in " ".join(
        moved.err.split()
    )
    refused = workspace.run("plan")
    assert refused.code == 4, refused
    assert "error[removal-refused]" in refused.err
    assert workspace.run("apply", "--auto-approve").code == 4
    assert emulator.writes() == []


def test_it_is_read_again_right_before(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/loyalty.yaml", GONE)
    plan = workspace.root / "p"
    assert workspace.run("plan", "--out", str(plan)).code == 0
    row, path = on(emulator, "1510")[0]["id"], "/v1/datamarts/1510/compartments"
    before = len(emulator.requests())
    emulator.fault({"do": "delay", "seconds": 2, "method": "GET", "path": path, "nth": 2})
    process = workspace.start("apply", str(plan))
    while not any(r["path"].startswith(path) for r in emulator.requests()[before:]):
        assert process.poll() is None
        time.sleep(0.01)
    emulator.store.update("activation", row, {"default": True})
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "the activation is the default of its datamart now" in " ".join(err.split())
    assert emulator.writes() == []


@pytest.mark.parametrize("do", ["drop_before", "drop_after", "html", "error_in_2xx", "truncate"])
def test_an_unclear_answer_is_looked_into(do: str, workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/loyalty.yaml", GONE)
    emulator.fault({"do": do, "method": "DELETE", "path": "/compartments/", "times": 2})
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert on(emulator, "1510") == []
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_listing_that_lags_is_waited_for(workspace: Workspace, emulator: Emulator) -> None:
    settings = workspace.root / "reconciler.yaml"
    settings.write_text(settings.read_text().replace("settle: 0", "settle: 2s"))
    emulator.switch(lag_seconds=0.7)
    workspace.write("specs/loyalty.yaml", GONE)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert deletions(emulator) == 1
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_failed_listing_removes_nothing(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/loyalty.yaml", GONE)
    emulator.fault({"do": "html", "method": "GET", "path": "/v1/datamarts/1510/compartments", "times": 0})
    for arguments in ((), ("--prune", "Activation")):
        assert workspace.run("apply", "--auto-approve", *arguments).code == 1
    assert emulator.writes() == []


def test_every_row_of_a_double_goes(workspace: Workspace, emulator: Emulator) -> None:
    emulator.store.add("activation", "1510", {k: v for k, v in on(emulator, "1510")[0].items() if k != "id"})
    assert len(on(emulator, "1510")) == 2
    workspace.write("specs/loyalty.yaml", GONE)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert on(emulator, "1510") == []


def test_pruning_takes_what_no_spec_declares_of_compartments_that_say_where(
    workspace: Workspace, emulator: Emulator
) -> None:
    foreign = [
        a["id"] for d in ("1509", "1510") for a in emulator.activations(d) if not on_loyalty(a, emulator)
    ]
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("activations: all", "activations: [retail-fr]"))
    assert workspace.run("plan", "--detailed-exitcode").code == 0  # without the flag nothing goes
    assert workspace.run("plan", "--detailed-exitcode", "--prune", "Activation@retail-fr").code == 0
    planned = workspace.run("plan", "--detailed-exitcode", "--prune", "Activation@retail-de")
    assert planned.code == 2, planned
    assert "not declared on retail-de (--prune)" in " ".join(planned.out.split())
    workspace.write("specs/loyalty.yaml", LOYALTY.replace(", activations: all", ""))
    assert workspace.run("plan", "--detailed-exitcode", "--prune", "Activation").code == 0  # not managed
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("activations: all", "activations: [retail-fr]"))
    done = workspace.run("apply", "--auto-approve", "--prune", "Activation")
    assert done.code == 0, done
    assert on(emulator, "1510") == []
    left = [a["id"] for d in ("1509", "1510") for a in emulator.activations(d) if not on_loyalty(a, emulator)]
    assert left == foreign
    for scope, words, code in (
        ("Compartment", "not a scope", 64),
        ("all", "not a scope", 64),
        ("Activation@nowhere", "no spec declares this datamart", 1),
    ):
        unknown = workspace.run("plan", "--prune", scope)
        assert (unknown.code, words in unknown.err) == (code, True), unknown
        assert re.search("did you mean 'Activation'|known: Activation, Activation@retail-de", unknown.err)


def test_what_a_plan_leaves_out_is_not_spoken_of(workspace: Workspace, emulator: Emulator) -> None:
    emulator.store.update("activation", on(emulator, "1510")[0]["id"], {"default": True})
    workspace.write("specs/loyalty.yaml", GONE)
    narrowed = workspace.run("plan", "--datamart", "retail-fr")
    assert (narrowed.code, "removal-refused" in narrowed.err) == (0, False), narrowed
    assert workspace.run("plan", "--target", "Activation/loyalty@retail-de").code == 4


def on_loyalty(row: dict[str, Any], emulator: Emulator) -> bool:
    return row["compartment_id"] == next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")


def test_what_is_protected_stays(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/loyalty.yaml", PROTECTED)
    refused = workspace.run("apply", "--auto-approve", "--prune", "Activation")
    assert refused.code == 4, refused
    assert "Compartment/loyalty is protected, so its activation is not removed from retail-de" in " ".join(
        refused.err.split()
    )
    assert emulator.writes() == []
    workspace.write("specs/loyalty.yaml", PROTECTED.replace("true", "true, deactivations: [retail-de]"))
    offline = workspace.run("validate")
    assert offline.code == 1
    assert "error[removal-contradiction]" in offline.err


def test_lines_for_what_is_to_go_are_not_sent(workspace: Workspace, emulator: Emulator) -> None:
    identity = on(emulator, "1510")[0]["compartment_id"]
    owner = {"$compartment_id": identity, "$user_account_id": "u"}
    line = {
        "operation": "UPSERT",
        "compartment_id": identity,
        "user_account_id": "u",
        "force_replace": True,
        "user_profile": owner,
    }
    workspace.write("data/people.ndjson", json.dumps(line) + "\n")
    workspace.write("specs/people.yaml", LINES)
    workspace.write("specs/loyalty.yaml", GONE)
    refused = workspace.run("apply", "--auto-approve")
    assert refused.code == 1, refused
    assert f"rows name the compartment {identity}, which is not active on retail-de" in " ".join(
        refused.err.split()
    )
    assert emulator.writes() == []


def test_many_at_once_need_a_word(workspace: Workspace, emulator: Emulator) -> None:
    rows = "\n".join(f'  m{n}: {{id: "{7000 + n}"}}' for n in range(12))
    workspace.write(
        "specs/more.yaml",
        f"apiVersion: reconciler/v1\nkind: Datamarts\nmetadata: {{name: more}}\nspec:\n{rows}\n",
    )
    for n in range(12):
        emulator.store.add(
            "datamart", "1185",
            {"name": f"m{n}", "organisation_id": "1185", "type": "DATAMART", "archived": False}, str(7000 + n),
        )  # fmt: skip
    assert workspace.run("apply", "--auto-approve").code == 0
    gone = "activations: [retail-fr], deactivations: {datamarts: all, except: [retail-fr]}"
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("activations: all", gone))
    refused = workspace.run("apply", "--auto-approve")
    assert refused.code == 4, refused
    assert "would be deleted, more than 30 %" in " ".join(refused.err.split())
    before = deletions(emulator)
    word = ("--allow", "guard-changes:Activation=the club moves")
    shown = workspace.run("plan", "-o", "markdown", *word)
    assert shown.code == 0, shown
    assert workspace.run("apply", "--auto-approve", *word).code == 0
    assert deletions(emulator) == before + 13
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_removal_that_failed_in_a_wave_that_passed_is_still_active() -> None:
    found = Coverage(("retail-de",), {"loyalty": (Cover.REMOVED,)}, frozenset(), {"retail-de": "all"})
    address = "Activation/loyalty@retail-de"
    for status, cell in ((Status.FAILED, Cover.ACTIVE), (Status.SUCCEEDED, Cover.MISSING)):
        assert after(found, [Outcome(address, status, "delete")], {"all"}).cells == {"loyalty": (cell,)}
    assert after(found, [], {"all"}).cells == {"loyalty": (Cover.MISSING,)}
