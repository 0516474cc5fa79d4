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
    # An apply with nothing to do is what later changes are compared with.
    first = outside.run("-C", str(target), "apply", "--auto-approve")
    assert (first.code, emulator.writes()) == (0, []), first
    writes = len(emulator.writes())
    plan = json.loads(outside.run("-C", str(target), "plan", "--full", "-o", "json").out)
    renamed = next(c for c in plan["resource_changes"] if c["kind"] == "Compartment" and (c["change"]["before"]["name"] or "").startswith("Name"))  # fmt: skip
    gone = [c for c in plan["resource_changes"] if c["kind"] == "Activation" and not c["change"]["before"].get("default")][:2]  # fmt: skip
    emulator.store.update("compartment", renamed["remote_id"], {"name": "By hand"})
    for change in gone:
        key = change["change"]["before"]
        rows = emulator.store.all("activation", key["datamart_id"])
        (row,) = [r["id"] for r in rows if r["compartment_id"] == key["compartment_id"]]
        emulator.store.remove("activation", row)
    hands = {renamed["address"], *(c["address"] for c in gone)}
    drift = json.loads(outside.run("-C", str(target), "drift", "-o", "json").out)
    assert {d["address"] for d in drift["resource_drift"]} == hands
    acting = {c["address"] for c in drift["resource_changes"] if c["change"]["actions"] != ["no-op"]}
    assert acting == hands
    told = outside.run("-C", str(target), "drift").out
    narrow = told.replace(f" -C {target}", "").splitlines()  # it is added to lines of the right width
    assert max(map(len, narrow)) <= 80
    # A listing that fails midway: nothing is proposed of what it covers, and nothing is said to have moved there.
    silent = gone[0]["change"]["before"]["datamart_id"]
    emulator.fault(
        {"method": "GET", "path": f"/v1/datamarts/{silent}/compartments", "do": "truncate", "times": 0}
    )
    made = outside.run("-C", str(target), "drift", "-o", "json")
    assert made.code == 1
    found = json.loads(made.out)
    assert found["errored"]
    there = {c["address"] for c in gone if c["change"]["before"]["datamart_id"] == silent}
    assert {d["address"] for d in found["resource_drift"]} == hands - there
    emulator.fault()
    assert outside.run("-C", str(target), "drift", "--write").code == 0
    assert outside.run("-C", str(target), "plan", "--detailed-exitcode").code == 0
    assert len(emulator.writes()) == writes


def test_a_rename_is_proposed_and_taken(emulator_with: Callable[..., Emulator], tmp_path: Path) -> None:
    seed = messy()
    seed["compartments"] = [{**row, "name": f"Name {row['id']}"} for row in seed["compartments"][:80]]
    ids = {row["id"] for row in seed["compartments"]}
    seed["activations"] = [a for a in seed["activations"] if a["compartment_id"] in ids]
    emulator = emulator_with(seed)
    outside = Workspace(tmp_path / "ws", emulator.url)
    shop = str(outside.root / "shop")
    flags = ("--from-platform", "--endpoint", emulator.url, "--organisation-id", "1185")
    assert outside.run("init", shop, *flags).code == 0
    assert outside.run("-C", shop, "apply", "--auto-approve").code == 0
    defaults = (Path(shop) / "specs/datamarts.yaml").read_text()
    specs = sorted((Path(shop) / "specs/compartments").glob("t-*.yaml"))
    spec = next(f for f in specs if "activations: [" in f.read_text() and f"{f.stem}}}" not in defaults)
    old = spec.stem  # its key, and its token
    spec.write_text(spec.read_text().replace(old, "brand"))
    proposed = outside.run("-C", shop, "plan", "--full")
    assert f'previously: ["{old}"]' in proposed.err, proposed
    spec.write_text(
        spec.read_text().replace(
            "  token: brand", f"  token: brand\n  previously: [{old}]\n  allow_token_change: true"
        )
    )
    summary = json.loads(outside.run("-C", shop, "plan", "-o", "json").out)["summary"]
    assert (summary["create"], summary["update"]) == (0, 1)
    assert outside.run("-C", shop, "apply", "--auto-approve").code == 0
    assert json.loads(outside.run("-C", shop, "drift", "-o", "json").out)["resource_drift"] == []
    assert outside.run("-C", shop, "plan", "--detailed-exitcode").code == 0
