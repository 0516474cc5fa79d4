"""kill -9 at random moments, then the same command again (G4, G5). RECONCILER_KILLS sets how many; 4 by default."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill

KILLS = int(os.environ.get("RECONCILER_KILLS", "4"))


@pytest.mark.parametrize("seed", range(KILLS))
def test_after_a_kill_the_same_command_ends_as_if_undisturbed(
    seed: int, tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    dice = random.Random(seed)
    emulator = emulator_with(pending_seconds=0.05, running_seconds=0.05)
    workspace = Workspace(tmp_path / "ws", emulator.url)
    workspace.customers(1500, max_bytes=5_000)  # fifty chunks and more
    process = workspace.start("apply", "--auto-approve")
    kill(process, group=bool(seed % 2), after=dice.uniform(0.3, 4.0))
    if seed % 4 >= 2:
        workspace.forget_ledger()
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    tokens = [c["token"] for c in emulator.compartments()]
    assert tokens.count("loyalty") == 1
    for datamart in ("1509", "1510"):
        compartments = [a["compartment_id"] for a in emulator.activations(datamart)]
        assert len(compartments) == len(set(compartments))
    names = [i["name"] for i in emulator.imports("1509")]
    assert len(names) == len(set(names))
    chunks = {n: rows for n, rows in emulator.executions("1509").items() if ".sealed." not in n}
    assert len(chunks) >= 50
    assert {n: len(rows) for n, rows in chunks.items() if len(rows) != 1} == {}
    assert len(emulator.profiles("1509")) == 1500
    assert workspace.run("plan", "--detailed-exitcode").code == 0
