"""The report of a run, its events and the ledger say the same, whatever became of it (G11); the state machine holds the same law."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.accounts import agree, report_agrees
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill

FAULTS: dict[str, tuple[int, dict[str, Any] | None]] = {
    "all is well": (0, None),
    "a refused change": (3, {"method": "POST", "path": "/user_account_compartments", "do": "status", "status": 400}),
    "a change that cannot be seen": (3, {"method": "GET", "path": "/user_account_compartments", "do": "status", "status": 403, "after": 2, "times": 0}),
    "an upload for which the situation is wrong": (3, {"method": "POST", "path": "/executions", "do": "status", "status": 403}),
    "a refused upload": (3, {"method": "POST", "path": "/executions", "do": "status", "status": 400}),
    "a token that ends": (3, {"method": "POST", "path": "/executions", "do": "status", "status": 401, "times": 0}),
    "an execution that fails": (3, {"do": "ended", "path": "/executions", "status": "LOST"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_apply(name: str, workspace: Workspace, emulator: Emulator, tmp_path: Path) -> None:
    code, fault = FAULTS[name]
    workspace.customers(40, max_bytes=3_000)
    if fault is not None:
        emulator.fault(fault)
    events = tmp_path / "events"
    done = workspace.run("apply", "--auto-approve", "-o", "json", "--events", str(events))
    assert done.code == code, done
    assert json.loads(done.out)["outcomes"]
    agree(workspace, events, done)
    emulator.script({"faults": []})
    resumed = workspace.run("resume", "-o", "json")
    assert resumed.code in (0, 3), resumed
    report_agrees(workspace, resumed)


def test_partial_and_retried(workspace: Workspace, emulator: Emulator, tmp_path: Path) -> None:
    workspace.customers(40, max_bytes=3_000)
    emulator.quarantine("c000003", "c000030")
    events = tmp_path / "events"
    done = workspace.run("apply", "--auto-approve", "-o", "json", "--events", str(events))
    assert done.code == 3, done
    agree(workspace, events, done)
    emulator.quarantine()
    flags = ("--failed-lines", "--auto-approve", "-o", "json", "--events", str(tmp_path / "more"))
    retried = workspace.run("source", "retry", "customers", *flags)
    assert retried.code == 0, retried
    agree(workspace, tmp_path / "more", retried)


@pytest.mark.parametrize("after", [0.0, 0.3, 0.6])
def test_killed(workspace: Workspace, emulator: Emulator, tmp_path: Path, after: float) -> None:
    workspace.customers(40, max_bytes=1_000)
    events = tmp_path / "events"
    process = workspace.start("apply", "--auto-approve", "-o", "json", "--events", str(events))
    while not events.exists() and process.poll() is None:
        pass
    kill(process, group=True, after=after)
    agree(workspace, events, None)
    done = workspace.run("resume", "-o", "json")
    report_agrees(workspace, done)
