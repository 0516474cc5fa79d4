"""A rename in a spec: proposed where the platform has a look-alike, taken with `previously`, and the object stays the same one."""

import json
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import LOYALTY, Workspace


def own(emulator: Emulator) -> dict[str, str]:
    return {c["token"]: c["id"] for c in emulator.compartments() if "loyal" in c["token"].lower()}


def edit(workspace: Workspace, new: str) -> None:
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("token: loyalty,", new))


@pytest.mark.parametrize("ledger", [True, False])
def test_a_rename_is_proposed_and_taken(workspace: Workspace, emulator: Emulator, ledger: bool) -> None:
    edit(workspace, "token: loyalty,")
    assert workspace.run("apply", "--auto-approve").code == 0
    (identity,) = own(emulator).values()
    workspace.write(
        "specs/loyalty.yaml",
        LOYALTY.replace("token: loyalty,", "token: club,").replace("{name: loyalty,", "{name: club,"),
    )
    workspace.write("specs/datamarts.yaml", (workspace.root / "specs/datamarts.yaml").read_text().replace("default_compartment: loyalty", "default_compartment: club"))  # fmt: skip
    if not ledger:
        workspace.forget_ledger()
    writes = len(emulator.writes())
    told = workspace.run("plan")
    assert 'previously: ["loyalty"]' in " ".join(told.err.split()), told
    spec = (workspace.root / "specs/loyalty.yaml").read_text()
    workspace.write(
        "specs/loyalty.yaml", spec.replace("token: club,", 'token: club, previously: ["loyalty"],')
    )
    refused = workspace.run("apply", "--auto-approve")
    assert (refused.code, "site tags" in " ".join(refused.err.split())) == (4, True), refused
    assert len(emulator.writes()) == writes
    workspace.write("specs/loyalty.yaml", spec.replace("token: club,", 'token: club, previously: ["loyalty"], allow_token_change: true,'))  # fmt: skip
    saved = str(workspace.root / "saved.json")
    assert "site tags that use 'loyalty' stop" in " ".join(workspace.run("plan", "--out", saved).err.split())
    assert workspace.run("apply", saved).code == 0
    assert [c["token"] for c in emulator.compartments() if c["id"] == identity] == ["club"]
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert workspace.run("export").code == 0
    assert not (workspace.root / "specs/compartments/club.yaml").exists()


def test_only_what_is_missing_is_waited_for(tmp_path: Path, emulator: Emulator) -> None:
    """A change of what was seen needs no wait, and announces none; neither does a plan call what it refuses nobody's."""
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="1s")
    words = "to be sure that missing resources do not exist"
    assert words in " ".join(workspace.run("apply", "--auto-approve").err.split())
    workspace.forget_ledger()
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("Loyalty programme", "Club"))
    renamed = workspace.run("apply", "--auto-approve")
    assert (renamed.code, words in " ".join(renamed.err.split())) == (0, False), renamed
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("token: loyalty,", "token: club, previously: [loyalty],"))  # fmt: skip
    refused = workspace.run("plan", "-o", "json")
    nobodys = {u["compartment_id"] for u in json.loads(refused.out)["unmanaged"]}
    assert (refused.code, nobodys) == (4, {"1000", "1001"}), refused


def test_an_old_token_of_another_document_is_refused(workspace: Workspace) -> None:
    workspace.write("specs/more.yaml", LOYALTY.replace("name: loyalty,", "name: more,").replace("token: loyalty,", "token: more, previously: [loyalty],"))  # fmt: skip
    assert "error[previously-in-use]" in workspace.run("validate").err


@pytest.mark.parametrize(("where", "refused"), [("retail-fr", True), ("retail-de", False)])
def test_two_sources_share_an_old_name_on_different_datamarts_alone(
    workspace: Workspace, where: str, refused: bool
) -> None:
    workspace.customers(3)
    source = (workspace.root / "specs/customers.yaml").read_text()
    for name, place in (("one", "retail-fr"), ("two", where)):
        text = source.replace("name: customers", f"name: {name}").replace(
            "datamarts: retail-fr", f"datamarts: {place}"
        )
        workspace.write(f"specs/{name}.yaml", text + "  previously: [before]\n")
    (workspace.root / "specs/customers.yaml").unlink()
    done = workspace.run("validate")
    assert ("previously-in-use" in done.err + done.out) is refused, done
