"""Forty datamarts in four waves: gates, soak, pause, abort, kills in each wave, two runners, a lost ledger.

Kills come with the ledger kept or lost in turn; with HYPOTHESIS_PROFILE=thorough, with both.
"""

import contextlib
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.bulk.scan.source_scans import Scans
from reconciler.ledger.rollouts import WaveRecord
from reconciler.model.rollout import Wave
from reconciler.workflows.check import check
from reconciler.workflows.rollout import soak_left
from tests.support.fleet import SOURCE, STAGES, WAVES, Fleet
from tests.support.workspace import kill

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SOAKING = """\
    - {name: canary, datamarts: {stage: canary}, soak: 2s}
    - {name: everyone, datamarts: rest}
"""
Make = Callable[..., Fleet]


@pytest.fixture
def fleet_of(tmp_path: Path) -> Iterator[Make]:
    made: list[Fleet] = []

    def make(**options: Any) -> Fleet:
        made.append(Fleet(tmp_path / f"fleet{len(made)}", **options))
        return made[-1]

    yield make
    for fleet in made:
        fleet.emulator.stop()


@pytest.fixture
def fleet(fleet_of: Make) -> Fleet:
    return fleet_of()


def status(fleet: Fleet) -> dict[str, Any]:
    done = fleet.workspace.run("rollout", "status", "-o", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def states(fleet: Fleet) -> list[str]:
    return [w["state"] for w in status(fleet)["waves"]]


def pass_minutes(fleet: Fleet, minutes: float) -> None:
    """Make what the ledger says of waves as much older: a soak ends without anybody waiting for it."""
    with contextlib.closing(sqlite3.connect(fleet.workspace.root / ".reconciler/ledger.db")) as db, db:
        db.execute("UPDATE waves SET at = at - ?", (60 * minutes,))


# -- the main job ----------------------------------------------------------------------------------------------------


def test_a_rollout_stops_at_a_gate_and_continues_on_resume(fleet: Fleet) -> None:
    plan = fleet.planned()
    fleet.emulator.quarantine("c000001")
    first = fleet.workspace.run("apply", plan)
    assert first.code == 3, first
    # 1 of 20 lines on six datamarts is 5 %; the canary has no gate.
    assert "wave early: 6 of 120 commands failed (5.0 %); allowed: 1 %" in " ".join(first.err.split())
    assert states(fleet) == ["passed", "closed", "waiting", "waiting"]
    assert fleet.touched() == {"canary", "early"}
    for listed in (fleet.workspace.run("runs").out, fleet.workspace.run("runs", "show").out):
        assert "its gate is closed: 6 of 120 commands failed" in " ".join(listed.split())
    assert "rollout status 1` shows the rollout" in " ".join(listed.split())
    told = fleet.workspace.run("rollout", "status")
    assert "is stopped: wave early: 6 of 120 commands" in " ".join(told.out.split())
    short = told.out.replace(f" -C {fleet.workspace.root}", "")  # it is added to lines of the right width
    assert all(len(line) <= 80 for line in short.splitlines()), told.out
    assert "`rollout resume` accepts them" in " ".join(short.split()).replace("reconciler rollout", "rollout")
    # Applying again changes nothing about it: what was loaded counts by its seal.
    again = fleet.workspace.run("apply", plan)
    assert again.code == 3
    assert run_list(fleet).count("its gate is closed: 6 of 120 commands failed") == 2
    assert "completed by" not in run_list(fleet)
    assert states(fleet) == ["passed", "closed", "waiting", "waiting"]
    assert fleet.touched() == {"canary", "early"}
    fleet.emulator.quarantine()
    resumed = fleet.workspace.run("rollout", "resume")
    assert resumed.code == 0, resumed
    assert states(fleet) == ["passed", "accepted", "passed", "passed"]
    assert status(fleet)["state"] == "finished"
    told_of_acceptance(fleet)
    fleet.once_each()
    assert len(fleet.loaded()) == 40
    assert fleet.workspace.run("plan", "--detailed-exitcode").code == 0
    undo_of_finished(fleet)
    runs = json.loads(fleet.workspace.run("runs", "-o", "json").out)["runs"]
    assert {r["rollout"]["plan_digest"] for r in runs} == {status(fleet)["plan_digest"]}
    listed = " ".join(fleet.workspace.run("runs").out.split())
    assert len(set(re.findall(r"wave most of rollout 1 on (.*?\))", listed))) == 3, (
        listed
    )  # of batches, where
    writes = len(fleet.emulator.writes())
    last = fleet.workspace.run("apply", plan)
    assert last.code == 0
    assert "This plan was already applied; nothing was written." in last.out
    assert len(fleet.emulator.writes()) == writes
    nothing_to_resume(fleet)


def told_of_acceptance(fleet: Fleet) -> None:
    """Who accepted a closed gate, and when, of the wave and of each run of it; commands that failed are not done by that."""
    accepted = r"6 of 120 commands failed \(5.0 %\); allowed: 1 %; accepted by \S+ at [-\d]+ [:\d]+ UTC"
    told = " ".join(fleet.workspace.run("rollout", "status").out.split())
    assert re.search(f"early accepted: {accepted}", told), told
    listed = run_list(fleet)
    assert len(re.findall(f"its gate was closed: {accepted}", listed)) == 3, listed
    assert "completed by" not in listed


def nothing_to_resume(fleet: Fleet) -> None:
    """Of a run of a rollout that is finished."""
    done = fleet.workspace.run("resume")
    assert done.code == 0, done
    assert "which is finished: there is nothing to resume" in " ".join(done.err.split())


def undo_of_finished(fleet: Fleet) -> None:
    """Nothing is left to cancel; the plan that undoes all waves is saved where a file is named."""
    refused = fleet.workspace.run("rollout", "abort")
    assert (
        refused.code,
        "abort --inverse FILE` saves the plan that undoes all its waves" in refused.err,
    ) == (
        4,
        True,
    )
    back = fleet.workspace.root.parent / "back"
    assert fleet.workspace.run("rollout", "abort", "--inverse", str(back)).code == 0
    undone = str(json.loads(back.read_text()))
    assert all(f"Activation/loyalty@{name}" in undone for name in fleet.names)
    assert status(fleet)["state"] == "finished"


def test_every_action_has_an_outcome_and_an_event(fleet: Fleet, tmp_path: Path) -> None:
    plan = fleet.planned()
    fleet.emulator.quarantine("c000001")
    done = fleet.workspace.run("apply", plan, "-o", "json", "--events", str(tmp_path / "events"))
    document = json.loads(Path(plan).read_text())
    acting = {c["address"] for c in document["resource_changes"] if c["change"]["actions"] != ["no-op"]}
    acting |= {x["address"] for x in document["loads"]}
    result = json.loads(done.out)
    assert {o["address"] for o in result["outcomes"]} == acting
    assert result["summary"]["skipped"] == 2 * (STAGES["most"] + STAGES["late"])
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert {e["address"] for e in events if e["event"] == "action_finished"} == acting
    waves = [(e["wave"], e["state"]) for e in events if e["event"] == "wave_moved"]
    assert waves == [("canary", "applying"), ("canary", "passed"), ("early", "applying"), ("early", "closed")]
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["summary"] == result["summary"]


def test_plan_shows_waves_and_coverage(fleet: Fleet) -> None:
    done = fleet.workspace.run("plan")
    assert "Activation/loyalty  create on all 40 datamarts" in done.out
    assert "early: 6 datamarts, 6 changes, 6 loads, at most 1 % of commands fail" in done.out
    assert "++" + "~" * 38 in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines()), done.out
    assert len(done.out.splitlines()) < 50
    assert done.err.count("[small-source]") == 1


