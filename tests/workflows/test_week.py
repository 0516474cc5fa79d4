"""What happened last week: a failed, a partial, a killed and a good run, and what `runs`, stderr and the log of requests say of them."""

import json
import os
import re
import threading
import time
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill
from tests.workflows.test_runs import begun

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
LOAD = "ProfileSource/customers@retail-fr"
DENIED = {"method": "POST", "path": "/user_account_compartments", "do": "status", "status": 403, "times": 0}
BUSY = {
    "method": "POST",
    "path": "/user_account_compartments",
    "do": "status",
    "status": 429,
    "headers": {"Retry-After": "2"},
    "times": 2,
}


def the_page_of_the_week(workspace: Workspace) -> None:
    page = workspace.run("runs", "--since", "7d", "-o", "html").out
    body = page.split("<tbody")[1]
    shown = [re.sub("<[^>]+>", " ", row.partition(">")[2]).split() for row in body.split("<tr")[1:]]
    assert [row[:2] for row in shown] == [
        ["4", "succeeded"],
        ["3", "interrupted;"],
        ["2", "partial;"],
        ["1", "failed;"],
    ]
    assert "completed by run 4" in body
    assert "403" in body
    assert "4 runs; the newest, run 4: succeeded." in page
    none = workspace.run("runs", "--state", "running")
    assert (none.code, none.out) == (0, "No run in the ledger is as asked.\n")
    assert (
        "No run in the ledger is as asked." in workspace.run("runs", "--state", "running", "-o", "html").out
    )


def the_newest(workspace: Workspace) -> str:
    return " ".join(workspace.run("runs", "show").out.split())


def test_a_week_of_runs_is_told_in_plain_words(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(30)
    emulator.fault(DENIED)
    assert workspace.run("apply", "--auto-approve").code == 3
    emulator.fault(BUSY)
    emulator.quarantine("c000007", "c000008")
    assert "resume 1` continues this plan" in the_newest(workspace)
    partly = workspace.run("apply", "--auto-approve")
    assert partly.code == 3
    assert "source retry customers --failed-lines` sends the failed commands" in the_newest(workspace)
    assert all(f"_compartments, attempt {n}, next in 2 s (429)" in partly.err for n in (2, 3))
    emulator.quarantine()
    workspace.customers(1500, max_bytes=4000, mark="new")
    killed(workspace)
    good = workspace.run("apply", "--auto-approve")
    assert good.code == 0, good

    listed = json.loads(workspace.run("runs", "--since", "7d", "-o", "json").out)["runs"]
    assert [(r["id"], r["state"], r["completed_by"]) for r in listed] == [
        (4, "succeeded", None),
        (3, "interrupted", 4),
        (2, "partial", 4),  # run 4 sent other content of the source, its failed rows with it
        (1, "failed", 2),
    ]
    by = {r["id"]: r for r in listed}
    assert by[1]["counts"] == {"failed": 1, "skipped": 3}
    assert "403" in by[1]["why"]
    assert by[2]["counts"] == {"partial": 1, "succeeded": 3}
    assert by[4]["counts"] == {"succeeded": 1}
    assert [by[n]["ended"] is None for n in (1, 2, 3, 4)] == [False, False, True, False]

    the_page_of_the_week(workspace)
    table = workspace.run("runs", "--since", "7d").out
    assert max(map(len, table.splitlines())) <= 80
    rows = re.split(r"\n(?= {0,3}\d)", table)[1:]
    told = {int(row.split()[0]): " ".join(row.split()) for row in rows}
    assert list(told) == [4, 3, 2, 1]
    for run, *words in (
        (1, "failed", "1 failed, 3 skipped", "because: ", "403"),
        (2, "partial", "1 partial, 3 succeeded", "2 commands failed: ", "quarantine"),
        (3, "interrupted", "completed by run 4"),
        (4, "succeeded", "1 succeeded"),
    ):
        assert all(w in told[run] for w in words), table
    shown = {n: " ".join(workspace.run("runs", "show", str(n)).out.split()) for n in (1, 2, 3, 4)}
    assert "Run 1: failed" in shown[1]
    assert "Run 1: failed; completed by run 2" in shown[1]
    assert "continues this plan" not in shown[1]
    assert "28 succeeded + 2 failed" in shown[2]
    assert "Run 2: partial; completed by run 4" in shown[2]
    assert "source retry" not in shown[2]
    assert "Run 3: interrupted; completed by run 4" in shown[3]
    assert "1,500 succeeded" in shown[4]
    assert "continues this plan" not in shown[4]


def killed(workspace: Workspace) -> None:
    process = workspace.start("apply", "--auto-approve")
    deadline = time.monotonic() + 60
    ledger, count = workspace.root / ".reconciler/ledger.db", uploads(workspace)
    while time.monotonic() < deadline and not (begun(ledger) and uploads(workspace) > count):
        time.sleep(0.01)
    assert kill(process, group=True, after=0.05)


def uploads(workspace: Workspace) -> int:
    """How many uploads were begun, in all runs."""
    import sqlite3

    path = (workspace.root / ".reconciler/ledger.db").as_uri()
    with sqlite3.connect(f"{path}?mode=ro", uri=True) as db:
        found = db.execute("SELECT count(*) FROM journal WHERE step='upload' AND state='intent'").fetchone()
    db.close()
    return int(found[0])


@pytest.mark.skipif(not THOROUGH, reason="waits for 15 s without a word")
def test_a_silent_run_says_what_it_waits_for(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(30)
    emulator.fault({"method": "POST", "path": "/executions", "do": "delay", "seconds": 17, "times": 1})
    process: Any = workspace.start("apply", "--auto-approve")
    threading.Timer(60, lambda: process.poll() is None and process.kill()).start()
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    beat = re.search(r"still working: waiting for the answer to POST (\S+) \((\d+) s\)", err)
    assert beat, err
    assert beat[1] == "/v1/datamarts/{id}/document_imports/{id}/executions"
    assert 14 <= int(beat[2]) <= 16
