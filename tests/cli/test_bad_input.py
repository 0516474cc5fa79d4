"""Every bad input gets a message with its place and the right exit code, and changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

GOOD_HEAD = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: extra}\n"
SPECS: dict[str, tuple[bytes, str, str]] = {
    "syntax": (b"a: [1, 2\nb: {", "yaml-syntax", "specs/bad.yaml:"),
    "tab": (b"a:\n\tb: 1\n", "yaml-syntax", "specs/bad.yaml:2:"),
    "duplicate key": (
        (GOOD_HEAD + "spec: {token: x, token: y}\n").encode(),
        "yaml-duplicate-key",
        "specs/bad.yaml:4:18",
    ),
    "unknown field": (
        (GOOD_HEAD + "spec: {token: x, activation: all}\n").encode(),
        "did you mean 'activations'?",
        "specs/bad.yaml:4:18",
    ),
    "unknown kind": (
        b"apiVersion: reconciler/v1\nkind: Compartmint\nmetadata: {name: x}\nspec: {}\n",
        "did you mean 'Compartment'?",
        "specs/bad.yaml:2:7",
    ),
    "wrong type": (
        (GOOD_HEAD + "spec: {token: [x]}\n").encode(),
        "must be a string, this is a list",
        "specs/bad.yaml:4:15",
    ),
    "id as a number": (
        (GOOD_HEAD + "spec: {token: x, id: 2071}\n").encode(),
        'quote it: "2071"',
        "specs/bad.yaml:4:22",
    ),
    "octal": ((GOOD_HEAD + "spec: {token: 014}\n").encode(), "leading zero", "specs/bad.yaml:4:15"),
    "empty": (b"", "spec-empty", "specs/bad.yaml:1:1"),
    "only a comment": (b"# nothing\n", "spec-empty", "specs/bad.yaml:1:1"),
    "binary": (b"\x7fELF\x00\x01\x02", "NUL byte", "specs/bad.yaml:1:1"),
    "not utf-8": (b"a: \xe9\n", "not UTF-8", "specs/bad.yaml:1:4"),
    "custom tag": (b"a: !python/object:os.system x\n", "custom tag", "specs/bad.yaml:1:4"),
    "missing token": (
        (GOOD_HEAD + "spec: {name: x}\n").encode(),
        "needs 'token' or 'id'",
        "specs/bad.yaml:4:",
    ),
    "duplicate name": (
        b"apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: loyalty}\nspec: {token: other}\n",
        "declared twice",
        "specs/loyalty.yaml:3",
    ),
    "duplicate token": (
        (GOOD_HEAD + "spec: {token: loyalty}\n").encode(),
        "two compartments have the token",
        "specs/loyalty.yaml:4",
    ),
    "unknown datamart": (
        (GOOD_HEAD + "spec: {token: x, activations: retail-frr}\n").encode(),
        "did you mean 'retail-fr'?",
        "specs/bad.yaml:4:31",
    ),
    "empty set": (
        (
            GOOD_HEAD + "spec: {token: x, activations: {datamarts: {country: fr}, except: retail-fr}}\n"
        ).encode(),
        "is empty",
        "specs/bad.yaml:4:31",
    ),
    "unknown label": (
        (GOOD_HEAD + "spec: {token: x, activations: {country: xx}}\n").encode(),
        "no datamart has 'xx'",
        "specs/bad.yaml:4:41",
    ),
    "unknown reference": (
        b"apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: s}\nspec:\n  files: [x.csv]\n  datamarts: all\n"
        b"  identify_by: {compartment: loyalti, user_account_id: id}\n",
        "did you mean 'loyalty'?",
        "specs/bad.yaml:7:30",
    ),
    "two identifiers": (
        b"apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: s}\nspec:\n  files: [x.csv]\n  datamarts: all\n"
        b"  identify_by: {user_agent_id: a, email_hash: id}\n",
        "exactly one of",
        "specs/bad.yaml:7:16",
    ),
    "chunk too large": (
        b"apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: s}\nspec:\n  files: [x.ndjson]\n  datamarts: all\n"
        b"  chunk: {max_bytes: 100MB}\n",
        "below 100MB",
        "specs/bad.yaml:7:22",
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_a_bad_spec_is_shown_with_its_place_and_nothing_is_sent(
    case: str, workspace: Workspace, emulator: Emulator
) -> None:
    content, words, place = SPECS[case]
    (workspace.root / "specs/bad.yaml").write_bytes(content)
    for command in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        done = workspace.run(*command)
        assert done.code == 1, done
        assert words in done.err, done
        assert place in done.err, done
    assert emulator.store.requests() == []


def test_all_findings_come_at_once_and_as_json(workspace: Workspace) -> None:
    workspace.write("specs/one.yaml", GOOD_HEAD + "spec: {token: 1, nome: x}\n")
    workspace.write("specs/two.yaml", "kind: Nothing\n")
    found = json.loads(workspace.run("validate", "-o", "json").out)
    assert (found["valid"], found["error_count"]) == (False, 3)
    assert {d["span"]["path"] for d in found["diagnostics"]} == {"specs/one.yaml", "specs/two.yaml"}


def test_validate_is_silent_on_success_and_reads_nothing_but_specs(workspace: Workspace) -> None:
    done = workspace.run("validate")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_no_workspace_file(tmp_path: Path, workspace: Workspace) -> None:
    (workspace.root / "reconciler.yaml").unlink()
    for command in ("validate", "plan", "apply"):
        done = workspace.run(command)
        assert done.code == 1
        assert "no reconciler.yaml" in done.err
        assert "init" in done.err


@pytest.mark.parametrize(("folder", "above"), [("specs", ".."), ("specs/fr/shops", "../..")])
def test_a_workspace_above_is_named(folder: str, above: str, workspace: Workspace) -> None:
    inside = workspace.root / folder
    inside.mkdir(parents=True, exist_ok=True)
    if folder != "specs":
        (workspace.root / "specs/reconciler.yaml").touch()
    for command in (["validate"], ["plan"], ["sandbox", "open"], ["sandbox", "reset"]):
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *command],
            cwd=inside,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, ""), done
        assert "no reconciler.yaml in ." in done.stderr
        assert f"{above} has one: put -C {above} before" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "kind: Workspace\n",
        "apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {name: x}\nspec: {organisation_id: 1185}\n",
    ],
)
def test_a_bad_workspace_file(text: str, workspace: Workspace) -> None:
    workspace.write("reconciler.yaml", text)
    done = workspace.run("plan")
    assert done.code == 1
    assert "reconciler.yaml:" in done.err


def test_no_token(workspace: Workspace) -> None:
    done = workspace.run("plan", RECONCILER_TOKEN="")
    assert done.code == 1
    assert "RECONCILER_TOKEN" in done.err


def test_wrong_token(workspace: Workspace, emulator: Emulator) -> None:
    emulator.switch(token="another")
    for command in (["plan"], ["apply", "--auto-approve"]):
        done = workspace.run(*command)
        assert done.code == 1, done
        assert "401" in done.err
        assert "token" in done.err
    assert emulator.writes() == []


def test_unknown_organisation(workspace: Workspace, emulator: Emulator) -> None:
    text = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", text.replace("1185", "9999"))
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1, done
    assert "organisation 9999" in done.err
    assert emulator.writes() == []


@pytest.mark.parametrize(
    ("identity", "words"),
    [("7777", "has no datamart 7777"), ("1490", "archived"), ("2998", "has no datamart 2998")],
)
def test_unknown_archived_and_foreign_datamarts(
    identity: str, words: str, workspace: Workspace, emulator: Emulator
) -> None:
    text = (workspace.root / "specs/datamarts.yaml").read_text()
    workspace.write("specs/datamarts.yaml", text.replace('"1510"', f'"{identity}"'))
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1, done
    assert words in done.err
    assert "specs/datamarts.yaml:6" in done.err
    assert emulator.writes() == []


def test_a_cross_datamart_is_no_target(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(10)
    text = (workspace.root / "specs/datamarts.yaml").read_text()
    workspace.write("specs/datamarts.yaml", text.replace('"1509"', '"1600"'))
    done = workspace.run("plan")
    assert done.code == 1, done
    assert "cross-datamart" in done.err


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_an_unreachable_endpoint_is_one_error(workspace: Workspace, command: str) -> None:
    workspace.customers(10)
    done = workspace.run(command, "--endpoint", "http://127.0.0.1:9")
    assert done.code == 1, done
    cause = "cannot connect to http://127.0.0.1:9: the connection was refused"
    (line,) = (x for x in done.err.splitlines() if x.startswith("error"))
    assert line.startswith("error[read-failed]: could not list datamarts (and ")
    assert line.endswith(f": {cause}")
    assert done.err.count(cause) == 1
    assert "retrying" not in "".join(done.err.splitlines()[1:])


def test_an_unreachable_proxy_is_one_error(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.customers(10)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    done = workspace.run("plan", "--endpoint", "https://platform.example")
    assert (done.code, done.err.count("error"), done.err.count("refused the connection")) == (1, 1, 2), done


def test_html_instead_of_an_answer(workspace: Workspace, emulator: Emulator) -> None:
    emulator.fault(
        {"method": "GET", "path": "/user_account_compartments", "times": 99, "do": "html", "status": 200}
    )
    done = workspace.run("plan")
    assert done.code == 1, done
    assert "an HTML page" in done.err
    assert "create" not in done.out


def edit(plan: dict[str, Any], **changes: Any) -> str:
    return json.dumps({**plan, **changes})


def test_bad_plan_files(workspace: Workspace, emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "plan"
    assert workspace.run("plan", "--out", str(path)).code == 0
    text = path.read_text()
    plan = json.loads(text)
    cases = {
        text[: len(text) // 2]: "not a complete plan",
        text.replace('"Loyalty programme"', '"Evil"'): "was changed after it was written",
        edit(plan, format_version="3.0"): "plan format 3.0",
        "[]": "not a plan",
        "": "not a complete plan",
        "\x00\x01": "not a complete plan",
    }
    for content, words in cases.items():
        path.write_text(content)
        for command in ("apply", "show"):
            done = workspace.run(command, str(path))
            assert done.code == 4, done
            assert words in done.err
    path.write_text(text)
    other = (workspace.root / "reconciler.yaml").read_text().replace("1185", "2000")
    workspace.write("reconciler.yaml", other)
    done = workspace.run("apply", str(path))
    assert done.code == 4, done
    assert "organisation 1185" in done.err
    assert workspace.run("apply", str(tmp_path / "missing")).code == 1
    assert emulator.writes() == []


@pytest.mark.parametrize(
    "args",
    [
        ["plan", "--nonsense"],
        ["nonsense"],
        ["plan", "-o", "xml"],
        ["plan", "-l", "x"],
        ["apply", "--resend", "x", "--auto-approve"],
        ["plan", "--parallelism", "0"],
        ["apply", "--lock-timeout", "soon", "--auto-approve"],
    ],
)
def test_usage_errors_exit_64(args: list[str], workspace: Workspace) -> None:
    done = workspace.run(*args)
    assert done.code == 64, done
    assert done.err.startswith("error: ")


def test_apply_without_terminal_file_or_approval_refuses(workspace: Workspace, emulator: Emulator) -> None:
    done = workspace.run("apply")
    assert done.code == 1
    assert "--auto-approve" in done.err
    assert emulator.writes() == []


@pytest.mark.parametrize(("lines", "code"), [(0, 4), (3, 4)])
def test_bad_lines_past_the_limit_send_nothing_but_the_plan_is_written(
    lines: int, code: int, workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(lines)
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write("a row of one cell\n")
    done = workspace.run("plan", "--out", str(tmp_path / "plan"))
    assert done.code == code, done
    assert "data/customers.csv:" in done.err
    assert json.loads((tmp_path / "plan").read_text())["applyable"] is False
    assert workspace.run("apply", str(tmp_path / "plan")).code == 4
    assert workspace.run("apply", "--auto-approve").code == 4
    assert emulator.writes() == []


def test_a_source_without_files_is_named(workspace: Workspace) -> None:
    workspace.customers(1)
    (workspace.root / "data/customers.csv").unlink()
    assert workspace.run("validate").code == 0
    assert workspace.run("plan", "--only", "config").code == 0
    done = workspace.run("plan")
    assert done.code == 1
    assert "no file matches 'data/*.csv'" in done.err


def test_a_newer_ledger_is_refused_by_name(workspace: Workspace, emulator: Emulator) -> None:
    import sqlite3

    assert workspace.run("apply", "--auto-approve").code == 0
    with sqlite3.connect(workspace.root / ".reconciler/ledger.db") as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    workspace.customers(5)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1
    assert "format 99 is newer" in done.err


def test_the_designs_own_examples_are_good_specs(workspace: Workspace) -> None:
    workspace.write(
        "reconciler.yaml",
        """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {name: retail}