def test_the_source_is_read_once_for_all_datamarts(fleet: Fleet) -> None:
    read: list[str] = []
    scans = Scans(fleet.workspace.root, lambda source, _lines: read.append(source))
    loads = check(fleet.workspace.root, {}, {}).desired().loads
    found = [scans.get(load.definition) for load in loads.values()]
    assert len(found) == 40
    assert all(scan is found[0] for scan in found)
    assert len(read) <= 2  # told at its end, and at most once before


# -- one wave a run --------------------------------------------------------------------------------------------------


def test_one_wave_a_run(fleet_of: Make) -> None:
    fleet = fleet_of(waves=SOAKING.replace("2s", "10m"))
    plan = fleet.planned()
    early = fleet.workspace.run("apply", plan, "--wave", "everyone")
    assert early.code == 4
    assert "the wave 'canary' must be applied first" in early.err
    assert "apply FILE --wave canary` applies it" in " ".join(early.err.split())
    near = fleet.workspace.run("apply", plan, "--wave", "canry")
    assert (near.code, "did you mean 'canary'?" in near.err) == (1, True), near
    assert fleet.emulator.writes() == []
    assert fleet.workspace.run("apply", plan, "--wave", "nobody").code == 1
    first = fleet.workspace.run("apply", plan, "--wave", "canary")
    assert first.code == 0
    assert "rollout resume` applies the waves that are left" in " ".join(first.err.split())
    assert fleet.touched() == {"canary"}
    soaking = fleet.workspace.run("apply", plan, "--wave", "everyone")
    assert soaking.code == 4
    assert "soaks for another" in soaking.err
    pass_minutes(fleet, 9)
    soaking = fleet.workspace.run("apply", plan, "--wave", "everyone")
    assert (soaking.code, "soaks for another" in soaking.err) == (4, True), soaking
    pass_minutes(fleet, 2)
    done = fleet.workspace.run("apply", plan, "--wave", "everyone")
    assert done.code == 0, done
    fleet.finished()
    assert status(fleet)["state"] == "finished"


