"""kill -9 at every transition of the journal and every request that writes, then the same command again: the remote ends as
after an undisturbed run (G3 to G5).    python -m tests.workflows.test_crash_matrix     prints the table.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

SHARDS = 6
LINE = '{{"operation":"UPSERT","compartment_id":"1000","user_account_id":"u{n}","force_replace":true,"user_profile":{{"$compartment_id":"1000","$user_account_id":"u{n}","v":{n}}}}}\n'
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: people}
spec: {files: [data/people.ndjson], datamarts: retail-fr, chunk: {max_bytes: 2200}}
"""
GONE = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: germans}
spec: {token: default-de, deactivations: [retail-fr]}
"""


def world(folder: Path) -> tuple[Emulator, Workspace]:
    """A compartment to create and two activations, one to remove, and a load of three chunks."""
    switches = {"duplicate_token": "accepted", "duplicate_activation": "second", "removal": "works"}
    emulator = Emulator(folder / "emulator", **switches)
    emulator.store.add(
        "activation", "1509", {"datamart_id": "1509", "compartment_id": "1001", "default": False}
    )
    workspace = Workspace(folder / "ws", emulator.url)
    workspace.write("specs/people.yaml", SOURCE)
    workspace.write("specs/gone.yaml", GONE)
    workspace.write("data/people.ndjson", "".join(LINE.format(n=n) for n in range(30)))
    return emulator, workspace


def state(emulator: Emulator) -> dict[str, Any]:
    """What the remote has, without what differs from run to run."""
    tokens = {c["id"]: c["token"] for c in emulator.compartments()}
    return {
        "compartments": sorted((c["token"], c["name"] or "") for c in emulator.compartments()),
        "activations": sorted(
            (d, tokens[a["compartment_id"]], bool(a.get("default")))
            for d in ("1509", "1510")
            for a in emulator.activations(d)
        ),
        "imports": sorted(i["name"] for i in emulator.imports("1509")),
        "executions": sorted(
            (n, *(e["status"] for e in rows)) for n, rows in emulator.executions("1509").items()
        ),
        "profiles": hashlib.sha256(
            json.dumps([[a, b, json.loads(c)["v"]] for a, b, c in emulator.profiles("1509")]).encode()
        ).hexdigest(),
    }


def undisturbed(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """The boundaries of a run, in order, and what it leaves."""
    emulator, workspace = world(folder)
    log = folder / "log"
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1", CRASH_LOG=str(log)).code == 0
    found = log.read_text().splitlines(), state(emulator)
    emulator.stop()
    return found


def killed(folder: Path, at: int, *, forget: bool, expected: dict[str, Any]) -> str:
    """Kill at a boundary, run again; what came of it."""
    emulator, workspace = world(folder)
    try:
        first = workspace.start(
            "apply", "--auto-approve", "--parallelism", "1", CRASH_LOG=str(folder / "log"), CRASH_AT=str(at)
        )
        if first.wait(60) != -9:
            return f"NOT KILLED: {first.returncode}"
        if forget:
            workspace.forget_ledger()
        again = workspace.run("apply", "--auto-approve")
        if again.code != 0:
            return f"WRONG: exit {again.code}: {again.err[-300:]}"
        if state(emulator) != expected:
            return f"WRONG: {state(emulator)}"
        writes = len(emulator.writes())
        if workspace.run("plan", "--detailed-exitcode").code != 0 or len(emulator.writes()) != writes:
            return "WRONG: plan is not empty"
        return "as undisturbed"
    finally:
        emulator.stop()


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_any_boundary_the_next_run_ends_as_an_undisturbed_one(shard: int, tmp_path: Path) -> None:
    names, expected = undisturbed(tmp_path / "undisturbed")
    assert len(names) > 60
    assert len(expected["executions"]) == 4
    rows = {
        f"{at} {names[at]}": killed(tmp_path / str(at), at, forget=at % 4 > 1, expected=expected)
        for at in range(shard, len(names), SHARDS)
    }
    assert {k: v for k, v in rows.items() if v != "as undisturbed"} == {}


def table(say: Callable[[str], None]) -> bool:
    """Every boundary, with the ledger kept and with it lost; True if all are well."""
    with tempfile.TemporaryDirectory() as folder:
        names, expected = undisturbed(Path(folder) / "undisturbed")
        return boundaries(
            names,
            lambda at, forget: killed(Path(folder) / f"{at}{forget}", at, forget=forget, expected=expected),
            say,
        )


def boundaries(names: Sequence[str], outcome: Callable[[int, bool], str], say: Callable[[str], None]) -> bool:
    """A line for each boundary: what comes of a kill there with the ledger kept, and with it lost; True if all are well."""
    say(f"{'':4} {'killed':54} {'ledger kept':16} ledger lost")
    good = True
    for at, name in enumerate(names):
        kept, lost = outcome(at, False), outcome(at, True)
        say(f"{at:4} {name:54} {kept:16} {lost}")
        good = good and kept == lost == "as undisturbed"
    return good


if __name__ == "__main__":
    sys.exit(0 if table(lambda row: print(row, flush=True)) else 1)
