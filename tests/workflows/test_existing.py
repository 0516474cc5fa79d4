"""A messy organisation, from nothing to trusted drift: specs of all that exists, three changes by another hand, and these accepted."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.workflows.test_export import messy

MOST_S = 60.0


def test_three_changes_by_another_hand_are_named_and_accepted(
    emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulator = emulator_with(messy())
    outside = Workspace(tmp_path / "ws", emulator.url)
    begun = time.monotonic()
    target = outside.root / "shop"
    made = outside.run(
        "init", str(target), "--from-platform", "--endpoint", emulator.url, "--organisation-id", "1185"
    )
    assert made.code == 0, made
    assert outside.run("-C", str(target), "plan", "--detailed-exitcode").code == 0
    assert time.monotonic() - begun < MOST_S
    # The first run with something to do is what later changes are compared with.
    spec = next(f for f in (target / "specs/compartments").iterdir() if "  name: Name" in f.read_text())
    spec.write_text(spec.read_text().replace("  name: Name", "  name: New name"))
    assert outside.run("-C", str(target), "apply", "--auto-approve").code == 0
    writes = len(emulator.writes())
    plan = json.loads(outside.run("-C", str(target), "plan", "-o", "json").out)
    renamed = next(c for c in plan["resource_changes"] if c["kind"] == "Compartment" and (c["change"]["before"]["name"] or "").startswith("Name"))  # fmt: skip
    gone = [c for c in plan["resource_changes"] if c["kind"] == "Activation" and not c["change"]["before"].get("default")][:2]  # fmt: skip
    emulator.store.update("compartment", renamed["remote_id"], {"name": "By hand"})
    for change in gone:
        emulator.store.remove("activation", change["remote_id"])
    hands = {renamed["address"], *(c["address"] for c in gone)}
    drift = json.loads(outside.run("-C", str(target), "drift", "-o", "json").out)
    assert {d["address"] for d in drift["resource_drift"]} == hands
    acting = {c["address"] for c in drift["resource_changes"] if c["change"]["actions"] != ["no-op"]}
    assert acting == hands
    assert outside.run("-C", str(target), "drift", "--write").code == 0
    assert outside.run("-C", str(target), "plan", "--detailed-exitcode").code == 0
    assert len(emulator.writes()) == writes
