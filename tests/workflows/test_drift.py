"""`drift`: what somebody changed by hand since the last apply, and where specs and remote disagree; nothing is corrected."""

import json
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


def test_drift_names_what_changed_and_what_is_not_as_declared(
    workspace: Workspace, emulator: Emulator
) -> None:
    untold = workspace.run("drift", "--detailed-exitcode")
    assert (untold.code, "The ledger has no apply of this workspace" in untold.out) == (2, True), untold
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
    assert "+ Activation/loyalty@retail-de  was added" in back.out
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
    words = "Of what was compared, specs and platform agree. Flags limit this comparison (--target Compartment/loyalty);"
    assert (words in " ".join(one.err.split()), "no changes" in one.err) == (True, False), one
    assert workspace.run("plan", "--detailed-exitcode").code == 2  # what the flag excluded
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
    told = workspace.run("drift", "--write")
    assert (told.code, "Nothing was written into the specs" in told.err) == (1, True), told
    assert (workspace.root / "specs/loyalty.yaml").read_text() == text


def test_a_failed_read_is_not_told_as_no_drift(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    emulator.fault({"method": "GET", "path": "/v1/", "do": "status", "status": 403, "times": 0})
    for shape in ("text", "markdown", "html"):
        told = workspace.run("drift", "-o", shape)
        words = " ".join(told.out.split())
        assert told.code == 1
        assert "Not known whether there is drift: a read failed." in words, shape
        assert "No drift" not in words, shape
        assert words.lower().count("nothing that could be read") == 2, shape


def test_an_activation_that_was_added_as_the_default_is_told_as_that(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/club.yaml", ONE % ("club", "club", ""))
    assert workspace.run("apply", "--auto-approve").code == 0
    club = next(c["id"] for c in emulator.compartments() if c["token"] == "club")
    emulator.store.add("activation", "1510", {"datamart_id": "1510", "compartment_id": club, "default": True})
    for shape in ("text", "markdown", "html"):
        assert "was added as the default; no spec declares it" in workspace.run("drift", "-o", shape).out, (
            shape
        )


def test_a_missing_baseline_is_said_in_each_format_and_no_apply_takes_an_audit(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    assert json.loads(workspace.run("drift", "-o", "json").out)["audit"] == {"baseline": None}
    for shape in ("text", "markdown", "html"):
        told = workspace.run("drift", "-o", shape)
        assert "changes since the last apply are not known" in " ".join(told.out.split()), shape
        assert "Changed on the platform since" not in told.out
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By <b>hand</b>"})
    file = tmp_path / "audit"
    assert workspace.run("drift", "--out", str(file)).code == 0
    for shape in ("text", "markdown", "html"):
        live = workspace.run("drift", "-o", shape).out
        changed = live.index("Changed on the platform since the last apply")
        assert live.index("Specs and platform differ in", changed) > 0
        assert "<b>hand" not in live or shape == "text"
        assert "Compartment/loyalty" in live
        shown = workspace.run("show", str(file), "-o", shape).out
        assert "Changed on the platform since the last apply" in shown
    refused = workspace.run("apply", str(file))
    assert refused.code == 4
    assert "this file records drift and is not a plan" in " ".join(refused.err.split())
    assert "plan --out FILE` saves a plan" in " ".join(refused.err.split())
    workspace.forget_ledger()
    assert json.loads(workspace.run("drift", "-o", "json").out)["audit"] == {"baseline": None}


def test_an_apply_with_nothing_to_do_is_compared_with(workspace: Workspace, emulator: Emulator) -> None:
    """What is adopted was never changed by an apply; the first one that looks at it is what later changes are told against."""
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.forget_ledger()
    writes = len(emulator.writes())
    done = workspace.run("apply", "--auto-approve")
    assert (done.code, "no changes" in done.out.lower()) == (0, True), done
    assert "No drift." in workspace.run("drift").out
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    told = workspace.run("drift")
    assert 'name: "Loyalty programme" -> "By hand"' in told.out
    assert "Drift: 1 changed on the platform, 1 not as declared." in told.out
    assert len(emulator.writes()) == writes


ONE = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: %s}\nspec: {token: %s, activations: [retail-fr]%s}\n"


def moved(workspace: Workspace) -> list[tuple[str, list[str]]]:
    found = json.loads(workspace.run("drift", "-o", "json").out)["resource_drift"]
    return [(d["address"], d["change"]["actions"]) for d in found]


def test_activations_that_no_spec_declares_and_changed_tokens_are_named(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/club.yaml", ONE % ("club", "club", ""))
    old = emulator.store.add("compartment", "1185", {"organisation_id": "1185", "token": "old", "name": "Old", "archived": False})  # fmt: skip
    identity = str(old["id"])
    emulator.store.add("activation", "1510", {"datamart_id": "1510", "compartment_id": identity, "default": False})  # fmt: skip
    assert workspace.run("apply", "--auto-approve").code == 0
    assert moved(workspace) == []
    club = next(c["id"] for c in emulator.compartments() if c["token"] == "club")
    emulator.store.add(
        "activation", "1510", {"datamart_id": "1510", "compartment_id": club, "default": False}
    )
    # What belongs to nobody here is not spoken of: another workspace may look after it.
    emulator.store.add("activation", "1509", {"datamart_id": "1509", "compartment_id": identity, "default": False})  # fmt: skip
    assert moved(workspace) == [("Activation/club@retail-de", ["create"])]
    told = workspace.run("drift", "--detailed-exitcode")
    assert told.code == 2
    assert "+ Activation/club@retail-de  was added; no spec declares it" in told.out
    assert workspace.run("apply", "--auto-approve").code == 0  # nothing to do; from now on it was there
    assert moved(workspace) == []
    row = next(a for a in emulator.activations("1510") if a["compartment_id"] == club)
    emulator.store.remove("activation", row["id"])
    assert moved(workspace) == [("Activation/club@retail-de", ["delete"])]
    emulator.store.update("compartment", club, {"token": "klub"})
    assert moved(workspace) == [
        ("Compartment/club", ["update"]),
        ("Activation/club@retail-de", ["delete"]),
    ]
    assert 'token: "club" -> "klub"' in workspace.run("drift").out
    # What is still there under another token was not removed, nor were its activations.
    assert "Compartment/club  was removed" not in workspace.run("drift").out


def test_a_default_given_by_hand_is_named_and_one_that_an_apply_gives_is_not(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/club.yaml", ONE % ("club", "club", ""))
    assert workspace.run("apply", "--auto-approve").code == 0
    datamarts = workspace.root / "specs/datamarts.yaml"
    text = datamarts.read_text()
    datamarts.write_text(text.replace("default_compartment: loyalty", "default_compartment: club"))
    assert workspace.run("apply", "--auto-approve").code == 0
    assert moved(workspace) == []  # loyalty is no default any more, and no other hand did that
    rows = {a["compartment_id"]: a["id"] for a in emulator.activations("1509")}
    ids = {c["token"]: c["id"] for c in emulator.compartments()}
    emulator.store.update("activation", rows[ids["club"]], {"default": False})
    emulator.store.update("activation", rows[ids["loyalty"]], {"default": True})
    assert moved(workspace) == [
        ("Activation/club@retail-fr", ["update"]),
        ("Activation/loyalty@retail-fr", ["update"]),
    ]


def test_a_renamed_address_keeps_what_is_known_of_it(workspace: Workspace, emulator: Emulator) -> None:
    club = workspace.write("specs/club.yaml", ONE % ("club", "club", ", name: Club"))
    assert workspace.run("apply", "--auto-approve").code == 0
    club.write_text(ONE % ("friends", "club", ", name: Club, previously: [club]"))
    assert moved(workspace) == []
    identity = next(c["id"] for c in emulator.compartments() if c["token"] == "club")
    emulator.store.update("compartment", identity, {"name": "By hand"})
    assert moved(workspace) == [("Compartment/friends", ["update"])]


def test_loads_of_every_night_leave_the_baseline(workspace: Workspace, emulator: Emulator) -> None:
    """Runs that look at no compartment, however many, do not make what is known of compartments old."""
    workspace.customers(3)
    assert workspace.run("apply", "--auto-approve").code == 0
    for night in range(3):
        workspace.customers(3, mark=f"night {night}")
        assert workspace.run("apply", "--only", "loads", "--auto-approve").code == 0
    assert moved(workspace) == []
    loyalty = next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    row = next(a for a in emulator.activations("1510") if a["compartment_id"] == loyalty)
    emulator.store.remove("activation", row["id"])
    assert moved(workspace) == [("Activation/loyalty@retail-de", ["delete"])]


@pytest.mark.parametrize("shape", ["text", "markdown", "html"])
@pytest.mark.parametrize(
    ("flags", "limit"),
    [
        ((), None),
        (("--target", "Compartment/loyalty"), "--target Compartment/loyalty"),
        (("--datamart", "retail-fr"), "--datamart retail-fr"),
    ],
)
def test_each_format_names_the_flags_that_limit_it_and_what_is_accepted_is_not_advised(
    flags: tuple[str, ...], limit: str | None, shape: str, workspace: Workspace, emulator: Emulator
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    for write in ((), ("--write",)):
        told = workspace.run("drift", "-o", shape, *flags, *write)
        words = " ".join(told.out.split())
        assert (told.code, "drift --write" in words) == (0, not write), told
        assert words.count("Flags limit this comparison") == (limit is not None)
        assert limit is None or f"({limit}); resources that they exclude" in words
        agree = "specs and platform agree. Flags limit" if limit else "a plan has no changes"
        assert not write or agree in " ".join(told.err.split()), told
