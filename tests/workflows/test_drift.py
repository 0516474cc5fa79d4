"""`drift`: what somebody changed by hand since the last apply, and where specs and remote disagree; nothing is corrected."""

import json

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


def test_drift_names_what_changed_and_what_is_not_as_declared(
    workspace: Workspace, emulator: Emulator
) -> None:
    untold = workspace.run("drift", "--detailed-exitcode")
    assert (untold.code, "The ledger has no run" in untold.out) == (2, True), untold
    assert workspace.run("apply", "--auto-approve").code == 0
    calm = workspace.run("drift", "--detailed-exitcode")
    assert (calm.code, "No drift." in calm.out) == (0, True), calm
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    row = next(a for a in emulator.activations("1510") if a["compartment_id"] == loyalty["id"])
    emulator.store.remove("activation", row["id"])
    writes, file = len(emulator.writes()), workspace.root / "audit"
    done = workspace.run("drift", "--detailed-exitcode", "--out", str(file))
    assert done.code == 2, done
    assert 'name: "Loyalty programme" -> "By hand"' in done.out
    assert "- Activation/loyalty@retail-de  was removed" in done.out
    assert "Drift: 2 changed on the platform, 2 not as declared." in done.out
    audit = json.loads(file.read_text())
    assert audit["applyable"] is False
    assert [(d["address"], d["change"]["actions"]) for d in audit["resource_drift"]] == [
        ("Compartment/loyalty", ["update"]),
        ("Activation/loyalty@retail-de", ["delete"]),
    ]
    assert workspace.run("apply", str(file)).code == 4
    assert len(emulator.writes()) == writes
    # Where the spec says nothing of a field, nothing is to be done about it, and it has moved all the same.
    spec = workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text().replace("name: Loyalty programme, ", ""))
    assert workspace.run("apply", "--auto-approve").code == 0
    emulator.store.update("compartment", loyalty["id"], {"name": "Once more"})
    done = workspace.run("drift")
    assert "Drift: 1 changed on the platform, 0 not as declared." in done.out, done


def test_what_a_run_removed_is_no_drift_until_it_exists_again(
    workspace: Workspace, emulator: Emulator
) -> None:
    emulator.switch(removal="works")
    assert workspace.run("apply", "--auto-approve").code == 0
    spec = workspace.root / "specs/loyalty.yaml"
    there = spec.read_text()
    gone = there.replace("activations: all", "activations: [retail-fr], deactivations: [retail-de]")
    loyalty = next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    spec.write_text(gone)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert workspace.run("drift", "--detailed-exitcode").code == 0
    emulator.store.add(
        "activation", "1510", {"datamart_id": "1510", "compartment_id": loyalty, "default": False}
    )
    back = workspace.run("drift")
    assert "+ Activation/loyalty@retail-de  was added again" in back.out
    assert "Drift: 1 changed on the platform, 1 not as declared." in back.out
    assert workspace.run("apply", "--auto-approve").code == 0
    spec.write_text(there)  # wanted again: nobody moved anything
    assert "Drift: 0 changed on the platform, 1 not as declared." in workspace.run("drift").out


def test_accepted_drift_becomes_spec_edits(workspace: Workspace, emulator: Emulator) -> None:
    """Changes by another hand are written into the specs, those of a target alone where one is named."""
    spec = workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text() + "# the end\n")
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    row = next(a for a in emulator.activations("1510") if a["compartment_id"] == loyalty["id"])
    emulator.store.remove("activation", row["id"])
    text, writes = spec.read_text(), len(emulator.writes())
    one = workspace.run("drift", "--write", "--target", "Compartment/loyalty")
    assert (one.code, "Loyalty programme -> By hand" in one.err) == (0, True), one
    assert spec.read_text() == text.replace("Loyalty programme", "By hand")
    both = workspace.run("drift", "--write")
    assert (both.code, "all -> {datamarts: all, except: [retail-de]}" in both.err) == (0, True), both
    assert spec.read_text().endswith("# the end\n")
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert len(emulator.writes()) == writes


def test_drift_that_cannot_be_read_writes_nothing(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    emulator.fault(
        {
            "method": "GET",
            "path": "/v1/datamarts/1510/compartments",
            "do": "status",
            "status": 502,
            "times": 0,
        }
    )
    text = (workspace.root / "specs/loyalty.yaml").read_text()
    assert workspace.run("drift", "--write").code == 1
    assert (workspace.root / "specs/loyalty.yaml").read_text() == text
