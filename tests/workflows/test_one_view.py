"""Plan, apply and the retry of failed rows see the same chunks: whatever the spec's cut is now, and whatever was deleted since."""

import re
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ADDRESS = "ProfileSource/customers@retail-fr"
RETRY = ("source", "retry", "customers", "--failed-lines", "--auto-approve")


def sent(emulator: Emulator) -> dict[str, int]:
    return {n: len(rows) for n, rows in emulator.executions("1509").items() if rows}


@pytest.mark.parametrize("now", [None, 2_000, 7_000])
def test_a_load_in_the_middle_is_planned_as_it_was_cut(
    now: int | None, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(400, max_bytes=3_000)
    rule = {"method": "POST", "path": "/executions", "do": "status", "status": 403}
    emulator.fault({**rule, "after": 3, "times": 0})
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1").code == 3
    emulator.fault()
    before = sent(emulator)
    count = len(emulator.imports("1509"))
    workspace.customers(400, max_bytes=now)
    (load,) = workspace.plan()["loads"]
    assert load["actions"] == ["resume"]
    assert load["chunks"] == count
    assert load["unfinished"] == {"unsent": count - len(before)}
    far = f"{len(before)} done, {count - len(before)} not sent"
    assert load["reason"] == f"load 1 is unfinished: of {count} chunks {far}"
    done = workspace.run("apply", "--auto-approve")
    assert (done.code, f"; before this run: {len(before)} done\n" in done.err) == (0, True), done
    said = [int(n) for n in re.findall(rf"(\d+) of {count} chunks (?:sent|done)", done.err)]
    assert min(said) > len(before)  # what was done before is counted
    assert said.count(count) == 2  # both come to all
    assert set(sent(emulator).values()) == {1}
    assert len(sent(emulator)) == count
    assert len(emulator.profiles("1509")) == 400


def test_plan_says_that_an_import_was_made_from_other_bytes(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(400, max_bytes=3_000)
    rule = {"method": "POST", "path": "/executions", "do": "status", "status": 403}
    emulator.fault({**rule, "after": 3, "times": 0})
    workspace.run("apply", "--auto-approve", "--parallelism", "1")
    emulator.fault()
    row = next(i for i in emulator.store.all("import", "1509") if i["name"] not in sent(emulator))
    head, _, tail = row["name"].rpartition(".")
    emulator.store.update("import", row["id"], {"name": f"{head[:-12]}{'f' * 12}.{tail}"})
    planned = workspace.run("plan")
    words = " ".join((planned.out + planned.err).split())
    assert "error[load-refused]" in words, planned
    assert "made from other bytes" in words
    writes = len(emulator.writes())
    assert workspace.run("apply", "--auto-approve").code != 0
    assert len(emulator.writes()) == writes
    assert workspace.run("apply", "--auto-approve", "--reload", ADDRESS).code == 0
    assert len(emulator.profiles("1509")) == 400


def test_plan_knows_of_refused_uploads(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(400, max_bytes=3_000)
    execution = {"method": "POST", "path": "/executions", "do": "status"}
    emulator.fault(
        {**execution, "status": 400, "times": 1}, {**execution, "status": 403, "after": 2, "times": 0}
    )
    workspace.run("apply", "--auto-approve", "--parallelism", "1")
    emulator.fault()
    (load,) = workspace.plan()["loads"]
    assert load["unfinished"]["refused"] == 1, load


def test_rows_of_an_import_that_was_deleted_are_not_taken_as_failed(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(400, max_bytes=3_000)
    emulator.quarantine("c000003")
    assert workspace.run("apply", "--auto-approve").code == 3
    victim = next(i for i in emulator.imports("1509") if "sealed" not in i["name"])
    emulator.store.remove("import", victim["id"])
    writes = len(emulator.writes())
    done = workspace.run(*RETRY)
    assert done.code == 4, done
    assert "no longer exists" in " ".join(done.err.split())
    assert len(emulator.writes()) == writes


@pytest.mark.parametrize("ledger", [True, False])
def test_rows_that_a_person_says_were_sent_are_not_taken_as_failed(
    ledger: bool, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(400, max_bytes=3_000)
    with (workspace.root / "reconciler.yaml").open("a") as file:
        file.write("  follow_timeout: 1s\n")
    emulator.quarantine("c000399")
    emulator.end_with("CANCELED")
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1").code == 3
    name = next(
        n for n, rows in emulator.executions("1509").items() if any(r["status"] == "CANCELED" for r in rows)
    )
    number = name.split(".")[6].split("-")[0]
    assert workspace.run("runs", "resolve", f"{ADDRESS}#{number}", "--sent").code == 0
    assert workspace.run("apply", "--auto-approve").code == 3
    if not ledger:
        workspace.forget_ledger()
    before = sent(emulator)
    done = workspace.run(*RETRY)
    if ledger:
        assert done.code == 3, done  # the one that the platform does not take, and nothing else
        (retry,) = [rows for n, rows in emulator.executions("1509").items() if ".r1." in n and rows]
        counts = retry[0]["result"]
        assert (counts["total_success"], counts["total_failure"]) == (0, 1)
    else:
        assert done.code == 4, done
        assert "counts 1 failed command, its executions" in " ".join(done.err.split())
        assert sent(emulator) == before


@pytest.mark.parametrize("deleted", [False, True])
def test_imports_that_another_run_makes_while_plan_reads_are_not_taken_as_deleted(
    deleted: bool, workspace: Workspace, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.customers(400, max_bytes=3_000)
    emulator.fault(
        {"method": "POST", "path": "/executions", "do": "status", "status": 403, "after": 3, "times": 0}
    )
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1").code == 3
    emulator.fault()
    victim = next(i["id"] for i in emulator.imports("1509") if i["name"] not in sent(emulator))
    if deleted:
        emulator.store.remove("import", victim)
    listed, lists = emulator.store.listed, []

    def late(kind: str, parent: str, *, first_page: bool) -> list[dict[str, Any]]:
        rows = listed(kind, parent, first_page=first_page)
        if kind != "import":
            return rows
        lists.append(parent)
        return [r for r in rows if len(lists) > 1 or r["id"] != victim]

    monkeypatch.setattr(emulator.store, "listed", late)
    (load,) = workspace.plan()["loads"]
    assert load["unfinished"].get("deleted", 0) == int(deleted)
    assert len(lists) == 2
