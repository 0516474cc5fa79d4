"""Profiles are compared with the schema of their datamart: told before the load, offline too, and never in the way of it."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.workflows.check import check
from reconciler.workflows.sandbox_seed import seed
from tests.support.datamart_schema import EXAMPLE
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, DATAMARTS, Workspace

SECRET = "Véronique-4711"
TABLE = DATAMARTS.replace(
    "default_compartment: loyalty}", "default_compartment: loyalty, schema: schemas/fr.gql}", 1
)
TYPES = "  types: {points: integer, ts: integer}\n"
CHECK = ("source", "check", "customers", "-o", "json")


def rows(workspace: Workspace, header: str, *lines: str, source: str = CUSTOMERS) -> None:
    workspace.write("specs/customers.yaml", source)
    workspace.write(
        "data/customers.csv", f"id,{header}\n" + "".join(f"u{n},{x}\n" for n, x in enumerate(lines))
    )


def found(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {d["code"]: d for d in document["diagnostics"] if d["code"].startswith("schema-")}


def loads(document: dict[str, Any]) -> dict[str, Any]:
    (load,) = document["loads"]
    return dict(load)


def test_a_renamed_field_is_told_before_the_load(workspace: Workspace, emulator: Emulator) -> None:
    emulator.schema("1509", EXAMPLE.replace("country: String!", "country: String"))
    rows(
        workspace,
        "first_name,opt_in",
        f"{SECRET},true",
        f"{SECRET},false",
        source=CUSTOMERS + "  types: {opt_in: boolean}\n",
    )
    assert found(workspace.plan()) == {}
    emulator.schema(
        "1509", EXAMPLE.replace("country: String!", "country: String").replace("first_name", "given_name")
    )
    done = workspace.run("plan", "-o", "json")
    assert SECRET not in done.out + done.err
    finding = found(json.loads(done.out))["schema-unknown-field"]
    assert finding["severity"] == "warning"
    assert "first_name: 2 values" in finding["message"]
    assert "data/customers.csv:2" in finding["note"]
    assert "given_name" in finding["help"]
    assert workspace.run("apply", "--auto-approve").code == 0, "a warning does not stop"
    assert emulator.indexed("1509")["u0"] == ("partly", ["first_name: not in the schema"])


def test_what_the_check_says_is_what_the_sandbox_does(workspace: Workspace, emulator: Emulator) -> None:
    """Two readings of the contract, written apart: a profile without a finding is indexed, one with a clash is not."""
    emulator.schema("1509", EXAMPLE.replace("country: String!", "country: String"))
    source = CUSTOMERS + "  types: {points: integer, birth_date: json, address: json, last_order_ts: json}\n"
    cells = {
        "good": '3,"""1990-05-17""","{""city"":""x""}",1735600000000',
        "clash": '3,642902400000,"{}",1735600000000',
        "text": '3,"""1990-05-17""","""x""",1735600000000',
        "iso": '3,"""1990-05-17""","{}","""2024-01-01"""',
        "more": '3,"""1990-05-17""","{""floor"":1}",1735600000000',
    }
    for name, cell in cells.items():
        rows(workspace, "points,birth_date,address,last_order_ts", cell, source=source)
        codes = set(found(workspace.plan()))
        assert workspace.run("apply", "--auto-approve").code == 0
        verdict = emulator.indexed("1509")["u0"][0]
        certain = codes & {"schema-type", "schema-null", "schema-date-number"}
        assert verdict == ("no" if certain else "partly" if codes else "yes"), (name, codes)


def test_each_unknown_field_is_one_finding_whatever_its_name_and_its_values(workspace: Workspace) -> None:
    """Names of the rows: digits, none at all, and characters that no message may hold."""
    names = [*(f"k{n}" for n in range(30)), "", "new\nline", 'quo"te', "back\\slash", "\x1b[31m", "::error::"]
    values = [1, 1.5, "x", None, True, [1], {"a": 1}]
    workspace.write("schemas/fr.gql", EXAMPLE)
    workspace.write("specs/datamarts.yaml", TABLE)
    workspace.write("specs/customers.yaml", CUSTOMERS.replace(".csv", ".ndjson") + "  duplicates: off\n")
    lines = (json.dumps({"id": f"u{n}", **dict.fromkeys(names, v)}) for n, v in enumerate(values))
    workspace.write("data/customers.ndjson", "".join(line + "\n" for line in lines))
    told = [
        d for d in json.loads(workspace.run(*CHECK).out)["diagnostics"] if d["code"] == "schema-unknown-field"
    ]
    assert len({d["message"] for d in told}) == len(told) == len(names)
    assert all(f": {len(values)} values of a field" in d["message"] for d in told)
    text = workspace.run("source", "check", "customers")
    assert text.code == 0
    assert "other datamart" not in text.out + text.err
    assert "\x1b[31m" not in text.out + text.err


def test_error_refuses_and_off_asks_nobody(workspace: Workspace, emulator: Emulator) -> None:
    rows(workspace, "unheard", "x", source=CUSTOMERS + "  schema: error\n")
    document = workspace.plan()
    assert document["applyable"] is False
    assert found(document)["schema-unknown-field"]["severity"] == "error"
    assert workspace.run("apply", "--auto-approve").code == 4
    rows(workspace, "unheard", "x", source=CUSTOMERS + "  schema: off\n")
    emulator.fault({"do": "status", "status": 500, "path": "/graphdb_runtime_schemas", "times": 0})
    before = len(emulator.requests())
    document = workspace.plan()
    assert found(document) == {}
    assert not [r for r in emulator.requests()[before:] if "graphdb" in r["path"]]
    assert loads(document)["schema"] is None


def test_what_is_not_documented_stays_a_warning(workspace: Workspace) -> None:
    rows(workspace, "visits", "12", source=CUSTOMERS + "  schema: error\n")
    document = workspace.plan()
    finding = found(document)["schema-undocumented"]
    assert (finding["severity"], document["applyable"]) == ("warning", True)
    assert "types:" in finding["help"]


def test_two_gets_for_each_datamart_whatever_the_number_of_sources(
    workspace: Workspace, emulator: Emulator
) -> None:
    for name in ("a", "b", "c"):
        workspace.write(
            f"specs/{name}.yaml",
            CUSTOMERS.replace("name: customers", f"name: {name}").replace("retail-fr", "all"),
        )
    workspace.write("data/customers.csv", "id,tier\nu,gold\n")
    document = workspace.plan()
    asked = [r["path"] for r in emulator.requests() if "graphdb" in r["path"]]
    assert len(asked) == 4
    assert {load["schema"]["origin"] for load in document["loads"]} == {"schema 2902", "schema 2905"}
    assert {len(load["schema"]["digest"]) for load in document["loads"]} == {64}


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no version": ({"schema_list": "empty"}, "lists no version"),
    "none live": ({"schema_list": "no_live"}, "none of the 2 versions"),
    "two live": ({"schema_list": "two_live"}, "2 of the 3 versions"),
    "published": ({"schema_list": "published"}, "(PUBLISHED)"),
    "cut off": ({"schema_content": "truncated"}, "cannot be parsed"),
    "empty type": ({"schema_content": "empty_type"}, "cannot be parsed"),
    "not allowed": ({"do": "status", "status": 403}, "403"),
    "gone": ({"do": "status", "status": 404}, "404"),
    "broken": ({"do": "status", "status": 500}, "500"),
    "a page": ({"do": "html", "status": 502}, "502"),
    "a page that says 200": ({"do": "html", "status": 200, "path": "/text"}, "cannot be parsed"),
    "dropped": ({"do": "drop_before", "path": "/text"}, "no complete answer"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_schema_that_cannot_be_used_is_one_warning_and_stops_nothing(
    case: str, workspace: Workspace, emulator: Emulator
) -> None:
    how, words = UNUSABLE[case]
    if "do" in how:
        emulator.fault({"path": "/graphdb_runtime_schemas", "times": 0, **how})
    else:
        emulator.switch(**how)
    rows(workspace, "unheard", "x", source=CUSTOMERS + "  schema: error\n")
    done = workspace.run("plan", "-o", "json", "--detailed-exitcode")
    assert done.code == 2, done
    document = json.loads(done.out)
    finding = found(document)
    assert list(finding) == ["schema-not-checked"]
    assert finding["schema-not-checked"]["severity"] == ("note" if case == "no version" else "warning")
    assert words in finding["schema-not-checked"]["message"]
    assert (document["errored"], document["applyable"]) == (False, True)
    assert workspace.run("apply", "--auto-approve").code == 0


@pytest.mark.parametrize("form", ["plain", "charset", "json_wrapper", "json_string", "octet_stream"])
@pytest.mark.parametrize("listed", ["draft_first", "paged", "live_only"])
def test_every_way_in_which_a_schema_may_be_answered(
    form: str, listed: str, workspace: Workspace, emulator: Emulator
) -> None:
    emulator.switch(schema_text=form, schema_list=listed)
    rows(workspace, "unheard", "x")
    assert list(found(workspace.plan())) == ["schema-unknown-field"]


@pytest.mark.parametrize("content", ["unknown_directive", "mirror"])
def test_texts_that_are_odd_and_good(content: str, workspace: Workspace, emulator: Emulator) -> None:
    emulator.switch(schema_content=content)
    rows(workspace, "unheard,tier", "x,gold")
    (finding,) = found(workspace.plan()).values()
    assert finding["message"].startswith("unheard:")


def test_a_committed_file_is_compared_offline(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("specs/datamarts.yaml", TABLE)
    workspace.write("schemas/fr.gql", EXAMPLE.replace("country: String!", "country: String"))
    rows(workspace, "first_nam,tier", f"{SECRET},PLATINUM", f"{SECRET},GOLD")
    assert workspace.run("validate").out == ""
    done = workspace.run(*CHECK, RECONCILER_ENDPOINT="http://127.0.0.1:9")
    assert SECRET not in done.out + done.err
    finding = found(json.loads(done.out))
    assert list(finding) == ["schema-unknown-field", "schema-type"]
    assert "did you mean first_name?" in finding["schema-unknown-field"]["help"]
    assert "tier: 1 value of type text" in finding["schema-type"]["message"]
    assert "schemas/fr.gql" in finding["schema-type"]["note"]
    assert emulator.requests() == []
    document = workspace.plan()
    assert list(found(document)) == ["schema-unknown-field", "schema-type"]
    assert loads(document)["schema"]["origin"] == "schemas/fr.gql"
    assert not [r for r in emulator.requests() if "graphdb" in r["path"]], "the file is what counts"
    for form, words in (("text", "first_nam"), ("html", "did you mean first_name?")):
        done = workspace.run("source", "check", "customers", "-o", form)
        assert words in done.out + done.err


def test_validate_says_what_is_wrong_with_a_file(workspace: Workspace) -> None:
    workspace.write("specs/datamarts.yaml", TABLE)
    done = workspace.run("validate", "-o", "json")
    assert (done.code, "there is no file schemas/fr.gql" in done.out) == (0, True)
    workspace.write("schemas/fr.gql", "type UserProfile {\n  a: String\n  // no\n}\n")
    done = workspace.run("validate", "-o", "json")
    assert "schemas/fr.gql:3:3: cannot be parsed" in json.loads(done.out)["diagnostics"][0]["message"]
    workspace.write("specs/datamarts.yaml", TABLE.replace("schemas/fr.gql", "../fr.gql"))
    assert workspace.run("validate").code == 1


def test_fetch_writes_the_files_of_all_datamarts_and_replaces_none_unasked(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/datamarts.yaml", TABLE)
    emulator.schema("1509", EXAMPLE)
    done = workspace.run("schema", "fetch")
    assert done.code == 0, done
    assert (workspace.root / "schemas/fr.gql").read_text() == EXAMPLE
    assert (workspace.root / "schemas/retail-de.gql").exists()
    assert "declare it" in done.out
    assert "already" in workspace.run("schema", "fetch").out
    workspace.write("schemas/fr.gql", EXAMPLE + "# mine\n")
    done = workspace.run("schema", "fetch")
    assert (done.code, "differs" in done.out) == (1, True)
    assert (workspace.root / "schemas/fr.gql").read_text().endswith("# mine\n")
    assert workspace.run("schema", "fetch", "--overwrite", "--datamart", "retail-fr").code == 0
    assert (workspace.root / "schemas/fr.gql").read_text() == EXAMPLE
    emulator.switch(schema_list="no_live")
    assert workspace.run("schema", "fetch").code == 1
    assert emulator.writes() == []
    assert json.loads(workspace.run("schema").out)["$schema"]


@pytest.mark.parametrize("content", ["truncated", "empty_type"])
def test_fetch_writes_no_answer_that_is_no_schema(
    content: str, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/datamarts.yaml", TABLE)
    emulator.schema("1509", EXAMPLE)
    workspace.write("schemas/fr.gql", "type UserProfile { mine: Int }")
    emulator.switch(schema_content=content)
    done = workspace.run("schema", "fetch", "--overwrite", "--datamart", "retail-fr")
    assert (done.code, "schemas/fr.gql: not written: " in done.out) == (1, True), done
    for body in ("<html>sign in</html>", "", "null", EXAMPLE + "#" + "x" * 4_000_000, EXAMPLE + "\0"):
        rule = {"do": "status", "status": 200, "path": "/text", "times": 0, "body": body}
        emulator.fault(rule)
        done = workspace.run("schema", "fetch", "--overwrite", "--datamart", "retail-fr")
        assert (done.code, "schemas/fr.gql: not written: " in done.out) == (1, True), done
    assert [p.name for p in (workspace.root / "schemas").iterdir()] == ["fr.gql"]
    assert (workspace.root / "schemas/fr.gql").read_text() == "type UserProfile { mine: Int }"


def test_every_row_is_counted_in_every_format(
    workspace: Workspace, emulator_with: Callable[..., Emulator]
) -> None:
    """The lines to send are what is compared, so all formats give the same findings."""
    lines = [{"id": f"u{n}", "tier": "gold", **({"x": n} if n % 7 == 0 else {})} for n in range(3000)]
    source = CUSTOMERS.replace("data/*.csv", "data/*.ndjson")
    workspace.write("specs/customers.yaml", source)
    workspace.write("data/c.ndjson", "".join(json.dumps(x) + "\n" for x in lines))
    (finding,) = found(workspace.plan()).values()
    assert "x: 429 values" in finding["message"]
    assert "data/c.ndjson:1\ndata/c.ndjson:8\ndata/c.ndjson:15\n…" in finding["note"]
    commands = [
        {"operation": "UPSERT", "force_replace": True, "user_account_id": x.pop("id"), "user_profile": x}
        for x in lines
    ]
    workspace.write(
        "specs/customers.yaml",
        source.replace(
            "  identify_by: {compartment: loyalty, user_account_id: id}\n  update: {force_replace: true}\n",
            "",
        ),
    )
    workspace.write("data/c.ndjson", "".join(json.dumps(x) + "\n" for x in commands))
    (finding,) = found(workspace.plan()).values()
    assert "x: 429 values" in finding["message"]


def test_apply_says_that_the_schema_moved_since_the_plan(workspace: Workspace, emulator: Emulator) -> None:
    rows(workspace, "tier", "gold")
    plan = str(workspace.root / "p.json")
    assert workspace.run("plan", "--out", plan).code == 0
    done = workspace.run("apply", "--check", plan)
    assert done.code == 0
    emulator.switch(schema_content="replaced")
    done = workspace.run("apply", plan)
    assert done.code == 0, done
    assert "the schema of retail-fr is another one than in the plan" in done.err


def test_with_error_profiles_are_compared_again_with_a_schema_that_moved(
    workspace: Workspace, emulator: Emulator
) -> None:
    wanted = EXAMPLE.replace("country: String!", "country: String")
    emulator.schema("1509", wanted)
    rows(workspace, "first_name", SECRET, source=CUSTOMERS + "  schema: error\n")
    plan = str(workspace.root / "p.json")
    assert workspace.run("plan", "--out", plan).code == 0
    emulator.schema("1509", wanted.replace("first_name", "given_name"))
    for command in (("apply", "--check", plan), ("apply", plan)):
        done = workspace.run(*command)
        assert done.code == 4, done
        assert "the profiles do not fit the schema of retail-fr: first_name: 1 value" in done.err
        assert SECRET not in done.out + done.err
    assert emulator.profiles("1509") == []
    emulator.schema("1509", wanted + "\n# another text, the same fields\n")
    done = workspace.run("apply", plan)
    assert done.code == 0, done
    assert "is another one than in the plan" in done.err
    assert len(emulator.profiles("1509")) == 1


def query(workspace: Workspace, more: str) -> None:
    with contextlib.closing(sqlite3.connect(workspace.root / "crm.db")) as database:
        database.execute("create table c (id text, first_name text)")
        database.execute("insert into c values ('u0', ?)", (SECRET,))
        database.commit()
    spec = CUSTOMERS.replace(
        'files: ["data/*.csv"]', "sql: {url: 'sqlite:///crm.db', query: 'select * from c'}"
    )
    assert "sql:" in spec
    workspace.write("specs/customers.yaml", spec + more)


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize(("severity", "code"), [("warn", 0), ("error", 3)])
def test_rows_of_a_query_are_compared_by_apply(
    severity: str, code: int, saved: bool, workspace: Workspace, emulator: Emulator
) -> None:
    emulator.schema(
        "1509", EXAMPLE.replace("country: String!", "country: String").replace("first_name", "given_name")
    )
    query(workspace, f"  schema: {severity}\n  expect: [{{field: first_name, in: [Ada], severity: warn}}]\n")
    if saved:
        assert workspace.run("plan", "--out", str(workspace.root / "p.plan")).code == 0
    done = workspace.run("apply", *([str(workspace.root / "p.plan")] if saved else ["--auto-approve"]))
    assert done.code == code, done
    told = " ".join(done.err.split())
    assert "first_name: 1 value of a field that the schema does not have" in told
    assert 'expected first_name in ["Ada"]: 1 row with another value' in told or severity == "error"
    assert SECRET not in done.out + done.err
    assert len(emulator.profiles("1509")) == (0 if code else 1)


def test_apply_says_nothing_where_the_schema_is_the_same(workspace: Workspace, emulator: Emulator) -> None:
    rows(workspace, "tier", "gold")
    plan = str(workspace.root / "p.json")
    assert workspace.run("plan", "--out", plan).code == 0
    done = workspace.run("apply", plan)
    assert (done.code, "schema" in done.err) == (0, False)
    assert emulator.indexed("1509")["u0"] == ("yes", [])


def test_the_sandbox_of_a_workspace_has_the_declared_schemas(workspace: Workspace) -> None:
    """As a declared file is what counts, another file shows what the sandbox has."""
    workspace.write("specs/datamarts.yaml", TABLE)
    workspace.write("schemas/fr.gql", EXAMPLE)
    checked = check(workspace.root, {}, {"RECONCILER_TOKEN": "t"})
    assert seed(checked)["schemas"] == [{"datamart_id": "1509", "text": EXAMPLE}]


WAVES = """\
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves:
    - {name: all, datamarts: all}
"""


@pytest.mark.parametrize("saved", [True, False])
def test_a_rollout_says_that_the_schema_moved_since_the_plan(
    saved: bool, workspace: Workspace, emulator: Emulator
) -> None:
    rows(workspace, "tier", "gold")
    workspace.write("specs/rollout.yaml", WAVES)
    plan = str(workspace.root / "p.json")
    assert workspace.run("plan", "--out", plan).code == 0
    emulator.switch(schema_content="replaced")
    done = workspace.run("apply", *([plan] if saved else ["--auto-approve"]))
    assert done.code == 0, done
    told = "the schema of retail-fr is another one than in the plan" in " ".join(done.err.split())
    assert told is saved


def test_apply_says_that_the_schema_of_the_plan_is_gone(workspace: Workspace, emulator: Emulator) -> None:
    rows(workspace, "tier", "gold")
    plan = str(workspace.root / "p.json")
    assert workspace.run("plan", "--out", plan).code == 0
    emulator.switch(schema_list="no_live")
    done = workspace.run("apply", plan)
    assert done.code == 0, done
    assert "the schema of retail-fr could not be read again" in " ".join(done.err.split())
