"""What a plan shows is what is sent, and what the journal notes."""

import json
import sqlite3
from pathlib import Path

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


def test_the_plan_shows_the_requests_that_apply_sends(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(1200)
    file = tmp_path / "plan.json"
    assert workspace.run("plan", "--only", "config", "--out", str(file)).code == 0
    shown = sorted(
        c["request"]
        for c in json.loads(file.read_text())["resource_changes"]
        if c["change"]["actions"] != ["no-op"]
    )
    assert shown
    assert workspace.run("apply", str(file)).code == 0
    database = sqlite3.connect(workspace.root / ".reconciler" / "ledger.db")
    notes = database.execute("SELECT detail FROM journal WHERE state = 'intent'").fetchall()
    database.close()
    assert sorted(json.loads(d)["request"] for (d,) in notes) == shown
