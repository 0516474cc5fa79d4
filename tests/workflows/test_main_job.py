"""The main job, as a user runs it: plan, apply, plan again, under the switches of the contract."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

SETTINGS: list[dict[str, Any]] = [
    {},
    {"page_default": 1, "page_cap": 1},
    {"page_cap": 2, "total": "without"},
    {"total": "without", "page_cap": 0},
    {"lag_reads": 2},
    {"lag_reads": 3, "total": "without", "page_cap": 3},
    {"lag_seconds": 0.4},
    {"duplicate_import": "error", "duplicate_token": "error400"},
    {"duplicate_activation": "existing", "duplicate_token": "accepted"},
    {"duplicate_activation": "second"},
    {"success_word": "SUCCESS", "numeric_ids": "off"},
    {"pending_seconds": 0.2, "running_seconds": 0.2},
]


@pytest.mark.parametrize(
    "switches", SETTINGS, ids=lambda s: ",".join(f"{k}={v}" for k, v in s.items()) or "defaults"
)
def test_apply_makes_the_remote_as_declared_and_a_second_plan_is_empty(
    switches: dict[str, Any], tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    emulator = emulator_with(**switches)
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="1s" if "lag_seconds" in switches else "0")
    workspace.customers(300, max_bytes=9_000)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done

    assert sorted(c["token"] for c in emulator.compartments()) == ["default", "default-de", "loyalty"]
    loyalty = next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    for datamart in ("1509", "1510"):
        assert [a["compartment_id"] for a in emulator.activations(datamart)].count(loyalty) == 1
    assert [a["compartment_id"] for a in emulator.activations("1509") if a["default"]] == [loyalty]
    executions = emulator.executions("1509")
    chunks = {name: rows for name, rows in executions.items() if ".sealed." not in name}
    assert len(chunks) == 6
    assert all(len(rows) == 1 for rows in chunks.values())
    assert [name.split(".sealed.")[1] for name in executions if ".sealed." in name] == ["300-0"]
    stored = emulator.profiles("1509")
    assert [(c, a) for c, a, _ in stored] == [(loyalty, f"c{n:06d}") for n in range(300)]

    writes = len(emulator.writes())
    again = workspace.run("plan", "--detailed-exitcode")
    assert again.code == 0, again
    workspace.forget_ledger()
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.writes()) == writes


def only_datamart() -> dict[str, Any]:
    return {
        "datamarts": [{"id": "1509", "name": "FR", "organisation_id": "1185"}],
        "compartments": [{"id": "1000", "organisation_id": "1185", "token": "default", "name": "Default"}],
        "activations": [{"datamart_id": "1509", "compartment_id": "1000", "default": True}],
    }


@pytest.mark.parametrize("auto", ["on", "off"])
@pytest.mark.parametrize("lag_reads", [0, 2])
@pytest.mark.parametrize("duplicates", ["second", "error"])
def test_the_only_datamart_gets_one_activation_whoever_makes_it(
    auto: str, lag_reads: int, duplicates: str, tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    emulator = emulator_with(
        only_datamart(), auto_activate=auto, lag_reads=lag_reads, duplicate_activation=duplicates
    )
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="500ms")
    workspace.write(
        "specs/datamarts.yaml",
        """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: markets}
spec:
  retail-fr: {id: "1509", default_compartment: loyalty}
""",
    )
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    rows = emulator.activations("1509")
    assert [r["default"] for r in rows] == [False, True]


def test_a_saved_plan_is_its_own_approval_and_is_used_up(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(1200)
    saved = tmp_path / "plan.json"
    assert workspace.run("plan", "--out", str(saved), "--detailed-exitcode").code == 2
    assert emulator.writes() == []
    shown = workspace.run("show", str(saved))
    assert "1,200 rows read" in shown.out
    assert workspace.run("apply", "--check", str(saved)).code == 0
    assert emulator.writes() == []
    broken = workspace.write("specs/broken.yaml", "what is declared here cannot be said: [")
    assert (workspace.run("apply", str(saved)).code, emulator.writes()) == (1, [])
    broken.unlink()
    assert workspace.run("apply", str(saved)).code == 0
    writes = len(emulator.writes())
    again = workspace.run("apply", str(saved))
    assert (again.code, len(emulator.writes())) == (0, writes)
    assert "already applied" in again.out
    workspace.forget_ledger()
    once_more = workspace.run("apply", str(saved))
    assert (once_more.code, len(emulator.writes())) == (0, writes), once_more


@pytest.mark.parametrize("switches", [{}, {"lag_reads": 3}, {"lag_seconds": 0.4}])
def test_rename_and_promote_are_updates(
    switches: dict[str, Any], tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    emulator = emulator_with(**switches)
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="1s" if "lag_seconds" in switches else "0")
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.write(
        "specs/loyalty.yaml",
        """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: loyalty}
