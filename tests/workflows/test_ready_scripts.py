"""The product under each of the emulator's ready fault scripts: it gets there, and makes nothing twice."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli.fault_scripts import fault_script
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.unit.test_fault_scripts import READY

RUNS = 8


@pytest.mark.parametrize("name", READY)
def test_it_gets_there(name: str, emulator_with: Callable[..., Emulator], tmp_path: Path) -> None:
    emulator = emulator_with()
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="2s")
    settings = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", settings + "  follow_timeout: 3s\n")
    workspace.customers(400, max_bytes=9_000)
    emulator.script(fault_script(name))
    codes = []
    for run in range(RUNS):
        codes.append(workspace.run("apply", "--auto-approve").code)
        if name in ("token-expires-midway", "lost-executions") and run == 0:
            emulator.fault()
            emulator.sandbox.processor.unstick()
        if workspace.run("plan", "--detailed-exitcode").code == 0:
            break
    assert codes[-1] == 0, codes
    assert set(codes) <= {0, 1, 3}
    if name in ("token-expires-midway", "lost-executions"):
        assert codes[0] == 3
    assert Counter(c["token"] for c in emulator.compartments())["loyalty"] == 1
    assert all(n == 1 for n in Counter(a["compartment_id"] for a in emulator.activations("1509")).values())
    names = emulator.imports_named("1509")
    assert len(names) == len(set(names))
    assert all(len(found) <= 1 for found in emulator.executions("1509").values())
    stored = len(emulator.profiles("1509"))
    assert stored < 400 if name == "silent-drops" else stored == 400
