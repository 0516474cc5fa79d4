"""How many requests each scenario makes, exactly: one table. A listing more is a listing too many.

What is counted are requests by method and kind. Executions are listed late enough that they have ended: following one needs one look.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, LOYALTY, Workspace

KINDS = {
    "/v1/datamarts": "datamarts",
    "/v1/user_account_compartments": "compartments",
    "/v1/user_account_compartments/{}": "compartment",
    "/v1/datamarts/{}/compartments": "activations",
    "/v1/datamarts/{}/compartments/{}": "activation",
    "/v1/datamarts/{}/compartments/{}/processing_selections": "consents",
    "/v1/datamarts/{}/document_imports": "imports",
    "/v1/datamarts/{}/document_imports/{}/executions": "executions",
    "/v1/datamarts/{}/graphdb_runtime_schemas": "schemas",
    "/v1/datamarts/{}/graphdb_runtime_schemas/{}/text": "schema",
}
DATAMARTS = 2
CONFIG = {"GET datamarts": 1, "GET compartments": 1, "GET activations": DATAMARTS}
SCHEMA = {"GET schemas": 1, "GET schema": 1}
LATE = {"do": "delay", "seconds": 0.7, "method": "GET", "path": "/executions", "times": 0}


class World:
    """A sandbox and a workspace; `count` runs a command and says what it asked."""

    def __init__(self, folder: Path) -> None:
        self.emulator = Emulator(folder / "emulator", profiles="counted")
        self.workspace = Workspace(folder / "ws", self.emulator.url)

    def count(self, *command: str, code: int = 0) -> dict[str, int]:
        before = len(self.emulator.requests())
        done = self.workspace.run(*command)
        assert done.code == code, done
        asked = self.emulator.requests()[before:]
        paths = [re.sub(r"/\d+", "/{}", str(r["path"]).partition("?")[0].rstrip("/")) for r in asked]
        return dict(Counter(f"{r['method']} {KINDS.get(p, p)}" for r, p in zip(asked, paths, strict=True)))

    def compartments(self, count: int) -> None:
        """Declare so many; each is active on both datamarts."""
        more = [
            LOYALTY.replace("loyalty", f"c{n}").replace("Loyalty programme", f"C {n}") for n in range(count)
        ]
        self.workspace.write("specs/more.yaml", "---\n".join(more))

    def journal(self) -> int:
        """Rows of the last run."""
        with closing(sqlite3.connect(self.workspace.root / ".reconciler/ledger.db")) as ledger:
            return int(ledger.execute("SELECT count(*) FROM journal WHERE run=(SELECT max(run) FROM journal)").fetchone()[0])  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.emulator.stop()


# Before the command, the command, what it asks: what is exact however fast the machine is.
TABLE: dict[str, tuple[Callable[[World], object], tuple[str, ...], dict[str, int]]] = {
    "validate": (lambda w: w.compartments(3), ("validate",), {}),
    "plan, first": (lambda _: None, ("plan",), CONFIG),
    "plan, nothing changed": (lambda w: w.count("apply", "--auto-approve"), ("plan",), CONFIG),
    "apply, nothing changed": (lambda w: w.count("apply", "--auto-approve"), ("apply", "--auto-approve"), CONFIG),
    "drift": (lambda w: w.count("apply", "--auto-approve"), ("drift",), CONFIG),
    "plan, ten compartments": (lambda w: w.compartments(10), ("plan",), CONFIG),
    "apply, one compartment on two datamarts": (
        lambda w: w.count("apply", "--auto-approve") and w.compartments(1),
        ("apply", "--auto-approve"),
        # Read for the plan and before the writes, and then until each write is in a listing; datamarts are not written.
        {"GET datamarts": 2, "GET compartments": 3, "GET activations": 3 * DATAMARTS, "POST compartments": 1, "POST activations": DATAMARTS},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_a_scenario_makes_exactly_these_requests(world: World, name: str) -> None:
    before, command, expected = TABLE[name]
    before(world)
    assert world.count(*command) == expected


def test_listings_show_many_writes_at_once(world: World) -> None:
    world.compartments(30)
    asked = world.count("apply", "--auto-approve")
    writes = {k: n for k, n in asked.items() if k.startswith("POST")}
    assert writes == {"POST compartments": 31, "POST activations": 31 * DATAMARTS}
    assert sum(asked.values()) - sum(writes.values()) < sum(writes.values()) / 2


LOADS = {**CONFIG, **SCHEMA, "GET imports": 1}  # what a plan with a load asks before it looks at executions
BYTES = 4_000  # of a chunk


def loaded(world: World, rows: int, *faults: dict[str, object], code: int = 0) -> tuple[dict[str, int], int]:
    """What an apply of a load asks after the configuration was applied, and how many chunks the load has."""
    world.count("apply", "--auto-approve")
    world.workspace.customers(rows, max_bytes=BYTES)
    world.emulator.fault(LATE, *faults)
    asked = world.count("apply", "--auto-approve", "--parallelism", "1" if faults else "10", code=code)
    return asked, sum("sealed" not in name for name in world.emulator.imports_named("1509"))


@pytest.mark.parametrize("sources", [1, 4])
def test_sources_of_one_compartment_ask_once_what_hangs_on_it(world: World, sources: int) -> None:
    world.count("apply", "--auto-approve")
    world.workspace.customers(10)
    for n in range(1, sources):
        world.workspace.write(f"specs/s{n}.yaml", CUSTOMERS.replace("name: customers", f"name: s{n}"))
    assert world.count("plan") == {**LOADS, "GET consents": 1}


@pytest.mark.parametrize("rows", [10, 80, 240])
def test_a_load(world: World, rows: int) -> None:
    asked, chunks = loaded(world, rows)
    assert chunks == {10: 1, 80: 4, 240: 11}[rows]
    assert asked == {
        "GET datamarts": 3, "GET compartments": 3, "GET activations": 2 * DATAMARTS, "GET consents": 1, **SCHEMA, "GET imports": 5,
        "POST imports": chunks + 1,  # the seal
        "POST executions": chunks,
        "GET executions": 2 * chunks,  # when it ended, and before the seal
    }  # fmt: skip
    assert world.journal() == 6 * chunks + 4


def test_what_is_asked_after_a_load(world: World) -> None:
    _, chunks = loaded(world, 80)
    assert world.count("plan") == {**LOADS, "GET executions": chunks}, "one look for what came late"
    assert world.count("plan") == LOADS, "and no other"
    again = world.count("apply", "--auto-approve")
    assert again == {**LOADS, "GET imports": 2, "GET executions": chunks}, "whatever plans saw"
    assert world.count("apply", "--auto-approve") == LOADS
    assert world.count("drift") == CONFIG


@pytest.mark.parametrize("rows", [80, 240])
def test_a_load_that_stopped_and_is_resumed(world: World, rows: int) -> None:
    stop = {"do": "status", "status": 403, "method": "POST", "path": "/executions", "after": 2}
    asked, chunks = loaded(world, rows, stop, code=3)
    sent = 2
    assert (asked["POST imports"], asked["POST executions"], asked["GET executions"]) == (
        chunks,
        sent + 1,
        sent,
    )
    world.emulator.fault(LATE)
    assert world.count("resume") == {
        "GET datamarts": 2, "GET compartments": 3, "GET activations": 2 * DATAMARTS, **SCHEMA, "GET imports": 4,
        "POST imports": 1,  # the seal alone
        "POST executions": chunks - sent,
        "GET executions": 4 * (chunks - sent) + 3 * sent,  # was it sent (again before sending), when it ended, before the seal
    }  # fmt: skip
