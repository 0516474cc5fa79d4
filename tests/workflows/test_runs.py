"""`runs` and `runs show`: the journal as a person reads it, without touching ledger, lock or remote."""

import json
import re
import sqlite3
import time
from pathlib import Path

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill


def steps(workspace: Workspace, *args: str) -> dict[str, str | None]:
    run = json.loads(workspace.run("runs", "show", *args, "-o", "json").out)["runs"][0]
    return {s["address"]: s["state"] for s in run["steps"]}


def test_no_ledger_is_no_run_and_none_is_made(workspace: Workspace) -> None:
    done = workspace.run("runs")
    assert (done.code, done.out) == (0, "The ledger has no runs.\n")
    assert workspace.run("runs", "show").code == 1
    assert not (workspace.root / ".reconciler").exists()


def test_runs_tell_what_became_of_each_action(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(50, max_bytes=1000)
    applied = json.loads(workspace.run("apply", "--auto-approve", "-o", "json").out)
    assert applied["exit_code"] == 0
    emulator.fault(
        {"method": "PUT", "path": "/user_account_compartments/", "times": 99, "do": "status", "status": 400}
    )
    text = (workspace.root / "specs/loyalty.yaml").read_text()
    workspace.write("specs/loyalty.yaml", text.replace("Loyalty programme", "Renamed"))
    before = len(emulator.store.requests())
    assert workspace.run("apply", "--auto-approve").code == 3
    asked = len(emulator.store.requests())
    assert asked > before
    listed = json.loads(workspace.run("runs", "-o", "json").out)["runs"]
    assert [(r["id"], r["state"], r["counts"], r["planned"]["execute"]) for r in listed] == [
        (2, "failed", {"failed": 1}, 0),
        (1, "succeeded", applied["summary"], 1),
    ]
    _, newest, *why = workspace.run("runs", "--limit", "1").out.splitlines()
    assert (newest.split()[0], "failed" in newest, "because: PUT" in why[0]) == ("2", True, True)
    assert set(steps(workspace, "1").values()) == {"succeeded"}
    assert steps(workspace) == {"Compartment/loyalty": "failed"}
    shown = workspace.run("runs", "show", "1")
    assert "50 read = 50 to send + 0 rejected" in shown.out
    assert "resume 2`" in workspace.run("runs", "show").out
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    assert len(emulator.store.requests()) == asked


def test_a_run_whose_plan_cannot_be_read_is_told_from_its_journal(workspace: Workspace) -> None:
    workspace.customers(50, max_bytes=1000)
    assert workspace.run("apply", "--auto-approve").code == 0
    before = steps(workspace)
    db = sqlite3.connect(workspace.root / ".reconciler/ledger.db")
    db.execute('UPDATE runs SET plan = replace(plan, \'"format_version": "2\', \'"format_version": "1\')')
    db.commit()
    db.close()
    assert steps(workspace) == before
    listed = workspace.run("runs")
    assert (listed.code, "succeeded" in listed.out) == (0, True)
    shown = workspace.run("runs", "show")
    assert shown.code == 0
    assert "50 read = 50 to send + 0 rejected" in shown.out
    assert "Its plan cannot be read, so only what its journal has is told" in " ".join(shown.out.split())
    assert "resume" not in shown.out
    assert workspace.run("runs", "show", "-o", "html").code == 0


def test_a_run_that_was_cut_off(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(3000, max_bytes=2000)
    process = workspace.start("apply", "--auto-approve")
    ledger = workspace.root / ".reconciler/ledger.db"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not begun(ledger):
        time.sleep(0.01)
    assert kill(process, group=True, after=0.1)
    (run,) = json.loads(workspace.run("runs", "-o", "json").out)["runs"]
    assert (run["state"], run["ended"], run["completed_by"]) == ("interrupted", None, None)
    shown = workspace.run("runs", "show")
    assert shown.out.startswith("Run 1: interrupted\n")
    assert "unsettled  ProfileSource/customers@retail-fr" in shown.out
    assert steps(workspace)["ProfileSource/customers@retail-fr"] == "intent"
    assert workspace.run("apply", "--auto-approve").code == 0
    listed = json.loads(workspace.run("runs", "-o", "json").out)["runs"]
    assert [(r["id"], r["state"], r["completed_by"]) for r in listed] == [
        (2, "succeeded", None),
        (1, "interrupted", 2),
    ]
    assert "interrupted; completed by run 2" in workspace.run("runs", "show", "1").out
    page = workspace.run("runs", "show", "1", "-o", "html").out
    sentence = re.search(r'<p class="decision[^>]*>(.*?)</p>', page, re.DOTALL)
    assert sentence
    assert sentence[1].count("completed by run 2") == 1
    for filters, ids in (
        (("--since", "7d"), [2, 1]),
        (("--since", "0s"), []),
        (("--state", "interrupted"), [1]),
        (("--state", "interrupted", "--state", "succeeded"), [2, 1]),
        (("--state", "interrupted", "--state", "failed"), [1]),
        (("--address", "Compartment/loyalty", "--address", "ProfileSource/customers"), [2, 1]),
        (("--address", "ProfileSource/customers@retail-fr", "--limit", "1"), [2]),
        (("--address", "ProfileSource/customers", "--limit", "1"), [2]),
        (("--address", "ProfileSource/*@retail-fr", "--limit", "1"), [2]),
        (("--address", "ProfileSource/customers", "--since", "0s"), []),
    ):
        found = json.loads(workspace.run("runs", *filters, "-o", "json").out)["runs"]
        assert [r["id"] for r in found] == ids, filters
    assert workspace.run("runs", "--state", "fine").code == 64
    for unknown, near in (
        ("ProfileSource/custom", "did you mean 'ProfileSource/customers@retail-fr'?"),
        ("ProfileSource/customers@nope", "known: ProfileSource/customers@"),
        ("Compartment/loyality", "did you mean 'Compartment/loyalty'?"),
    ):
        refused = workspace.run("runs", "--address", unknown)
        assert refused.code == 1
        assert f"--address: no run acted on {unknown}, and no spec declares it" in " ".join(
            refused.err.split()
        )
        assert near in " ".join(refused.err.split())


def begun(ledger: Path) -> bool:
    """True once an upload is in the journal."""
    try:
        with sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True) as db:
            found = db.execute("SELECT 1 FROM journal WHERE step='upload'").fetchone()
        db.close()
    except sqlite3.Error:
        return False
    return found is not None


def test_a_ledger_that_cannot_be_written_or_read(workspace: Workspace) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    ledger = workspace.root / ".reconciler/ledger.db"
    before = ledger.read_bytes()
    assert workspace.run("runs").code == 0
    assert ledger.read_bytes() == before
    with sqlite3.connect(ledger) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    newer = workspace.run("runs")
    assert newer.code == 1
    assert "its format 99 is newer" in newer.err
    ledger.write_bytes(b"nonsense" * 1000)
    spoilt = workspace.run("runs", "show")
    assert spoilt.code == 1
    assert "cannot read the ledger" in spoilt.err


def test_runs_of_another_organisation_are_not_shown(workspace: Workspace) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    text = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", text.replace("1185", "2000"))
    assert workspace.run("runs").out == "The ledger has no runs.\n"
    assert workspace.run("runs", "show", "1").code == 1


def test_a_run_says_who_from_which_commit_in_which_job_and_why_it_failed(
    workspace: Workspace, emulator: Emulator
) -> None:
    emulator.fault({"method": "POST", "path": "/compartments", "do": "status", "status": 403, "times": 99})
    job = {"GITHUB_SERVER_URL": "https://ci.example", "GITHUB_REPOSITORY": "shop/specs", "GITHUB_RUN_ID": "7"}
    failed = workspace.run("apply", "--auto-approve", GITHUB_ACTOR="ada", GITHUB_SHA="c0ffee", **job)
    assert failed.code != 0
    shown = workspace.run("runs", "show")
    for line in ("by ada", "commit c0ffee", "job https://ci.example/shop/specs/actions/runs/7"):
        assert f"  {line}\n" in shown.out, shown
    assert "403" in shown.out
    (run,) = json.loads(workspace.run("runs", "show", "-o", "json").out)["runs"]
    assert (run["who"], run["commit"]) == ("ada", "c0ffee")
    assert any("403" in step["reason"] for step in run["steps"]), run
    assert "ada" in workspace.run("runs", "show", "-o", "html").out
