"""A storm of faults, kills and lost ledgers on an unfriendly remote that is not the sandbox: G3, G4, G5 and G7 as one property.

RECONCILER_STORMS sets how many; 6 by default.
"""

import json
import os
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from reconciler.model.event import ActionFinished, AnyEvent, RunFinished, RunStarted
from tests.support.stranger import Stranger
from tests.support.workspace import Workspace, kill

STORMS = int(os.environ.get("RECONCILER_STORMS", "6"))


def one_story(workspace: Workspace, events: Path, printed: str) -> None:
    """G11: the result that was printed, the stream of events and the journal say the same of every action."""
    told = [msgspec.json.decode(line, type=AnyEvent) for line in events.read_bytes().splitlines()]
    if not any(isinstance(x, RunStarted) for x in told):
        return  # nothing was begun: the plan, or the look before it, failed
    result = json.loads(printed[printed.index('{\n  "format_version"') :])
    outcomes = {o["address"]: o["status"] for o in result["outcomes"]}
    finished = {x.address: x.status for x in told if isinstance(x, ActionFinished)}
    assert finished == outcomes
    last = told[-1]
    assert isinstance(last, RunFinished)
    assert last.summary == result["summary"] == dict(Counter(outcomes.values()))
    assert last.exit_code == result["exit_code"]
    recorded = json.loads(workspace.run("runs", "show", "-o", "json").out)["runs"][0]["steps"]
    noted = {s["address"]: s["state"] for s in recorded if s["state"]}
    assert noted == {a: s for a, s in outcomes.items() if a in noted}
    assert {a for a, s in outcomes.items() if s not in ("unchanged", "failed")} <= set(noted)


@pytest.mark.parametrize("seed", range(STORMS))
def test_everything_is_created_once_under_random_faults(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    lag = dice.choice([0.0, 0.0, 0.6])
    remote = Stranger(seed, storm=dice.choice([0.03, 0.1, 0.2]), lag=lag, paged=dice.choice([None, 1, 7]))
    try:
        workspace = Workspace(tmp_path / "ws", remote.url, settle="1s" if lag else "0")
        workspace.customers(400, max_bytes=dice.choice([4_000, 9_000]))
        codes = []
        for _ in range(12):
            events = workspace.root / f"events{len(codes)}"
            process = workspace.start("apply", "--auto-approve", "-o", "json", "--events", str(events))
            if dice.random() < 0.4 and kill(process, group=dice.random() < 0.5, after=dice.uniform(0.5, 4)):
                codes.append(-9)
                if dice.random() < 0.5:
                    workspace.forget_ledger()
                continue
            out, err = process.communicate(timeout=180)
            one_story(workspace, events, out)
            assert "Traceback" not in err
            assert "a bug in" not in err
            codes.append(process.returncode)
            assert process.returncode in (0, 1, 3, 4), err
            if process.returncode == 0:
                break
        remote.storm = 0.0
        final = workspace.run("apply", "--auto-approve", timeout=180)
        assert final.code == 0, (codes, final)
        assert [c["token"] for c in remote.compartments].count("loyalty") == 1
        for rows in remote.activations.values():
            assert len(rows) == 2
        names = [i["name"] for i in remote.imports["1509"]]
        assert len(names) == len(set(names))
        chunks = [i for i in remote.imports["1509"] if ".sealed." not in i["name"]]
        assert [len(remote.executions.get(str(i["id"]), [])) for i in chunks] == [1] * len(chunks)
        sent = [line for body in remote.bodies for line in body.splitlines()]
        assert len(sent) == len(set(sent)) == 400
        assert workspace.run("plan", "--detailed-exitcode").code == 0
    finally:
        remote.stop()