spec:
  organisation_id: "1185"
  endpoint: https://api.mediarithmics.com
  specs: [specs]
  ledger: sqlite:.reconciler/ledger.db
  parallelism: 10
  settle: 30s
  guards: {max_update_percent: 30, max_delete_percent: 30, from: 10, max_delete_lines_percent: 30, from_lines: 1000}
  environments:
    dev: {organisation_id: "1190", endpoint: "sandbox:", token: {env: MICS_DEV}}
    prod: {}
""",
    )
    workspace.write(
        "specs/datamarts.yaml",
        """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: all-markets}
spec:
  retail-fr: {id: "1509", labels: {country: fr, stage: canary}, default_compartment: loyalty}
  retail-de: {id: {prod: "1510", dev: "3010"}, labels: {country: de}}
  retail-ch: {id: "1511", labels: {country: ch}}
""",
    )
    workspace.write(
        "specs/loyalty.yaml",
        """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: loyalty, labels: {team: crm}}
spec:
  name: Loyalty programme
  token: loyalty
  activations: {datamarts: {country: [fr, de]}, except: [retail-ch]}
---
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm-profiles}
spec:
  files: ["data/{datamart.labels.country}/*.csv"]
  datamarts: [retail-fr]
  identify_by: {compartment: loyalty, user_account_id: customer_id}
  update: {force_replace: false, merge_objects: true}
  bad_lines: {allow: 0}
  chunk: {max_bytes: 64MB}
  keep_generations: 3
