"""`clean`: what earlier runs left is shown, and removed where no load needs it; an apply that ends by an error leaves no more."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill

SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm}
spec:
  sql: {url: "sqlite:///crm.db", query: SELECT id FROM c}
  datamarts: retail-fr
  identify_by: {compartment: loyalty, user_account_id: id}
  update: {force_replace: true}
  chunk: {max_bytes: 20000}
"""


@pytest.fixture
def crm(workspace: Workspace) -> Workspace:
    with sqlite3.connect(workspace.root / "crm.db") as db:
        db.execute("CREATE TABLE c (id TEXT)")
        db.executemany("INSERT INTO c VALUES (?)", [(f"c{n}",) for n in range(2000)])
    db.close()
    workspace.write("specs/crm.yaml", SOURCE)
    return workspace


def items(workspace: Workspace, *args: str) -> list[dict[str, Any]]:
    done = workspace.run("clean", "-o", "json", *args)
    assert done.code == 0, done
    found: list[dict[str, Any]] = json.loads(done.out)["items"]
    return found


def interrupted(crm: Workspace, emulator: Emulator) -> Path:
    """Where the rows of a killed load lie."""
    emulator.switch(running_seconds=0.4)
    process = crm.start("apply", "--auto-approve", "--parallelism", "1")
    deadline = time.monotonic() + 60
    while not any(emulator.executions("1509").values()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kill(process, group=True, after=0.05)
    emulator.switch(running_seconds=0.0)
    (place,) = (crm.root / ".reconciler/spool").iterdir()
    return place


def test_rows_of_an_unfinished_load_are_kept_until_no_spec_declares_it(
    crm: Workspace, emulator: Emulator
) -> None:
    place = interrupted(crm, emulator)
    (left,) = items(crm)
    assert (left["kind"], left["removable"], left["files"]) == ("rows", False, 2)
    assert "needed by ProfileSource/crm@retail-fr of run 1" in left["why"]
    assert items(crm, "--remove", "--auto-approve") == [left]
    assert place.exists()
    crm.write("specs/crm.yaml", SOURCE.replace("FROM c", "FROM c LIMIT 10"))
    (left,) = items(crm)
    assert (left["removable"], left["removed"]) == (True, False)
    assert "no spec declares it like this any more" in left["why"]
    unasked = crm.run("clean", "--remove")
    assert (unasked.code, place.exists()) == (1, True), unasked
    assert "--auto-approve" in unasked.err
    shown = crm.run("clean", "--remove", "--auto-approve")
    assert (shown.code, place.exists()) == (0, False), shown
    assert "Removed 1 item" in shown.out
    table = [line for line in shown.out.splitlines() if "`" not in line]  # a command to copy is not cut
    assert all(len(line) <= 80 for line in table), shown
    assert crm.run("clean").out == "Nothing is left on disk.\n"


def test_a_loads_rows_go_once_a_newer_query_was_loaded(crm: Workspace, emulator: Emulator) -> None:
    interrupted(crm, emulator)
    crm.write("specs/crm.yaml", SOURCE.replace("FROM c", "FROM c LIMIT 2001"))
    assert crm.run("apply", "--auto-approve").code == 0
    assert list((crm.root / ".reconciler/spool").iterdir()) == []


def test_broken_specs_and_another_organisation_keep_what_they_may_need(
    crm: Workspace, emulator: Emulator
) -> None:
    place = interrupted(crm, emulator)
    crm.write("specs/crm.yaml", "kind: [")
    assert [x["removable"] for x in items(crm)] == [False]
    crm.write("specs/crm.yaml", SOURCE)
    text = (crm.root / "reconciler.yaml").read_text()
    crm.write("reconciler.yaml", text.replace("1185", "2000"))
    (left,) = items(crm, "--remove", "--auto-approve")
    assert "organisation 1185" in left["why"]
    assert place.exists()


def test_what_nobody_finished_is_removed_and_what_is_new_is_not(crm: Workspace) -> None:
    spool = crm.root / ".reconciler/spool"
    crm.write(".reconciler/spool/crm-0123456789ab.partial-1/0000.rows", "{}\n")
    crm.write(".reconciler/spool/old-0123456789ab/0000.rows", "{}\n")
    crm.write(".reconciler/.gitignore.77", "*\n")
    found = items(crm)
    assert [(x["kind"], x["removable"]) for x in found] == [("rows", True), ("unfinished-rows", True)]
    assert items(crm, "--remove", "--auto-approve")[0]["removed"]
    assert list(spool.iterdir()) == []
    assert (crm.root / ".reconciler/.gitignore.77").exists()


def test_rows_that_a_run_left_behind_go_with_the_next_that_knows_their_load_is_finished(
    crm: Workspace, emulator: Emulator
) -> None:
    place = interrupted(crm, emulator)
    kept = {p.name: p.read_bytes() for p in place.iterdir()}
    assert crm.run("apply", "--auto-approve").code == 0
    assert not place.exists()
    for name, content in kept.items():
        place.mkdir(exist_ok=True)
        (place / name).write_bytes(content)
    (left,) = items(crm)
    assert (left["removable"], "is finished" in left["why"]) == (True, True)
    text = (crm.root / "specs/loyalty.yaml").read_text()
    crm.write("specs/loyalty.yaml", text.replace("Loyalty programme", "Renamed"))
    assert crm.run("apply", "--auto-approve", "--only", "config").code == 0
    assert not place.exists()
