"""One law over the three accounts of a run: what its report says, what its events say, and what the ledger has are the same (G11)."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.workspace import Done, Workspace


def agree(workspace: Workspace, events: Path, done: Done | None) -> None:
    """Hold the report of `apply -o json`, its events and the ledger against each other.

    Args:
        workspace: whose ledger.
        events: the file of --events.
        done: how the command ended; None if it was killed: its events are all that is known then.
    """
    told = [json.loads(line) for line in events.read_text().splitlines()] if events.exists() else []
    ends = [e for e in told if e["event"] == "action_finished"]
    started = [e for e in told if e["event"] == "run_started"]
    _one_end_for_each(ends)
    if done is not None and done.out.strip():
        report = json.loads(done.out)
        rows = report["outcomes"]
        assert sorted(map(_end, ends)) == sorted(map(_end, rows)), (told, report)
        assert report["summary"] == Counter(r["status"] for r in rows)
        assert report["exit_code"] == done.code
        for last in [e for e in told if e["event"] == "run_finished"]:
            assert (last["summary"], last["exit_code"]) == (report["summary"], done.code)
    for event in started:
        shown = workspace.run("runs", "show", str(event["run"]), "-o", "json")
        assert shown.code == 0, shown
        (run,) = json.loads(shown.out)["runs"]
        _same_as_the_ledger(
            ends, run, killed=done is None or not any(e["event"] == "run_finished" for e in told)
        )


def report_agrees(workspace: Workspace, done: Done) -> None:
    """The same for the report of a command without events that made a run, such as `resume -o json`: it is the newest."""
    rows = json.loads(done.out)["outcomes"] if done.out.strip() else []
    if rows:
        shown = workspace.run("runs", "show", "-o", "json")
        _same_as_the_ledger(rows, json.loads(shown.out)["runs"][0], killed=False)


def _one_end_for_each(ends: list[dict[str, Any]]) -> None:
    """An action ends once; what is said of a finished load beside it says no more than that something came late."""
    acted = [e["address"] for e in ends if e["action"] != "no-op"]
    assert len(acted) == len(set(acted)), ends


def _same_as_the_ledger(ends: list[dict[str, Any]], run: dict[str, Any], *, killed: bool) -> None:
    acted = {e["address"]: e for e in ends if e["action"] != "no-op"}
    steps = {s["address"]: s for s in run["steps"]}
    assert acted.keys() <= steps.keys(), (acted, steps)
    for address, event in acted.items():
        assert steps[address]["state"] == event["status"], (event, steps[address])
        if event["counts"]:
            assert steps[address]["counts"] == event["counts"], (event, steps[address])
        if event["message"] and event["status"] not in ("succeeded", "unchanged", "sent"):
            assert steps[address]["reason"] == event["message"], (event, steps[address])
    if not killed:
        assert acted.keys() == steps.keys(), (acted, steps)
        assert run["counts"] == Counter(e["status"] for e in acted.values())


def _end(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return row["address"], row["action"], row["status"], json.dumps(row["counts"], sort_keys=True)
