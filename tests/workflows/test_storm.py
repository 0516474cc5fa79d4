"""A storm of faults, kills and lost ledgers on an unfriendly remote that is not the sandbox: G3, G4, G5 and G7 as one property.

RECONCILER_STORMS sets how many; 6 by default.
"""

import os
import random
from pathlib import Path

import pytest

from tests.support.stranger import Stranger
from tests.support.workspace import Workspace, kill

STORMS = int(os.environ.get("RECONCILER_STORMS", "6"))


@pytest.mark.parametrize("seed", range(STORMS))
def test_whatever_the_weather_everything_is_made_once(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    lag = dice.choice([0.0, 0.0, 0.6])
    remote = Stranger(seed, storm=dice.choice([0.03, 0.1, 0.2]), lag=lag, paged=dice.choice([None, 1, 7]))
    try:
        workspace = Workspace(tmp_path / "ws", remote.url, settle="1s" if lag else "0")
        workspace.customers(400, max_bytes=dice.choice([4_000, 9_000]))
        codes = []
        for _ in range(12):
            process = workspace.start("apply", "--auto-approve")
            if dice.random() < 0.4 and kill(process, group=dice.random() < 0.5, after=dice.uniform(0.5, 4)):
                codes.append(-9)
                if dice.random() < 0.5:
                    workspace.forget_ledger()
                continue
            _, err = process.communicate(timeout=180)
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
