"""Every fault at every request of a run: nothing is done twice, what was and was not done is said, and the next run ends as an
undisturbed one.    python -m tests.workflows.test_fault_matrix     prints the table of all; the suite takes a sample.
"""

import random
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.workflows.test_crash_matrix import state, world
from tests.workflows.test_faults import FAULTS, once_each

SAMPLE = 3
EVERY: dict[str, dict[str, Any]] = {
    **FAULTS,
    "429 without Retry-After": {"do": "status", "status": 429},
    "401": {"do": "status", "status": 401},
    "200 html": {"do": "html", "status": 200},
    "403": {"do": "status", "status": 403},
}


def requests(emulator: Emulator) -> list[str]:
    return [f"{r['method']} {r['path']}" for r in emulator.store.requests()]


def undisturbed(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """The requests of a run, in order, and what it leaves."""
    emulator, workspace = world(folder)
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1").code == 0
    found = requests(emulator), state(emulator)
    emulator.stop()
    return found


def disturbed(folder: Path, fault: str, at: int, expected: dict[str, Any]) -> str:
    """One fault at one request; what came of it, and of the run after."""
    emulator, workspace = world(folder)
    try:
        emulator.fault({"path": "/v1", "after": at, **EVERY[fault]})
        first = workspace.run("apply", "--auto-approve", "--parallelism", "1")
        if first.code not in (0, 1, 3, 4):
            return f"WRONG: exit {first.code}"
        if first.code and len(first.err.strip()) < 20:
            return "WRONG: nothing is said"
        once_each(emulator)
        if first.code == 1 and emulator.writes() and not any(r["status"] == 401 for r in emulator.writes()):
            return "WRONG: it wrote, and says that it failed before anything was written"
        emulator.fault()
        again = workspace.run("apply", "--auto-approve")
        if again.code != 0:
            return f"WRONG: then exit {again.code}: {again.err[-200:]}"
        if (
            "removal-not-proposed" in again.err
        ):  # it was refused by a 403 or 405: told, and done where it is asked for
            asked = workspace.run("apply", "--target", "Activation/germans@retail-fr", "--auto-approve")
            if asked.code != 0:
                return f"WRONG: then exit {asked.code}: {asked.err[-200:]}"
        once_each(emulator)
        if state(emulator) != expected:
            return f"WRONG: {state(emulator)}"
        if workspace.run("plan", "--detailed-exitcode").code != 0:
            return "WRONG: plan is not empty"
        return f"{first.code}, then as undisturbed"
    finally:
        emulator.stop()


@pytest.mark.parametrize("fault", EVERY)
def test_a_fault_at_any_request_is_survived(fault: str, tmp_path: Path) -> None:
    seen, expected = undisturbed(tmp_path / "undisturbed")
    places = random.Random(fault).sample(range(len(seen)), SAMPLE)
    rows = {f"{at} {seen[at]}": disturbed(tmp_path / str(at), fault, at, expected) for at in places}
    assert {k: v for k, v in rows.items() if v.startswith("WRONG")} == {}


def table(say: Callable[[str], None]) -> bool:
    """Every fault at every request; True if all are well."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        seen, expected = undisturbed(Path(folder) / "undisturbed")
        cases = [(at, fault) for at in range(len(seen)) for fault in EVERY]

        def run(case: tuple[int, str]) -> str:
            return disturbed(Path(folder) / f"{case[0]}{case[1]}", case[1], case[0], expected)

        with ThreadPoolExecutor(5) as pool:  # they mostly wait
            for (at, fault), found in zip(cases, pool.map(run, cases), strict=True):
                say(f"{at:3} {seen[at][-52:]:52} {fault:30} {found}")
                good = good and not found.startswith("WRONG")
    return good


if __name__ == "__main__":
    sys.exit(0 if table(lambda row: print(row, flush=True)) else 1)