---
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves:
    - {name: canary, datamarts: {stage: canary}, soak: 10m, gates: {max_failed_lines_percent: 1}}
    - {name: everyone, datamarts: rest}
""",
    )
    for environment in ([], ["--environment", "prod"], ["--environment", "dev"]):
        done = workspace.run("validate", *environment)
        assert done.code == 0, done
    unknown = workspace.run("validate", "--environment", "test")
    assert unknown.code == 1
    assert "dev, prod" in unknown.err


def test_what_cannot_be_a_plan_is_not_read_to_its_end(workspace: Workspace, tmp_path: Path) -> None:
    begins = {"zeros": b"", "begun": b'{"format_version": "2.0",'}
    for name, first in begins.items():
        (tmp_path / name).write_bytes(first)
        os.truncate(tmp_path / name, 40 << 30)
    for path, words in (
        ("/dev/zero", "not a complete plan"),
        (str(tmp_path / "zeros"), "not a complete plan"),
        (str(tmp_path / "begun"), "is no plan"),
    ):
        done = workspace.run("show", path, timeout=40)
        assert done.code in (1, 4), done
        assert words in done.err
    refused = workspace.run("plan", "--out", str(tmp_path / "begun"), timeout=40)
    assert (refused.code, "is not a saved plan" in refused.err) == (1, True), refused
