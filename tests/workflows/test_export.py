"""`export`: an organisation that was clicked together over years becomes specs that plan to nothing."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

MART_COUNT, COMPARTMENT_COUNT = 40, 300


def messy() -> dict[str, Any]:
    """300 compartments on 40 datamarts: odd names and tokens, archived ones, duplicates, shared ones."""
    rng = random.Random(7)
    marts = [
        {"id": str(1500 + n), "name": rng.choice([f"Retail {n}", "Retail", "", "all", "Märkte 🛒"]), "organisation_id": "1185", "archived": n % 13 == 5, "type": "CROSS_DATAMART" if n % 17 == 9 else "DATAMART"}
        for n in range(MART_COUNT)
    ]  # fmt: skip
    rows = [
        {"id": str(2000 + n), "organisation_id": "2000" if n % 29 == 3 else "1185", "token": rng.choice([f"t-{n}", f"Old Token {n}", f"émoji-🎉-{n}", "twice" if n % 50 == 7 else f"x{n}", f"{n}"]), "name": rng.choice([None, "", f"Name {n}", "yes", "# no", "a: b"]), "archived": n % 31 == 4}
        for n in range(COMPARTMENT_COUNT)
    ]  # fmt: skip
    active = [
        {"datamart_id": m["id"], "compartment_id": c["id"], "default": k == 0}
        for m in marts
        for k, c in enumerate(rng.sample(rows, 20))
    ]
    return {"datamarts": marts, "compartments": rows, "activations": active}


def bare(workspace: Workspace) -> None:
    for path in (workspace.root / "specs").iterdir():
        path.unlink()


def test_a_messy_organisation_is_exported_and_plans_to_nothing(
    emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulator = emulator_with(messy())
    workspace = Workspace(tmp_path / "ws", emulator.url)
    bare(workspace)
    done = workspace.run("export")
    assert (done.code, "Specs and platform agree" in done.out) == (0, True), done
    for path in (workspace.root / "specs/compartments").iterdir():
        for line in path.read_text().splitlines():
            if line.startswith("  activations: "):  # what will grow by itself says so
                assert ("declared later" in line) is not line.startswith("  activations: ["), line
    assert workspace.run("validate").code == 0
    plan = workspace.run("plan", "-o", "json")
    assert plan.code == 0, plan
    made = json.loads(plan.out)
    assert {k: made["summary"][k] for k in ("create", "update", "delete", "execute")} == dict.fromkeys(
        ("create", "update", "delete", "execute"), 0
    )
    assert made["summary"]["unchanged"] > COMPARTMENT_COUNT
    assert not emulator.writes()
    before = {p: p.read_bytes() for p in (workspace.root / "specs").rglob("*") if p.is_file()}
    again = workspace.run("export", "-o", "json")
    assert (again.code, json.loads(again.out)["written"]) == (0, []), again
    assert before == {p: p.read_bytes() for p in (workspace.root / "specs").rglob("*") if p.is_file()}


def test_what_specs_declare_is_left_as_it_is(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    spec = (workspace.root / "specs/loyalty.yaml").read_bytes()
    done = workspace.run("export", "--layout", "single-file")
    assert done.code == 0, done
    assert (workspace.root / "specs/loyalty.yaml").read_bytes() == spec
    text = (workspace.root / "specs/compartments.yaml").read_text()
    assert "token: default\n" in text
    assert "token: loyalty\n" not in text
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_listing_that_fails_stops_the_export(workspace: Workspace, emulator: Emulator) -> None:
    bare(workspace)
    emulator.fault(
        {
            "method": "GET",
            "path": "/v1/datamarts/1510/compartments",
            "do": "status",
            "status": 500,
            "times": 0,
        }
    )
    done = workspace.run("export")
    assert (done.code, list((workspace.root / "specs").iterdir())) == (1, []), done


def test_a_token_of_another_organisation_exports_nothing(tmp_path: Path, emulator: Emulator) -> None:
    workspace = Workspace(tmp_path / "other", emulator.url, organisation="999")
    bare(workspace)
    done = workspace.run("export")
    assert (done.code, list((workspace.root / "specs").iterdir())) == (1, []), done
    assert "organisation" in done.err


def test_from_nothing_to_an_empty_plan(emulator_with: Callable[..., Emulator], tmp_path: Path) -> None:
    emulator = emulator_with(messy())
    workspace = Workspace(tmp_path / "elsewhere", emulator.url)
    target = tmp_path / "Märkte der Firma"
    begin = ("init", str(target), "--from-platform", "--endpoint", emulator.url)
    assert workspace.run(*begin).code == 64
    log = tmp_path / "requests.jsonl"
    done = workspace.run(*begin, "--organisation-id", "1185", "--request-log", str(log))
    assert (done.code, "Specs and platform agree" in done.out) == (0, True), done
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert {x["method"] for x in logged} == {"GET"}
    assert "/v1/datamarts/{id}/compartments" in {x["route"] for x in logged}
    assert len(logged) == len(emulator.requests())
    assert "metadata: {name: markte-der-firma}" in (target / "reconciler.yaml").read_text()
    plan = workspace.run("-C", str(target), "plan", "--detailed-exitcode")
    assert (plan.code, "No changes." in plan.out) == (0, True), plan
    assert not emulator.writes()
    again = workspace.run(*begin, "--organisation-id", "1185")
    assert (again.code, "already exists" in again.err) == (1, True), again


def test_nothing_is_written_where_the_platform_does_not_show_the_organisation(
    emulator: Emulator, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "elsewhere", emulator.url)
    target = tmp_path / "new"
    begin = ("init", str(target), "--from-platform", "--endpoint", emulator.url, "--organisation-id")
    done = workspace.run(*begin, "999")
    assert (done.code, target.exists()) == (1, False), done
    emulator.fault({"method": "GET", "path": "/v1/datamarts", "do": "status", "status": 401, "times": 0})
    done = workspace.run(*begin, "1185")
    assert (done.code, target.exists()) == (1, False), done
    assert workspace.run(*begin, "Firma").code == 64


def test_a_folder_that_is_none_of_specs_is_not_compared(workspace: Workspace, emulator: Emulator) -> None:
    done = workspace.run("export", "--out", str(workspace.root / "elsewhere"))
    assert (done.code, "were not compared" in done.out) == (0, True), done


def test_init_names_the_workspace_after_its_folder_and_tells_of_an_existing_gitignore(
    workspace: Workspace, tmp_path: Path
) -> None:
    target = tmp_path / "crm-loads"
    target.mkdir()
    (target / ".gitignore").write_text("/.reconciler/\n*.plan\n")
    done = workspace.run("init", str(target))
    assert (done.code, "add to the existing .gitignore: .sandbox/ *.rejects" in done.err) == (0, True), done
    assert "name: crm-loads}" in (target / "reconciler.yaml").read_text()