def test_a_wave_that_changed_only_a_compartment_says_so(fleet_of: Make) -> None:
    waves = "    - {name: canary, datamarts: {stage: canary}}\n    - {name: everyone, datamarts: rest}\n"
    fleet = fleet_of(waves=waves, stages={"canary": 1, "late": 2})
    assert fleet.workspace.run("apply", fleet.planned()).code == 0
    before = status(fleet)
    assert [(r["wave"], r["state"], r["actions"]) for r in before["organisation"]] == [("canary", "done", 1)]
    spec = fleet.workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text().replace("name: Loyalty programme", "name: Renamed"))
    assert fleet.workspace.run("apply", fleet.planned()).code == 0
    told = fleet.workspace.run("rollout", "status").out
    assert re.search(
        r"^canary  passed\n  the organisation +done +1 of 1\n  m00 +no changes$", told, re.MULTILINE
    ), told
    after = status(fleet)
    assert [(r["wave"], r["done"]) for r in after["organisation"]] == [("canary", 1)]
    assert {r["state"] for r in after["datamarts"]} == {"no changes"}
    assert len(after["datamarts"]) == 3
    page = fleet.workspace.run("rollout", "status", "-o", "html").out
    assert "1 of 1" in page


def test_a_wave_needs_a_plan_that_has_waves(fleet: Fleet) -> None:
    (fleet.workspace.root / "specs/rollout.yaml").unlink()
    assert fleet.workspace.run("apply", "--auto-approve", "--wave", "canary").code == 1


def test_with_the_ledger_lost_a_rollout_continues_at_the_first_wave_that_is_not_applied(
    fleet_of: Make,
) -> None:
    fleet = fleet_of(waves=SOAKING)
    plan = fleet.planned()
    assert fleet.workspace.run("apply", plan, "--wave", "canary").code == 0
    fleet.workspace.forget_ledger()
    done = fleet.workspace.run("apply", plan, "--wave", "everyone")
    assert done.code == 0, done
    fleet.finished()
    fleet.workspace.forget_ledger()
    writes = len(fleet.emulator.writes())
    assert fleet.workspace.run("apply", plan).code == 0
    assert len(fleet.emulator.writes()) == writes


# -- soak, pause, abort ----------------------------------------------------------------------------------------------


def test_a_wave_soaks_and_no_lock_is_held_meanwhile(fleet_of: Make) -> None:
    fleet = fleet_of(waves=SOAKING.replace("2s", "6s"))
    plan = fleet.planned()
    process = fleet.workspace.start("apply", plan)
    await_state(fleet, "soaking")
    assert fleet.touched() == {"canary"}
    other = fleet.workspace.run(
        "runs", "resolve", "ProfileSource/customers@m00#1", "--sent", "--lock-timeout", "1s"
    )
    assert other.code != 5, other  # whatever it says, it got the lock
    assert process.communicate(timeout=60) is not None
    assert process.returncode == 0
    fleet.finished()


def await_state(fleet: Fleet, state: str) -> None:
    deadline = time.monotonic() + 30
    while not (fleet.workspace.root / ".reconciler/ledger.db").exists() or state not in known(fleet):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def known(fleet: Fleet) -> list[str]:
    done = fleet.workspace.run("rollout", "status", "-o", "json")
    return [w["state"] for w in json.loads(done.out)["waves"]] if done.code == 0 else []


