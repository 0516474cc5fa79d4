"""A saved plan has no authority of its own (G12): somebody edits one, its digest made to fit, and it is refused by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.planning.digests import plan_digest
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

KEY = "0123456789abcdef" * 4
ROLLOUT = """\
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves:
    - {name: canary, datamarts: retail-fr, gates: {command: {run: ["true"]}}}
    - {name: everyone, datamarts: rest}
"""
Document = dict[str, Any]


def planned(workspace: Workspace, *flags: str) -> Document:
    file = workspace.root / "plan"
    done = workspace.run("plan", "--out", str(file), *flags)
    assert done.code == 0, done
    return json.loads(file.read_text())


def forged(workspace: Workspace, document: Document, name: str = "forged") -> Path:
    path = workspace.root / name
    path.write_text(json.dumps({**document, "plan_digest": plan_digest(document)}))
    return path


def change(document: Document, address: str) -> Document:
    return next(c for c in document["resource_changes"] if c["address"] == address)


def definition(document: Document) -> Document:
    return document["loads"][0]["definition"]


def other_datamart(document: Document) -> None:
    for entry in document["resource_changes"]:
        if entry["address"] == "Activation/loyalty@retail-fr":
            entry["change"]["after"]["datamart_id"] = "1600"


def load_elsewhere(document: Document) -> None:
    document["loads"][0]["datamart_id"] = "1600"


def undeclared(document: Document) -> None:
    after = {"organisation_id": "1185", "token": "spy", "name": "Spy"}
    entry = {
        "address": "Compartment/spy", "kind": "Compartment", "reason": "x",
        "change": {"actions": ["create"], "before": None, "after": after},
    }  # fmt: skip
    document["resource_changes"].append(entry)


def deletion(document: Document) -> None:
    entry = change(document, "Activation/loyalty@retail-fr")
    before = {"datamart_id": "1509", "compartment_id": "1000", "default": False}
    entry |= {
        "change": {"actions": ["delete"], "before": before, "after": None},
        "remote_id": "1",
        "requires": [],
    }
    document["loads"] = []


def import_deletion(document: Document) -> None:
    name = "rcl1.shop.customers.g1.000000000001.sealed.5-0"
    entry = {
        "address": "DocumentImport/7@retail-fr", "kind": "DocumentImport", "reason": "x", "remote_id": "7",
        "change": {"actions": ["delete"], "before": {"id": "7", "name": name, "datamart_id": "1509"}, "after": None},
        "retention": {"keep": 1, "former": [["shop", "customers"]]},
    }  # fmt: skip
    document["resource_changes"].append(entry)


def gate(document: Document) -> None:
    document["rollout"]["waves"][0]["gates"]["command"] = ["touch", "obeyed"]


def no_waves(document: Document) -> None:
    document["rollout"] = None
    for entry in (*document["resource_changes"], *document["loads"]):
        entry["wave"] = None


def moved_wave(document: Document) -> None:
    change(document, "Activation/loyalty@retail-de")["wave"] = "canary"


CASES: dict[str, tuple[Callable[[Document], Any], str]] = {
    "files outside": (lambda d: definition(d).update(files=["/etc/passwd"], outside=True), "definition.files"),
    "other files": (lambda d: definition(d).update(files=["data/*.txt"]), "definition.files"),
    "leave to go outside": (lambda d: definition(d).update(outside=True), "definition.outside"),
    "a query": (lambda d: definition(d).update(sql={"url": "sqlite:///x", "query": "select 1"}), "definition.sql"),
    "a small chunk": (lambda d: definition(d).update(max_bytes=100), "definition.max_bytes"),
    "bad rows": (lambda d: definition(d).update(allow="100%"), "definition.allow"),
    "constants": (lambda d: definition(d).update(constants={"tier": "gold"}), "definition.constants"),
    "a former name": (lambda d: definition(d).update(former=[["shop", "other"]]), "definition.former"),
    "another token": (lambda d: change(d, "Compartment/loyalty")["change"]["after"].update(token="spy"), "after.token"),
    "another name": (lambda d: change(d, "Compartment/loyalty")["change"]["after"].update(name="x"), "after.name"),
    "another field": (lambda d: change(d, "Compartment/loyalty")["change"]["after"].update(archived=True), "archived"),
    "another datamart": (other_datamart, "datamart_id"),
    "a load elsewhere": (load_elsewhere, "datamart_id"),
    "a default": (lambda d: change(d, "Activation/loyalty@retail-de")["change"]["after"].update(default=True), "default"),
    "nothing waited for": (lambda d: change(d, "Activation/loyalty@retail-fr").update(requires=[]), "requires"),
    "not declared": (undeclared, "no spec declares it"),
    "a deletion": (deletion, "Activation/loyalty@retail-fr"),
    "an import's deletion": (import_deletion, "DocumentImport/7@retail-fr"),
    "unread": (lambda d: d["loads"][0].update(after_unknown={"source_digest": True}), "after_unknown"),
}  # fmt: skip
IN_WAVES: dict[str, tuple[Callable[[Document], Any], str]] = {
    "a gate's command": (gate, "wave 'canary': gates.command"),
    "no waves": (no_waves, "Rollout: waves"),
    "another wave": (moved_wave, "Activation/loyalty@retail-de: wave"),
    "a failure that goes on": (lambda d: d["rollout"].update(on_failure="abort"), "on_failure"),
}


def refused(workspace: Workspace, emulator: Emulator, document: Document, words: str) -> None:
    path = str(forged(workspace, document))
    for command in (["apply", path], ["apply", "--check", path]):
        done = workspace.run(*command)
        assert done.code == 4, done
        assert words in " ".join(done.err.split()), done
        assert "new plan" in done.err
    assert emulator.writes() == []
    assert not (workspace.root / "obeyed").exists()


@pytest.mark.parametrize("case", CASES)
def test_what_the_specs_do_not_declare_is_refused(
    case: str, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(5)
    document = planned(workspace)
    edit, words = CASES[case]
    edit(document)
    refused(workspace, emulator, document, words)


@pytest.mark.parametrize("case", IN_WAVES)
def test_waves_and_gates_are_the_specs_own(case: str, workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(5)
    workspace.write("specs/rollout.yaml", ROLLOUT)
    document = planned(workspace)
    edit, words = IN_WAVES[case]
    edit(document)
    refused(workspace, emulator, document, words)


def test_an_id_is_not_believed(workspace: Workspace, emulator: Emulator) -> None:
    """The plan says of another compartment's id that it is the one of the specs."""
    victim = emulator.store.add(
        "compartment", "1185", {"name": "Old", "token": "victim", "organisation_id": "1185", "archived": False}
    )  # fmt: skip
    own = emulator.store.add(
        "compartment", "1185", {"name": "Old", "token": "loyalty", "organisation_id": "1185", "archived": False}
    )  # fmt: skip
    document = planned(workspace)
    text = json.dumps(document).replace(f'"{own["id"]}"', f'"{victim["id"]}"')
    text = text.replace(f"/{own['id']}", f"/{victim['id']}")
    done = workspace.run("apply", str(forged(workspace, json.loads(text))))
    assert done.code == 4, done
    assert emulator.writes() == []