spec: {name: Loyalty club, token: loyalty, activations: all}
""",
    )
    text = (workspace.root / "specs/datamarts.yaml").read_text()
    workspace.write(
        "specs/datamarts.yaml", text.replace("{country: de}", "{country: de}, default_compartment: loyalty")
    )
    plan = workspace.plan()
    acting = {
        c["address"]: c["change"] for c in plan["resource_changes"] if c["change"]["actions"] != ["no-op"]
    }
    assert {a: c["actions"] for a, c in acting.items()} == {
        "Compartment/loyalty": ["update"],
        "Activation/loyalty@retail-de": ["update"],
    }
    assert workspace.run("apply", "--auto-approve").code == 0
    assert next(c["name"] for c in emulator.compartments() if c["token"] == "loyalty") == "Loyalty club"
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_newer_content_is_a_new_generation_and_old_content_again_another(
    workspace: Workspace, emulator: Emulator
) -> None:
    for number, mark in enumerate(("a", "b", "a"), 1):
        workspace.customers(50, mark=mark)
        assert workspace.run("apply", "--auto-approve").code == 0
        seals = [i["name"] for i in emulator.imports("1509") if ".sealed." in i["name"]]
        assert len(seals) == number
    assert [n.split(".")[3] for n in seals] == ["g1", "g2", "g3"]


def test_json_output_is_one_document(workspace: Workspace) -> None:
    workspace.customers(50)
    done = workspace.run("apply", "--auto-approve", "-o", "json")
    result = json.loads(done.out)
    assert result["exit_code"] == 0
    assert {o["status"] for o in result["outcomes"]} == {"succeeded"}
    load = next(o for o in result["outcomes"] if o["address"].startswith("ProfileSource/"))
    assert load["counts"] == {
        "read": 50,
        "rejected": 0,
        "sent": 50,
        "succeeded": 50,
        "failed": 0,
        "not_processed": 0,
        "unknown": 0,
    }


def test_events_are_one_json_object_a_line(workspace: Workspace, tmp_path: Path) -> None:
    workspace.customers(50)
    assert workspace.run("apply", "--auto-approve", "--events", str(tmp_path / "events")).code == 0
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert {"run_started", "load_started", "chunk_sent", "chunk_done", "action_finished", "run_finished"} <= {
        e["event"] for e in events
    }
    assert {e["version"] for e in events} == {1}


@pytest.mark.parametrize("upload", ["raw", "multipart"])
def test_both_forms_of_upload_and_mapped_ndjson(
    upload: str, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write(
        "specs/rows.yaml",
        f"""\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: rows}}
spec:
  files: [data/*.ndjson]
  datamarts: retail-fr
  identify_by: [{{compartment: loyalty, user_account_id: id}}, {{email_hash: hash}}]
  operation: {{column: op, map: {{U: UPSERT, D: DELETE}}}}
  profile: {{exclude: [internal], constants: {{origin: test}}}}
  update: {{force_replace: true}}
  upload: {upload}
  ordering: strict
  chunk: {{max_bytes: 400}}
""",
    )
    rows = [{"op": "U", "id": n, "tier": "gold", "internal": 1, "tags": ["a"]} for n in range(9)]
    workspace.write(
        "data/rows.ndjson",
        "".join(json.dumps(r) + "\n" for r in [*rows, {"op": "U", "hash": "h1"}, {"op": "D", "id": "3"}]),
    )
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    stored = [(a, json.loads(b)) for _, a, b in emulator.profiles("1509")]
    assert [a for a, _ in stored] == ["", "0", "1", "2", "4", "5", "6", "7", "8"]
    assert {k: v for k, v in stored[1][1].items() if k[0] != "$"} == {
        "tier": "gold",
        "tags": ["a"],
        "origin": "test",
    }
    names = [r["input_file_name"] for rs in emulator.executions("1509").values() for r in rs]
    assert all((n or "").endswith(".ndjson") == (upload == "multipart") for n in names)


def test_environments_choose_endpoint_organisation_token_and_ids(
    workspace: Workspace, emulator: Emulator
) -> None:
    text = (workspace.root / "reconciler.yaml").read_text().replace(emulator.url, "https://api.invalid")
    workspace.write(
        "reconciler.yaml",
        text
        + f"""\
  environments:
    dev: {{endpoint: "{emulator.url}", token: {{env: DEV_TOKEN}}}}
""",
    )
    workspace.write(
        "specs/datamarts.yaml",
        """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: markets}
spec:
  retail-fr: {id: {dev: "1509"}}
  retail-de: {id: {prod: "1510"}}
""",
    )
    done = workspace.run(
        "apply", "--auto-approve", "--environment", "dev", RECONCILER_TOKEN="", DEV_TOKEN="t"
    )
    assert done.code == 0, done
    assert [len(emulator.activations(d)) for d in ("1509", "1510")] == [2, 1]


def test_flags_narrow_a_plan(workspace: Workspace) -> None:
    workspace.customers(20)
    plan = workspace.plan("--only", "config")
    assert (plan["complete"], plan["loads"]) == (False, [])
    plan = workspace.plan("--datamart", "country=de")
    assert {c["address"] for c in plan["resource_changes"]} == {
        "Compartment/loyalty",
        "Activation/loyalty@retail-de",
    }
    assert workspace.plan("-l", "team=crm")["loads"] == []
    plan = workspace.plan("--target", "Compartment/loyalty")
    assert [c["address"] for c in plan["resource_changes"]] == ["Compartment/loyalty"]
    alone = workspace.run("plan", "--only", "loads")
    assert alone.code == 1, alone
    assert "include Activation/loyalty@retail-fr" in alone.err
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    assert workspace.run("apply", "--only", "loads", "--auto-approve").code == 0
    assert workspace.run("plan", "--detailed-exitcode").code == 0