def test_a_rollout_can_be_paused_while_it_soaks_and_resumed(fleet_of: Make) -> None:
    fleet = fleet_of(waves=SOAKING.replace("2s", "5s"))
    plan = fleet.planned()
    process = fleet.workspace.start("apply", plan)
    await_state(fleet, "soaking")
    assert fleet.workspace.run("rollout", "pause", "--why", "lunch").code == 0
    _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert "paused by" in " ".join(err.split())
    assert fleet.touched() == {"canary"}
    assert "is paused: lunch" in fleet.workspace.run("rollout", "status").out
    refused = fleet.workspace.run("apply", plan)
    assert refused.code == 4
    assert re.search("paused by .*: lunch", " ".join(refused.err.split()))
    checked = fleet.workspace.run("apply", "--check", plan)  # says what apply says
    assert (checked.code, checked.err) == (refused.code, refused.err)
    # A paused rollout holds no lock, and keeps nobody from anything else.
    assert fleet.workspace.run("plan").code == 0
    assert fleet.workspace.run("rollout", "resume").code == 0
    fleet.finished()


def test_an_aborted_rollout_never_continues(fleet: Fleet, tmp_path: Path) -> None:
    plan = fleet.planned()
    assert fleet.workspace.run("apply", plan, "--wave", "canary").code == 0
    done = fleet.workspace.run("rollout", "abort", "--why", "wrong data", "--inverse", str(tmp_path / "back"))
    assert done.code == 0, done
    assert "is aborted: wrong data" in done.out
    assert "cannot be undone: the platform cannot remove compartments" in done.err
    back = json.loads((tmp_path / "back").read_text())
    assert "Activation/loyalty@m00 cannot be undone" in str(back["diagnostics"])
    assert "Activation/loyalty@m30" not in str(back["diagnostics"])
    assert "`deactivations` in the compartment's spec deactivates it" in str(back["diagnostics"])
    for command in (("apply", plan), ("apply", "--check", plan), ("rollout", "resume"), ("rollout", "pause")):
        assert fleet.workspace.run(*command).code == 4
    of_run = fleet.workspace.run("resume")
    assert (of_run.code, "which was aborted by" in " ".join(of_run.err.split())) == (4, True), of_run
    assert "rollout resume" not in of_run.err  # it is refused
    assert fleet.workspace.run("show", str(tmp_path / "back")).code == 0
    assert fleet.touched() == {"canary"}
    assert "wave canary of rollout 1" in " ".join(fleet.workspace.run("runs").out.split())
    (run,) = json.loads(fleet.workspace.run("runs", "-o", "json").out)["runs"]
    assert (run["rollout"]["id"], run["rollout"]["wave"]) == (1, "canary")
    assert "the rollout was aborted by" in run_list(fleet)
    assert "wrong data" in run_list(fleet)
    again = fleet.workspace.run("rollout", "abort", "--why", "another reason")
    assert (again.code, "aborted already, because: wrong data" in again.err) == (4, True), again
    assert fleet.workspace.run("rollout", "status", "1").out == fleet.workspace.run("rollout", "status").out
    unknown = fleet.workspace.run("rollout", "status", "7")
    assert (unknown.code, "no rollout 7; the newest is 1" in unknown.err) == (1, True)


def run_list(fleet: Fleet) -> str:
    return " ".join(fleet.workspace.run("runs").out.split())


def test_the_reason_of_an_abort_can_be_told_afterwards(fleet: Fleet) -> None:
    assert fleet.workspace.run("apply", fleet.planned(), "--wave", "canary").code == 0
    assert fleet.workspace.run("rollout", "abort").code == 0
    told = fleet.workspace.run("rollout", "abort", "--why", "dashboards red")
    assert (told.code, "The reason is recorded." in told.err) == (0, True), told
    assert "dashboards red" in fleet.workspace.run("rollout", "status").out


def test_on_failure_abort(fleet_of: Make) -> None:
    fleet = fleet_of(more="  on_failure: abort\n")
    plan = fleet.planned()
    fleet.emulator.quarantine("c000001")
    assert fleet.workspace.run("apply", plan).code == 3
    assert status(fleet)["state"] == "aborted"
    assert fleet.workspace.run("rollout", "resume").code == 4
    told = fleet.workspace.run("rollout", "abort")
    assert told.code == 0
    assert "is aborted: wave early: 6 of 120 commands failed" in " ".join(told.out.split())
    assert (fleet.workspace.root / ".reconciler/rollout-1-undo.plan").exists()


