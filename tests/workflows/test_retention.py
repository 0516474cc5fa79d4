"""Old generations of document imports go through the plan; and consent, which drops profiles without a word, is told of."""

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace, kill

KEEP_TWO = CUSTOMERS + "  keep_generations: 2\n"


def generations(emulator: Emulator) -> set[str]:
    return {n.split(".")[3] for n in emulator.imports_named("1509") if n.startswith("rcl1")}


def load(workspace: Workspace, marks: str, source: str = CUSTOMERS) -> None:
    for mark in marks:
        workspace.customers(60, max_bytes=3_000, mark=mark, source=source)
        done = workspace.run("apply", "--auto-approve")
        assert done.code == 0, done


def test_old_generations_are_proposed_and_then_deleted(workspace: Workspace, emulator: Emulator) -> None:
    foreign = emulator.store.add("import", "1509", {"name": "somebody-elses", "datamart_id": "1509"})
    load(workspace, "abcd")
    workspace.customers(60, max_bytes=3_000, mark="d", source=KEEP_TWO)
    plan = workspace.plan()
    names = [c["change"]["before"]["name"] for c in plan["resource_changes"] if c["kind"] == "DocumentImport"]
    assert {n.split(".")[3] for n in names} == {"g1", "g2"}
    assert plan["summary"]["delete"] == len(names)
    shown = workspace.run("plan", "--full").out
    assert "load 1 of ProfileSource/customers@retail-fr is older than the 2 loads to keep" in " ".join(
        shown.split()
    )
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert generations(emulator) == {"g3", "g4"}
    assert foreign["name"] in emulator.imports_named("1509")
    writes = len(emulator.writes())
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.writes()) == writes
    load(workspace, "e", KEEP_TWO)  # what was the third newest goes with the next plan
    assert workspace.run("apply", "--auto-approve").code == 0
    assert generations(emulator) == {"g4", "g5"}


def test_a_platform_that_deletes_no_import_is_asked_once(workspace: Workspace, emulator: Emulator) -> None:
    load(workspace, "abc")
    workspace.customers(60, max_bytes=3_000, mark="c", source=KEEP_TWO)
    emulator.fault(
        {"method": "DELETE", "path": "/document_imports", "times": 0, "do": "status", "status": 405}
    )
    assert workspace.run("apply", "--auto-approve").code == 3
    load(workspace, "d", KEEP_TWO)  # one more load is too old now, and is not asked for
    planned = workspace.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned
    assert "imports of old loads stay: the platform refused to remove imports (405)" in " ".join(
        planned.err.split()
    )


@pytest.mark.parametrize("do", ["drop_after", "html"])
def test_a_deletion_without_a_clear_answer_is_looked_at(
    do: str, workspace: Workspace, emulator: Emulator
) -> None:
    load(workspace, "abc")
    workspace.customers(60, max_bytes=3_000, mark="c", source=KEEP_TWO)
    emulator.fault({"method": "DELETE", "path": "/document_imports", "times": 2, "do": do})
    assert workspace.run("apply", "--auto-approve").code == 0
    assert generations(emulator) == {"g2", "g3"}


def test_killed_on_the_way_the_next_run_ends_it_and_never_loads_again(
    workspace: Workspace, emulator: Emulator
) -> None:
    load(workspace, "abc")
    uploads = len([w for w in emulator.writes() if w["path"].endswith("/executions")])
    workspace.customers(60, max_bytes=3_000, mark="c", source=KEEP_TWO.replace("2\n", "1\n"))
    for after in (0.9, 1.0, 1.1):
        kill(workspace.start("apply", "--auto-approve", "--parallelism", "1"), group=True, after=after)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert generations(emulator) == {"g3"}, done
    assert len([w for w in emulator.writes() if w["path"].endswith("/executions")]) == uploads


def test_an_import_that_is_another_one_by_now_stays(workspace: Workspace, emulator: Emulator) -> None:
    load(workspace, "ab")
    workspace.customers(60, max_bytes=3_000, mark="b", source=KEEP_TWO.replace("2\n", "1\n"))
    path = str(workspace.root / "plan.json")
    assert workspace.run("plan", "--out", path).code == 0
    victim = next(i for i in emulator.imports("1509") if ".g1." in i["name"])
    emulator.store.update("import", victim["id"], {"name": "renamed by hand"}, lagging=False)
    done = workspace.run("apply", path)
    assert (done.code, "another name" in done.err) == (4, True), done
    assert "renamed by hand" in emulator.imports_named("1509")


def test_processing_activities_are_warned_of_before_anything_is_sent(
    workspace: Workspace, emulator: Emulator
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(1200)
    assert "consent-drops" not in workspace.run("plan").err
    row = next(a for a in emulator.activations("1509") if str(a["compartment_id"]) != "1000")
    emulator.store.add("processing", row["id"], {"processing_id": "9", "processing_name": "Analytics"})
    shown = workspace.run("plan").err
    assert "consent-drops" in shown
    assert "(Analytics)" in shown
    emulator.fault({"path": "/processing_selections", "times": 99, "do": "status", "status": 405})
    quiet = workspace.run("apply", "--auto-approve")
    assert quiet.code == 0, quiet
    assert "consent-drops" not in workspace.run("plan").err  # nothing is to be loaded any more
