"""kill -9 at every boundary of a delta load; then the same command again, with the same source or with another one: the platform
holds what full loads would have left, and nothing was sent twice.    python -m tests.workflows.test_delta_crashes    tries all.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

SOURCE = CUSTOMERS + "  duplicates: refuse\n  send: changed\n  gone: delete\n  chunk: {max_bytes: 1000}\n"
AWAY = ("c002", "c006", "c013", "c022")
FIRST = {f"c{n:03d}": "v1" for n in range(40)}
SECOND = {
    a: t
    for a, t in (FIRST | {f"c{n:03d}": "v2" for n in range(0, 40, 4)} | {"new": "v1"}).items()
    if a not in AWAY
}
# Rows are as they were before the load that was killed, and others changed; of those who left two are back, and another one left.
BACK = {
    a: t
    for a, t in (FIRST | {f"c{n:03d}": "v3" for n in range(1, 40, 10)} | {"new": "v1"}).items()
    if a not in (*AWAY[:2], "c030")
}
APPLY = ("apply", "--auto-approve", "--parallelism", "1")


def write(workspace: Workspace, rows: dict[str, str]) -> None:
    workspace.write("specs/customers.yaml", SOURCE)
    workspace.write("data/customers.csv", "id,tier\n" + "".join(f"{a},{t}\n" for a, t in rows.items()))


def stored(emulator: Emulator) -> dict[str, str]:
    return {account: json.loads(body)["tier"] for _, account, body in emulator.profiles("1509")}


def world(folder: Path) -> tuple[Emulator, Workspace]:
    """A load of all rows is finished, and the source changed since."""
    emulator = Emulator(folder / "emulator")
    workspace = Workspace(folder / "ws", emulator.url)
    write(workspace, FIRST)
    assert workspace.run(*APPLY).code == 0
    write(workspace, SECOND)
    return emulator, workspace


def boundaries(folder: Path) -> list[str]:
    """Of an undisturbed delta load, in order."""
    emulator, workspace = world(folder)
    log = folder / "log"
    assert workspace.run(*APPLY, CRASH_LOG=str(log)).code == 0
    emulator.stop()
    return log.read_text().splitlines()


def killed(folder: Path, then: str, **at: str) -> str:
    """Kill at a boundary, go on; what came of it, or nothing if all is well."""
    emulator, workspace = world(folder)
    try:
        first = workspace.start(*APPLY, CRASH_LOG=str(folder / "log"), **at)
        ended = first.wait(60)
        first.forget()
        if ended != -9:
            return f"not killed: {ended}"
        match then:
            case "another source":
                write(workspace, BACK)
            case "a lost index":
                shutil.rmtree(workspace.root / ".reconciler/index")
        expected = BACK if then == "another source" else SECOND
        again = workspace.run("apply", "--auto-approve")
        if again.code != 0:
            return f"exit {again.code}: {again.err[-300:]}"
        return wrong(emulator, workspace, expected, lost=then == "a lost index")
    finally:
        emulator.stop()


def wrong(emulator: Emulator, workspace: Workspace, expected: dict[str, str], *, lost: bool) -> str:
    """What is not as it should be."""
    found = stored(emulator)
    if lost:  # without an index it is not known who left: of them some may be there
        found = {a: t for a, t in found.items() if a not in AWAY or a in expected}
    if found != expected:
        return f"the platform differs: {sorted(found.items() ^ expected.items())}"
    twice = [name for name, rows in emulator.executions("1509").items() if len(rows) > 1]
    if twice:
        return f"sent twice: {twice}"
    if (plan := workspace.plan())["loads"][0]["actions"] != ["no-op"]:
        return f"a plan has more to do: {plan['loads'][0]['reason']}"
    changed = {**expected, "c039": "v9"}
    write(workspace, changed)
    load: dict[str, Any] = workspace.plan()["loads"][0]
    if workspace.run("source", "index", "customers").code != 0:
        return "the index is damaged"
    index = any((workspace.root / ".reconciler/index").glob("*"))
    if lost and not index:  # it was lost after the load had ended
        return ""
    if load["delta"] is None or (load["upserts"], load["deletes"]) != (1, 0):
        return f"the next load is no delta of one row: {load['reason']}"
    return ""


@pytest.mark.parametrize(
    ("boundary", "then"),
    [
        ("after note upload intent of ProfileSource", "the same"),
        ("after POST executions", "another source"),
        ("before identities", "another source"),
        ("before index", "another source"),
        ("after index", "the same"),
        ("after index", "another source"),
        ("before index removal", "another source"),
        ("after POST executions", "a lost index"),
    ],
)
def test_a_killed_delta(boundary: str, then: str, tmp_path: Path) -> None:
    assert killed(tmp_path, then, CRASH_NAME=boundary) == ""


def main() -> int:
    """Every boundary, with each of the ways to go on."""
    with tempfile.TemporaryDirectory() as folder:
        found, bad = boundaries(Path(folder)), 0
    for then in ("the same", "another source", "a lost index"):
        for at, name in enumerate(found):
            with tempfile.TemporaryDirectory() as folder:
                what = killed(Path(folder), then, CRASH_AT=str(at))
            bad += bool(what)
            print(f"{at:3d} {name:60s} {then:16s} {what or 'ok'}", flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(main())