def test_paused_in_the_spec_outlives_everything(fleet_of: Make) -> None:
    fleet = fleet_of(more="  paused: true\n")
    plan = fleet.workspace.root.parent / "paused.plan"
    done = fleet.workspace.run("plan", "--out", str(plan))
    assert "rollout-paused" in done.err
    for command in (("apply", str(plan)), ("rollout", "resume"), ("apply", "--auto-approve")):
        assert fleet.workspace.run(*command).code == 4 or command[0] == "rollout"
    assert fleet.emulator.writes() == []


def test_it_is_not_resumed_after_the_specs_changed(fleet: Fleet) -> None:
    plan = fleet.planned()
    assert fleet.workspace.run("apply", plan, "--wave", "canary").code == 0
    fleet.workspace.write(
        "specs/more.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: web}\nspec: {token: web}\n",
    )
    spec = fleet.workspace.root / "specs/customers.yaml"
    spec.write_text(spec.read_text().replace("force_replace: true", "force_replace: false"))
    done = fleet.workspace.run("rollout", "resume")
    assert done.code == 4
    assert "ProfileSource/customers changed" in done.err
    assert "Compartment/web is new" in done.err
    assert fleet.touched() == {"canary"}


# -- gates -----------------------------------------------------------------------------------------------------------


def gate(text: str) -> str:
    return f"    - {{name: canary, datamarts: {{stage: canary}}, gates: {{{text}}}}}\n    - {{name: everyone, datamarts: rest}}\n"


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        ("command: {run: ['false']}", "false ended with 1"),
        ("command: {run: [sleep, '60'], timeout: 1s}", "sleep did not end within 1 s, and was stopped"),
        ("min_activations: 3", "2 activations are visible; required: 3"),
        ("max_failed_lines: 1", "2 commands failed; allowed: 1"),
    ],
)
def test_a_gate_closes(gates: str, words: str, fleet_of: Make) -> None:
    fleet = fleet_of(waves=gate(gates))
    fleet.emulator.quarantine("c000001")
    done = fleet.workspace.run("apply", fleet.planned())
    assert done.code == 3
    assert words in " ".join(done.err.split())
    assert "Apply complete" not in done.out + done.err
    assert fleet.touched() == {"canary"}
    assert status(fleet)["state"] == "stopped"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("no-such-program", "PATH has no program of that name"),
        ("./gaet.sh", "there is no such file"),
        ("./gate.sh", "it is not executable (chmod +x ./gate.sh)"),
    ],
)
def test_a_gate_whose_program_cannot_be_run_is_told_before_anything_is_written(
    program: str, why: str, fleet_of: Make
) -> None:
    """Not after the first wave has soaked."""
    fleet = fleet_of(waves=gate(f"command: {{run: [{program}]}}"))
    fleet.workspace.write("gate.sh", "#!/bin/sh\n")
    done = fleet.workspace.run("apply", fleet.planned())
    assert done.code == 1
    assert f"{program} cannot be run: {why}; nothing was written" in " ".join(done.err.split())
    assert fleet.touched() == set()


def test_a_failed_read_neither_opens_nor_closes_a_gate(fleet_of: Make) -> None:
    fleet = fleet_of(waves=gate("min_activations: 2").replace("gates:", "soak: 10m, gates:"))
    plan = fleet.planned()
    assert fleet.workspace.run("apply", plan, "--wave", "canary").code == 0
    pass_minutes(fleet, 11)
    for path in ("/user_account_compartments", f"/datamarts/{fleet.ids['m01']}/compartments"):
        fleet.emulator.fault({"do": "status", "status": 403, "method": "GET", "path": path, "times": 0})
        done = fleet.workspace.run("apply", plan)
        assert done.code == 1, done
        assert "403" in done.err
        assert states(fleet) == ["soaking", "waiting"]
    fleet.emulator.fault()
    assert fleet.touched() == {"canary"}
    assert fleet.workspace.run("apply", plan).code == 0
    fleet.finished()


