"""`clean`: what earlier runs left is shown, and removed where no load needs it; an apply that ends by an error leaves no more."""

import json
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.bulk.scan.held import Use
from reconciler.bulk.scan.spool import Spools
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace, kill

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
    assert crm.run("clean").out == "Nothing can be removed.\n"


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


def test_lists_of_a_killed_comparison_are_shown_and_removed(workspace: Workspace, emulator: Emulator) -> None:
    changed = CUSTOMERS + "  duplicates: refuse\n  send: changed\n"
    workspace.customers(400, source=changed)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(400, source=changed, mark="v2")
    emulator.switch(running_seconds=5.0)
    temporary = workspace.root.parent / "temporary"
    temporary.mkdir()
    flags = ("--auto-approve", "--allow", "guard-delta:ProfileSource/customers@retail-fr=a test")
    process = workspace.start("apply", *flags, TMPDIR=str(temporary))
    deadline = time.monotonic() + 60
    while len([x for e in emulator.executions("1509").values() for x in e]) < 2:
        assert time.monotonic() < deadline, process.communicate(timeout=5)
        time.sleep(0.01)
    assert kill(process, group=True, after=0.0)
    emulator.switch(running_seconds=0.0)
    assert [p for p in temporary.rglob("*") if p.is_file() and p.stat().st_size] == []
    (left,) = items(workspace)
    assert (left["kind"], left["removable"]) == ("lists", True)
    assert items(workspace, "--remove", "--auto-approve")[0]["removed"]
    assert list((workspace.root / ".reconciler/spool").iterdir()) == []


def test_lists_lie_in_the_temporary_folder_where_the_workspace_cannot_be_written(tmp_path: Path) -> None:
    temporary, before = tmp_path / "temporary", tempfile.tempdir
    temporary.mkdir()
    (tmp_path / "file").touch()
    tempfile.tempdir = str(temporary)
    try:
        spools = Spools(tmp_path / "file/spool", tmp_path, lambda *_: "")
        with spools.lists() as folder:
            assert folder.parent == temporary
            assert [spools.in_use(p) for p in spools.partial()] == [Use.HELD]
        assert list(temporary.iterdir()) == []
        (temporary / "reconciler-lists.partial-1").mkdir()  # as a killed process leaves it
        (temporary / "reconciler-lists.partial-2").symlink_to(tmp_path)
        assert [p.name for p in spools.partial()] == ["reconciler-lists.partial-1"]
        spools.remove_abandoned()
        assert [p.name for p in temporary.iterdir()] == ["reconciler-lists.partial-2"]
    finally:
        tempfile.tempdir = before


def test_files_that_nothing_declared_uses_are_shown_and_removed(workspace: Workspace) -> None:
    """A sent index, a kept scan, rejected rows, a damaged ledger: of a source that is declared none of them but the rows."""
    source = CUSTOMERS + "  duplicates: refuse\n  send: changed\n  bad_lines: {allow: 1}\n"
    workspace.customers(5, source=source)
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write(",nobody\n")
    os.utime(workspace.root / "data/customers.csv", (time.time() - 100,) * 2)  # so that its scan is kept
    rejects, other = workspace.root / "bad rows.txt", workspace.root / "other.txt"
    assert workspace.run("plan").code == 0
    assert workspace.run("plan", "--rejects", str(rejects)).code == 0
    assert workspace.run("source", "check", "customers", "--rejects", str(other)).code == 0
    assert workspace.run("apply", "--auto-approve").code == 0
    assert "nobody" in rejects.read_text()
    other.write_text('{"mine": 1}\n')  # not what reconciler wrote there
    assert [(x["kind"], x["path"], x["removable"]) for x in items(workspace)] == [
        ("rejected-rows", "bad rows.txt", True)
    ]
    (workspace.root / ".reconciler/ledger.db.damaged-2026-01-01").write_text("")
    (workspace.root / "specs/customers.yaml").unlink()
    assert {x["kind"] for x in items(workspace)} == {"rejected-rows", "ledger", "sent-index", "scan"}
    found = items(workspace, "--remove", "--auto-approve")
    assert all(x["removed"] for x in found), found
    assert not rejects.exists()
    assert other.exists()
    assert list((workspace.root / ".reconciler/index").iterdir()) == []
    assert items(workspace) == []


def test_a_branch_names_no_file_that_is_removed(workspace: Workspace) -> None:
    """Notes of rejected rows are believed from the user's cache folder alone, and an index folder outside is left alone."""
    shared = workspace.root.parent / "shared"
    name = "gone.0123456789ab.g1." + "0" * 20
    shared.mkdir()
    (shared / name).touch()
    text = (workspace.root / "reconciler.yaml").read_text().rstrip()
    workspace.write("reconciler.yaml", f"{text}\n  index: {shared}\n")
    row = '{"path":"a","line":1,"code":"empty","reason":"x","data":""}\n'
    workspace.write("rows.jsonl", row)
    workspace.write(".reconciler/rejects-1.json", json.dumps({"path": str(workspace.root / "rows.jsonl")}))
    assert items(workspace) == []
    workspace.write("reconciler.yaml", f"{text}\n  index: inside\n")
    workspace.write(f"inside/{name}", "")
    workspace.write("inside/notes.txt", "")
    assert [x["path"] for x in items(workspace)] == [f"inside/{name}"]
