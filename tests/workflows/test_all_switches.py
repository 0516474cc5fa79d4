"""All switches, all laws: the main scenario and G3 to G7 under a covering array, so that every pair of settings is met.

python -m tests.workflows.test_all_switches     prints the table
"""

import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.covering import SETTINGS, Row, missing, rows
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, DATAMARTS, Workspace, kill

ROWS = rows()
LINES, BAD = 300, 2
# The platform may activate by itself where an organisation has one datamart: those rows have one.
LONE = {
    "datamarts": [{"id": "1509", "name": "Retail FR", "organisation_id": "1185"}],
    "compartments": [{"id": "1000", "organisation_id": "1185", "token": "default", "name": None}],
    "activations": [{"datamart_id": "1509", "compartment_id": "1000", "default": True}],
}
OLD = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {{name: old}}
spec: {{token: old, {where}}}
"""
SOURCE = CUSTOMERS + "  bad_lines: {allow: 2}\n"


class World:
    """An emulator under one row, and a workspace that talks to it."""

    def __init__(self, folder: Path, switches: Row) -> None:
        alone = switches["auto_activate"] == "on"
        times = {"pending_seconds": 0.03, "running_seconds": 0.03}
        self.emulator = Emulator(folder / "emulator", LONE if alone else None, **times, **switches)
        late = switches.get("lag_seconds") or switches.get("lag_reads")
        self.workspace = Workspace(folder / "ws", self.emulator.url, settle="1s" if late else "0")
        if alone:
            lines = [line for line in DATAMARTS.splitlines() if "retail-de" not in line]
            self.workspace.write("specs/datamarts.yaml", "\n".join(lines) + "\n")
        self.data("v1")

    def data(self, mark: str) -> None:
        """New contents: good lines, and two without an account."""
        self.workspace.customers(LINES, max_bytes=4_000, source=SOURCE, mark=mark)
        path = self.workspace.root / "data/customers.csv"
        path.write_text(path.read_text() + f",{mark}\n" * BAD)

    def apply(self) -> tuple[int, dict[str, Any]]:
        done = self.workspace.run("apply", "--auto-approve", "-o", "json")
        return done.code, json.loads(done.out or "{}")

    def planned(self) -> int:
        return self.workspace.run("plan", "--detailed-exitcode").code

    def chunks(self) -> dict[str, int]:
        """Executions by import, seals aside."""
        return {n: len(rows) for n, rows in self.emulator.executions("1509").items() if ".sealed." not in n}

    def marks(self) -> Counter[str]:
        return Counter(json.loads(body)["tier"] for _, _, body in self.emulator.profiles("1509"))


def once_each(world: World) -> None:
    """Nothing is there twice."""
    emulator = world.emulator
    assert Counter(c["token"] for c in emulator.compartments())["loyalty"] == 1
    for datamart in ("1509", "1510"):
        assert set(Counter(a["compartment_id"] for a in emulator.activations(datamart)).values()) <= {1}
    names = emulator.imports_named("1509")
    assert len(names) == len(set(names))
    assert set(world.chunks().values()) <= {1}


def a_failed_read_is_no_absence(world: World) -> None:
    """G6: a listing in HTML stops what depends on it, and nothing is written."""
    world.emulator.fault(
        {"do": "html", "status": 200, "path": "/document_imports", "method": "GET", "times": 0}
    )
    done = world.workspace.run("plan", "--only", "loads")
    world.emulator.fault()
    assert done.code == 1
    assert world.emulator.writes() == []


def applied_once(world: World) -> None:
    """G3 and G7: the plan is empty after an apply, another one writes nothing, and every line is accounted for."""
    code, result = world.apply()
    assert code == 0, result
    load = next(o for o in result["outcomes"] if o["address"].startswith("ProfileSource/"))
    counts = load["counts"]
    assert counts["read"] == LINES + BAD
    assert counts["rejected"] == BAD
    assert counts["succeeded"] + counts["failed"] + counts["not_processed"] == LINES + BAD
    assert (counts["succeeded"], world.marks()) == (LINES, Counter({"v1": LINES}))
    once_each(world)
    assert world.planned() == 0
    before = len(world.emulator.writes())
    assert world.apply()[0] == 0
    assert len(world.emulator.writes()) == before


def killed_and_gone_on(world: World, *, forget: bool) -> None:
    """G4 and G5: killed in the middle of the next load, its ledger lost or not, the same command ends it."""
    world.data("v2")
    before = len(world.chunks())
    process = world.workspace.start("apply", "--auto-approve")
    deadline = time.monotonic() + 60
    while sum(world.chunks().values()) < before + 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kill(process, group=True, after=0)
    if forget:
        world.workspace.forget_ledger()
    code, result = world.apply()
    assert code == 0, result
    once_each(world)
    deadline = time.monotonic() + 5
    while world.marks() != Counter({"v2": LINES}):
        assert time.monotonic() < deadline, world.marks()
        time.sleep(0.05)
    assert world.planned() == 0


def removed_if_it_can_be(world: World) -> None:
    """G10 and G3: a tombstone takes its activation with it and no other; where the platform removes nothing, that is said."""
    emulator = world.emulator
    gone = {c["id"] for c in emulator.compartments() if c["token"] == "default"}
    emulator.store.add(
        "compartment", "1185", {"organisation_id": "1185", "token": "old", "name": None, "archived": False}
    )
    world.workspace.write("specs/old.yaml", OLD.format(where="activations: [retail-fr]"))
    assert world.apply()[0] == 0
    before = emulator.activations("1509")
    world.workspace.write("specs/old.yaml", OLD.format(where="deactivations: [retail-fr]"))
    code, result = world.apply()
    old = next(c["id"] for c in emulator.compartments() if c["token"] == "old")
    works = emulator.sandbox.switches.removal == "works"
    assert code == (0 if works else 3), result
    assert emulator.activations("1509") == [a for a in before if a["compartment_id"] != old or not works]
    assert gone <= {a["compartment_id"] for a in emulator.activations("1509")}
    again = world.workspace.run(
        "plan", "--detailed-exitcode"
    )  # what the platform refused is not proposed twice
    assert (again.code, "removal-not-proposed" in again.err) == (0, not works), again
    asked = world.workspace.run("plan", "--detailed-exitcode", "--target", "Activation/old@retail-fr")
    assert asked.code == (0 if works else 2), asked


LAWS: dict[str, Callable[[World, int], None]] = {
    "G6": lambda world, _: a_failed_read_is_no_absence(world),
    "G3 G7": lambda world, _: applied_once(world),
    "G4 G5": lambda world, number: killed_and_gone_on(world, forget=bool(number % 2)),
    "G10": lambda world, _: removed_if_it_can_be(world),
}


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_the_laws_hold(number: int, tmp_path: Path) -> None:
    world = World(tmp_path, ROWS[number])
    try:
        for law in LAWS.values():
            law(world, number)
    finally:
        world.emulator.stop()


def outcome(number: int) -> list[str]:
    """What each law comes to under one row."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), ROWS[number])
        for law in LAWS.values():
            try:
                law(world, number)
                found.append("holds")
            except AssertionError as e:
                found.append(f"BROKEN {traceback.extract_tb(e.__traceback__)[-1].line} {str(e)[:200]}")
        world.emulator.stop()
    return found


def main() -> int:
    pairs = len(SETTINGS) * (len(SETTINGS) - 1) // 2
    print(
        f"{len(ROWS)} rows for {len(SETTINGS)} questions; pairs of questions: {pairs}; pairs of settings missing: {len(missing(ROWS))}"
    )
    print(f"{'row':>3}  {'  '.join(f'{law:<6}' for law in LAWS)}  settings that are not the default")
    bad = 0
    with ThreadPoolExecutor(3) as pool:
        for number, found in enumerate(pool.map(outcome, range(len(ROWS)))):
            bad += sum(f != "holds" for f in found)
            plain = {k: v for options in SETTINGS.values() for k, v in options[0].items()}
            other = " ".join(f"{k}={v}" for k, v in ROWS[number].items() if plain.get(k) != v)
            print(f"{number:>3}  {'  '.join(f'{f:<6}' for f in found)}  {other}", flush=True)
    print(f"{bad} broken")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