def test_gates_open(fleet_of: Make, tmp_path: Path) -> None:
    script = f"env | grep ^RECONCILER_ | sort > {tmp_path / 'told'}"
    fleet = fleet_of(
        waves=gate(f"min_activations: 2, max_guard_trips: 0, command: {{run: [sh, -c, '{script}']}}")
    )
    assert fleet.workspace.run("apply", fleet.planned()).code == 0
    told = (tmp_path / "told").read_text()
    assert "RECONCILER_WAVE=canary\n" in told
    assert "RECONCILER_WAVE_DATAMARTS=m00,m01\n" in told
    assert "TOKEN" not in told


@pytest.mark.parametrize(
    "narrowed", ["--only=loads", "--target=ProfileSource/*", "--reload=ProfileSource/customers@m00"]
)
def test_activations_that_no_plan_of_loads_holds_are_seen(narrowed: str, fleet_of: Make) -> None:
    """The nightly job is limited to loads; what the specs declare counts all the same, and no more than that."""
    fleet = fleet_of(waves=gate("min_activations: 2"))
    assert fleet.workspace.run("apply", "--auto-approve").code == 0
    fleet.workspace.customers(20, source=SOURCE, mark="v2")
    done = fleet.workspace.run("apply", narrowed, "--auto-approve")
    assert done.code == 0, done
    fleet.rollout(gate("min_activations: 3"))
    fleet.workspace.customers(20, source=SOURCE, mark="v3")
    done = fleet.workspace.run("apply", narrowed, "--auto-approve")
    assert (done.code, "2 activations are visible; required: 3" in " ".join(done.err.split())) == (3, True), (
        done
    )


def test_a_failed_load_closes_the_gate_and_is_tried_again(fleet: Fleet) -> None:
    plan = fleet.planned()
    fleet.emulator.fault(
        {"do": "ended", "status": "FAILED", "method": "POST", "path": "/executions", "nth": 4}
    )
    done = fleet.workspace.run("apply", plan)
    assert done.code == 3
    assert re.search(
        r"1 failed or unknown \(ProfileSource/customers@m0\d\); allowed: 0", " ".join(done.err.split())
    )
    assert fleet.touched() == {"canary", "early"}
    fleet.emulator.fault()
    again = fleet.workspace.run("apply", "--auto-approve")  # a plan of what is left
    assert again.code == 0, again
    fleet.finished()


def test_a_guard_that_was_allowed_closes_a_gate_that_forbids_it(fleet_of: Make) -> None:
    fleet = fleet_of(waves=gate("max_guard_trips: 0"))
    assert fleet.workspace.run("apply", fleet.planned()).code == 0
    path = fleet.workspace.root / "data/customers.csv"
    settings = fleet.workspace.root / "reconciler.yaml"
    settings.write_text(settings.read_text() + "  guards: {from_lines: 5}\n")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:8]))
    allow = [f"--allow=guard-shrink:ProfileSource/customers@{n}=known" for n in fleet.names]
    done = fleet.workspace.run("apply", "--auto-approve", *allow)
    assert done.code == 3
    assert "2 guards were overridden on the datamarts of this wave; allowed: 0" in " ".join(done.err.split())


# -- kills, and two runners ------------------------------------------------------------------------------------------


KILLS = [
    (stage, lost)
    for n, stage in enumerate(STAGES)
    for lost in (False, True)
    if THOROUGH or lost is bool(n % 2)
]


@pytest.mark.parametrize(("stage", "forget"), KILLS)
def test_killed_in_a_wave_the_same_command_finishes(stage: str, forget: bool, fleet_of: Make) -> None:
    fleet = fleet_of(lines=6)
    plan = fleet.planned()
    process = fleet.workspace.start("apply", plan)
    deadline = time.monotonic() + 60
    while stage not in fleet.touched():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    kill(process, group=True, after=0.05)
    if forget:
        fleet.workspace.forget_ledger()
    done = fleet.workspace.run("apply", plan)
    assert done.code == 0, done
    fleet.finished()


def test_two_runners_run_one_rollout(fleet_of: Make) -> None:
    fleet = fleet_of(waves=WAVES.replace("{stage: canary}", "{stage: canary}, soak: 2s"), lines=6)
    plan = fleet.planned()
    both = [fleet.workspace.start("apply", plan, "--lock-timeout", "30s") for _ in range(2)]
    codes = []
    for process in both:
        _, err = process.communicate(timeout=120)
        codes.append((process.returncode, err[-600:]))
    assert [code for code, _ in codes] == [0, 0], codes
    fleet.finished()
    assert soaked(fleet) >= 2.0
    assert status(fleet)["state"] == "finished"