def test_specs_that_changed_are_named(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(5)
    planned(workspace)
    workspace.customers(5, source=CUSTOMERS.replace("data/*.csv", "data/c*.csv"))
    done = workspace.run("apply", str(workspace.root / "plan"))
    assert done.code == 4, done
    words = "ProfileSource/customers@retail-fr: definition.files is 'data/*.csv' in the plan, 'data/c*.csv' by the specs"
    assert words in " ".join(done.err.split())
    assert emulator.writes() == []


def test_a_field_that_changed_is_named_with_both_values(workspace: Workspace) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    saved = workspace.root / "p"
    assert workspace.run("plan", "--out", str(saved)).code == 0
    loyalty = (workspace.root / "specs/loyalty.yaml").read_text()
    workspace.write("specs/loyalty.yaml", loyalty.replace("Loyalty programme", "Loyalty"))
    done = workspace.run("apply", "--check", str(saved))
    assert done.code == 4, done
    words = (
        "Compartment/loyalty: change.after.name is 'Loyalty programme' in the plan, 'Loyalty' by the specs"
    )
    assert words in " ".join(done.err.split())


def test_what_changed_elsewhere_stales_nothing(workspace: Workspace) -> None:
    workspace.customers(5)
    planned(workspace)
    workspace.write(
        "specs/more.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: more}\nspec: {name: More, token: more}\n",
    )
    assert workspace.run("apply", str(workspace.root / "plan")).code == 0


def test_a_forged_guard_is_asked_again(workspace: Workspace, emulator: Emulator) -> None:
    """A plan that was refused says of itself that it may be applied."""
    workspace.customers(5)
    workspace.write("data/customers.csv", "id,tier\n,x\n,y\nc1,z\n")
    file = workspace.root / "plan"
    assert workspace.run("plan", "--out", str(file)).code == 4
    document = json.loads(file.read_text()) | {"applyable": True, "diagnostics": []}
    workspace.run("apply", str(forged(workspace, document)))
    assert not [w for w in emulator.writes() if "executions" in str(w) or "imports" in str(w)]


def test_resume_does_what_the_specs_declare(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(5)
    emulator.fault({"method": "POST", "path": "/executions", "times": 99, "do": "status", "status": 401})
    assert workspace.run("apply", "--auto-approve").code != 0
    emulator.fault()
    writes = len(emulator.writes())
    workspace.customers(5, source=CUSTOMERS.replace("data/*.csv", "data/c*.csv"))
    done = workspace.run("resume")
    assert done.code == 4, done
    assert "definition.files" in done.err
    assert len(emulator.writes()) == writes
    workspace.customers(5)
    assert workspace.run("resume").code == 0


def test_a_plan_that_undoes_a_run_is_accepted_as_the_ledger_has_it(
    workspace: Workspace, emulator: Emulator
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = (workspace.root / "specs/loyalty.yaml").read_text()
    workspace.write("specs/loyalty.yaml", loyalty.replace("Loyalty programme", "Renamed"))
    assert workspace.run("apply", "--auto-approve").code == 0
    back = workspace.root / "back"
    assert workspace.run("runs", "show", "--inverse", str(back)).code == 0
    document = json.loads(back.read_text())
    for entry in document["resource_changes"]:
        if entry["kind"] == "Compartment" and entry["change"]["after"]:
            entry["change"]["after"]["name"] = "Somebody's"
    writes = len(emulator.writes())
    assert workspace.run("apply", str(forged(workspace, document))).code == 4
    assert len(emulator.writes()) == writes
    assert "undoes a run" in workspace.run("show", str(back)).out
    assert workspace.run("apply", str(back)).code == 0
    assert {c["name"] for c in emulator.compartments() if c["token"] == "loyalty"} == {"Loyalty programme"}


def test_prune_is_a_decision_and_its_reach_is_the_specs_own(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = (workspace.root / "specs/loyalty.yaml").read_text()
    workspace.write("specs/loyalty.yaml", loyalty.replace("activations: all", "activations: retail-fr"))
    document = planned(workspace, "--prune", "Activation@retail-de")
    writes = len(emulator.writes())
    done = workspace.run("apply", str(forged(workspace, document | {"prune": []})))
    assert done.code == 4, done
    assert "Activation/loyalty@retail-de: no spec declares it" in done.err
    assert len(emulator.writes()) == writes
    workspace.write(
        "specs/loyalty.yaml", loyalty.replace("activations: all", "activations: retail-fr, protected: true")
    )
    assert workspace.run("apply", str(workspace.root / "plan")).code == 4
    workspace.write("specs/loyalty.yaml", loyalty.replace("activations: all", "activations: retail-fr"))
    assert workspace.run("apply", "--check", str(workspace.root / "plan")).code == 0


# -- seals -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def keyed(workspace: Workspace) -> Workspace:
    with (workspace.root / "reconciler.yaml").open("a") as file:
        file.write("  plan_key: {env: PLAN_KEY}\n")
    workspace.env["PLAN_KEY"] = KEY
    workspace.customers(5)
    return workspace


def test_a_sealed_plan_needs_no_specs(keyed: Workspace) -> None:
    document = planned(keyed)
    assert document["seal"]
    for path in (keyed.root / "specs").iterdir():
        path.unlink()
    assert keyed.run("apply", "--check", str(keyed.root / "plan")).code == 0
    done = keyed.run("apply", str(keyed.root / "plan"))
    assert done.code == 0, done
    assert KEY not in done.out + done.err


@pytest.mark.parametrize("how", ["edited", "another key", "another seal"])
def test_a_wrong_seal_is_refused(how: str, keyed: Workspace, emulator: Emulator) -> None:
    document = planned(keyed)
    if how == "edited":
        document["loads"][0]["reason"] = "because"
    elif how == "another key":
        keyed.env["PLAN_KEY"] = KEY[::-1]
    else:
        document["seal"] = "0" * 64
    done = keyed.run("apply", str(forged(keyed, document)))
    assert done.code == 4, done
    assert "seal" in done.err
    assert emulator.writes() == []


def test_without_a_seal_or_key_the_specs_decide(keyed: Workspace, emulator: Emulator) -> None:
    document = planned(keyed)
    for seal in ("", document["seal"]):
        unsealed = document | {"seal": seal}
        definition(unsealed)["outside"] = True
        if seal:
            del keyed.env["PLAN_KEY"]
        done = keyed.run("apply", str(forged(keyed, unsealed)))
        assert done.code == 4, done
        assert "definition.outside" in done.err
    assert emulator.writes() == []
    assert keyed.run("apply", str(keyed.root / "plan")).code == 0


def test_sealed_demands_a_seal_and_the_specs(keyed: Workspace, emulator: Emulator) -> None:
    document = planned(keyed)
    plan = str(keyed.root / "plan")
    key = keyed.env.pop("PLAN_KEY")
    refused = keyed.run("apply", plan, "--sealed")
    assert (refused.code, "the plan key is not set here" in " ".join(refused.err.split())) == (4, True), (
        refused
    )
    keyed.env["PLAN_KEY"] = key
    bare = keyed.run("apply", "--check", str(forged(keyed, document | {"seal": ""})), "--sealed")
    assert (bare.code, "The plan is not sealed." in bare.err) == (4, True), bare
    spec = keyed.root / "specs/loyalty.yaml"
    text = spec.read_text()
    spec.write_text(text.replace("Loyalty programme", "Another name"))
    other = keyed.run("apply", plan, "--sealed")
    assert (other.code, emulator.writes()) == (4, []), other
    spec.write_text(text)
    assert keyed.run("apply", "--sealed").code == 64
    assert keyed.run("apply", plan, "--sealed").code == 0


def test_a_sealed_plan_of_another_organisation_is_refused(keyed: Workspace, emulator: Emulator) -> None:
    planned(keyed)
    settings = keyed.root / "reconciler.yaml"
    settings.write_text(settings.read_text().replace('"1185"', '"1186"'))
    done = keyed.run("apply", str(keyed.root / "plan"))
    assert done.code == 4, done
    assert emulator.writes() == []


def test_a_short_key_is_refused_and_no_key_is_shown(keyed: Workspace) -> None:
    shown = keyed.run("config", "show")
    assert "read from PLAN_KEY, set" in shown.out
    assert KEY not in shown.out + shown.err
    keyed.env["PLAN_KEY"] = "short-secret"
    done = keyed.run("plan", "--out", str(keyed.root / "plan"))
    assert done.code == 1, done
    assert "at least 32" in done.err
    assert "short-secret" not in done.err + done.out
    del keyed.env["PLAN_KEY"]
    assert planned(keyed)["seal"] == ""


# -- what is shown ---------------------------------------------------------------------------------------------------

SQL = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: orders}
spec:
  sql: {url: "sqlite:///hidden-word.db", query: "select id, tier from orders"}
  datamarts: retail-fr
  identify_by: {compartment: loyalty, user_account_id: id}
"""


def shown(workspace: Workspace, path: Path, output: str = "text") -> str:
    done = workspace.run("show", str(path), "-o", output)
    assert done.code == 0, done
    return done.out


@pytest.mark.parametrize("output", ["text", "markdown", "html"])
def test_show_prints_what_is_read_run_and_sent(output: str, workspace: Workspace) -> None:
    workspace.customers(5)
    workspace.write("specs/orders.yaml", SQL)
    workspace.write("specs/rollout.yaml", ROLLOUT.replace('["true"]', "[./gate.sh, two words]"))
    planned(workspace)
    text = shown(workspace, workspace.root / "plan", output).replace("&#39;", "'")
    for words in (
        "data/*.csv",
        "select id, tier from orders",
        "./gate.sh 'two words'",
        "datamart 1509",
        "datamart 1510",
    ):
        assert words in text, words
    assert "The plan is not sealed." in text
    assert "The specs here declare all that the plan does." in text
    assert "hidden-word" not in text


@pytest.mark.parametrize("output", ["text", "markdown", "html"])
def test_show_says_what_the_specs_do_not_declare(output: str, keyed: Workspace) -> None:
    document = planned(keyed)
    assert "The plan is sealed, and the seal is right." in shown(keyed, keyed.root / "plan", output)
    definition(document)["files"] = ["/etc/passwd"]
    text = shown(keyed, forged(keyed, document), output)
    assert "The seal of the plan is wrong" in text
    assert "/etc/passwd" in text
    assert "definition.files" in text
    del keyed.env["PLAN_KEY"]
    assert "the plan key is not set here" in shown(keyed, keyed.root / "plan", output)
    assert KEY not in text