def soaked(fleet: Fleet) -> float:
    """Seconds between the last write to the canary and the first one to any other datamart."""
    canary = {fleet.ids[n] for n in ("m00", "m01")}
    written = [
        (r["at"], r["path"].split("/")[3]) for r in fleet.emulator.writes() if "/datamarts/" in r["path"]
    ]
    return min(at for at, i in written if i not in canary) - max(at for at, i in written if i in canary)


@pytest.mark.parametrize("late", [0.0, 0.3, 1.5])
def test_a_second_runner_does_not_cut_a_soak_short(late: float, fleet_of: Make) -> None:
    fleet = fleet_of(waves=SOAKING.replace("2s", "4s"), lines=6)
    plan = fleet.planned()
    first = fleet.workspace.start("apply", plan)
    time.sleep(late)
    second = fleet.workspace.start("apply", plan)
    for process in (first, second):
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert soaked(fleet) >= 4.0
    fleet.finished()


def test_what_was_done_is_reported_where_a_later_wave_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    plan = fleet.planned()
    settings = fleet.workspace.root / "specs/rollout.yaml"
    assert settings.exists()
    events = str(tmp_path / "events")
    process = fleet.workspace.start("apply", plan, "--events", events, "-o", "json")
    deadline = time.monotonic() + 30
    while not fleet.emulator.profiles(fleet.ids["m00"]):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    (made,) = [c for c in fleet.emulator.compartments() if c["token"] == "loyalty"]
    fleet.emulator.store.update("compartment", made["id"], {"name": "Somebody else's"})
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, (out, err)
    assert "planned from no such compartment, the platform now has name" in " ".join(err.split())
    result = json.loads(out)
    assert result["summary"]["succeeded"] >= 4
    assert sum(result["summary"].values()) == 81
    last = json.loads(Path(events).read_text().splitlines()[-1])
    assert (last["event"], last["summary"]) == ("run_finished", result["summary"])


def test_a_signal_stops_a_rollout_between_waves_and_it_continues(fleet_of: Make) -> None:
    fleet = fleet_of(waves=SOAKING.replace("2s", "20s"))
    plan = fleet.planned()
    process = fleet.workspace.start("apply", plan)
    await_state(fleet, "soaking")
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert states(fleet) == ["soaking", "waiting"]
    assert fleet.touched() == {"canary"}


def test_what_a_signal_cut_off_closes_no_gate(fleet_of: Make) -> None:
    fleet = fleet_of()
    plan = fleet.planned()
    fleet.emulator.fault({"do": "delay", "seconds": 3, "method": "POST", "path": "/executions", "times": 0})
    process = fleet.workspace.start("apply", plan)
    deadline = time.monotonic() + 60
    while not any("/executions" in r["path"] for r in fleet.emulator.requests()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert "closed" not in err
    assert states(fleet)[0] == "applying", states(fleet)
    fleet.emulator.fault()
    assert fleet.workspace.run("apply", plan).code == 0
    fleet.finished()


# -- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "now", "left"),
    [(100.0, 100.0, 60.0), (100.0, 130.0, 30.0), (100.0, 500.0, -340.0), (100.0, 40.0, 60.0)],
)
def test_a_clock_that_was_set_back_starts_the_soak_again(at: float, now: float, left: float) -> None:
    wave = Wave(name="w", datamarts=("a",), soak=60.0)
    assert soak_left(wave, WaveRecord("soaking", at), now) == left


# -- what moves in between, environments, and the report -------------------------------------------------------------


def test_a_wave_is_refused_where_the_platform_changed_since_the_review(fleet: Fleet) -> None:
    plan = fleet.planned()
    assert fleet.workspace.run("apply", plan, "--wave", "canary").code == 0
    (made,) = [c for c in fleet.emulator.compartments() if c["token"] == "loyalty"]
    fleet.emulator.store.update("compartment", made["id"], {"name": "Somebody else's"})
    done = fleet.workspace.run("apply", plan, "--wave", "early")
    assert done.code == 4
    assert "planned from no such compartment, the platform now has name" in " ".join(done.err.split())
    assert fleet.touched() == {"canary"}
    assert "1 action is stale" in " ".join(fleet.workspace.run("rollout", "status").out.split())
    # An unrelated change elsewhere stales nothing.
    fleet.emulator.store.update("compartment", made["id"], {"name": "Loyalty programme"})
    fleet.emulator.store.add(
        "compartment", "1185", {"organisation_id": "1185", "token": "x", "name": "X", "archived": False}
    )
    assert fleet.workspace.run("rollout", "resume").code == 0
    fleet.finished()


def test_the_report_has_the_coverage_that_a_stopped_rollout_left(fleet: Fleet) -> None:
    plan = fleet.planned()
    fleet.emulator.quarantine("c000001")
    result = json.loads(fleet.workspace.run("apply", plan, "-o", "json").out)
    row = result["coverage"]["loyalty"]
    assert [row["m00"], row["m07"], row["m08"], row["m39"]] == ["active", "active", "later", "later"]
    text = fleet.workspace.run("apply", plan)
    assert "a" * 8 + "~" * 32 in text.out


def test_specs_are_promoted_by_their_digest(fleet: Fleet) -> None:
    settings = fleet.workspace.root / "reconciler.yaml"
    settings.write_text(settings.read_text() + "  environments: {staging: {settle: 0}, prod: {settle: 0}}\n")
    assert fleet.workspace.run("apply", "--auto-approve", "--environment", "staging").code == 0
    digest = json.loads(
        fleet.workspace.run("rollout", "status", "-o", "json", "--environment", "staging").out
    )["spec_digest"]
    assert fleet.workspace.run("plan", "--environment", "prod", "--spec-digest", digest).code == 0
    spec = fleet.workspace.root / "specs/customers.yaml"
    spec.write_text(spec.read_text().replace("force_replace: true", "force_replace: false"))
    done = fleet.workspace.run("plan", "--environment", "prod", "--spec-digest", digest)
    assert done.code == 4
    assert f"not {digest[:12]}" in done.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('{id: "3009", labels', '{id: "9999", labels', "has no datamart 9999"),
        ("datamarts: {stage: early}", "datamarts: {stage: [early, canary]}", "wave-overlap"),
        ("datamarts: rest", "datamarts: m39", "wave-missing"),
    ],
)
def test_waves_of_what_is_not_there_are_refused(fleet: Fleet, old: str, new: str, words: str) -> None:
    for name in ("datamarts", "rollout"):
        path = fleet.workspace.root / f"specs/{name}.yaml"
        path.write_text(path.read_text().replace(old, new))
    done = fleet.workspace.run("apply", "--auto-approve")
    assert done.code in (1, 4)
    assert words in done.err
    assert fleet.emulator.writes() == []


def test_archived_and_cross_datamarts_in_a_wave_are_refused(fleet: Fleet) -> None:
    store = fleet.emulator.store
    store.update("datamart", fleet.ids["m09"], {"archived": True})
    store.update("datamart", fleet.ids["m10"], {"type": "CROSS_DATAMART"})
    done = fleet.workspace.run("apply", "--auto-approve")
    assert done.code == 1
    assert "archived-datamart" in done.err
    assert "m10 is a cross-datamart; profiles cannot be loaded into a cross-datamart" in done.err
    assert fleet.emulator.writes() == []


def test_what_is_stale_is_skipped_in_waves_and_the_rest_goes_on(fleet: Fleet, tmp_path: Path) -> None:
    """`--skip-stale` is no interruption: the waves are passed, and the rollout ends."""
    workspace = fleet.workspace
    text = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {{name: {0}}}\nspec: {{token: {0}, name: {1}, activations: all}}\n"
    workspace.write("specs/web.yaml", text.format("web", "Web"))
    workspace.write("specs/app.yaml", text.format("app", "App"))
    assert workspace.run("apply", "--auto-approve", "--only", "config").code == 0
    workspace.write("specs/web.yaml", text.format("web", "Website"))
    workspace.write("specs/app.yaml", text.format("app", "Apps"))
    saved = str(tmp_path / "s.plan")
    assert workspace.run("plan", "--only", "config", "--out", saved).code == 0
    web = next(r for r in fleet.emulator.compartments() if r["token"] == "web")
    fleet.emulator.store.update("compartment", web["id"], {"name": "Changed"})
    done = workspace.run("apply", saved, "--skip-stale")
    assert (done.code, "stale" in done.err) == (3, True), done
    assert "interrupted" not in done.out + done.err, done
    assert next(r for r in fleet.emulator.compartments() if r["token"] == "app")["name"] == "Apps"
    assert "is finished" in workspace.run("rollout", "status").out
