"""`--request-log` and `--verbose`: every request once, and nothing that names or carries anything."""

import inspect
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import paths
from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace, kill

KEYS = {"at", "method", "route", "ms", "status", "failure"}
ADDRESS = "ProfileSource/customers@retail-fr"


def lines(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for line in found:
        assert line.keys() <= KEYS
        assert re.fullmatch(r"(/[a-z_0-9]+|/\{id\})+", line["route"]), line
        assert ("status" in line) != ("failure" in line)
    return found


COMMANDS = [
    ("plan",),
    ("drift",),
    ("doctor",),
    ("export", "--out", "new"),
    ("source", "preview", "customers", "--line", "3"),
    ("source", "diff", "customers"),
    ("conformance", "--organisation-id", "1185", "--datamart", "1509"),
    ("apply", "--auto-approve"),
    ("apply", "--check", "PLAN"),
    ("plan", "--reload", ADDRESS),
]


def test_every_request_is_one_line_that_names_nothing(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(300, max_bytes=2000)
    log, plan = workspace.root / "requests.jsonl", str(workspace.root / "plan")
    assert workspace.run("plan", "--out", plan).code == 0
    for command in COMMANDS:
        words = [{"PLAN": plan, "new": str(workspace.root / "new")}.get(w, w) for w in command]
        before, written = len(emulator.requests()), len(lines(log)) if log.exists() else 0
        done = workspace.run(*words, "--request-log", str(log))
        assert done.code in (0, 4), (command, done)
        sent = Counter(r["method"] for r in emulator.requests()[before:])
        assert Counter(line["method"] for line in lines(log)[written:]) == sent, command
        assert sent, command
    text = log.read_text()
    for secret in (TOKEN, "1509", "1510", "c000001", "loyalty", "1185"):
        assert secret not in text
    assert {line["route"] for line in lines(log) if line["method"] == "POST"} >= {
        "/v1/datamarts/{id}/document_imports/{id}/executions",
        "/v1/datamarts/{id}/compartments",
    }


def test_verbose_shows_the_same_and_changes_nothing_on_stdout(workspace: Workspace) -> None:
    plain, verbose = workspace.run("plan"), workspace.run("plan", "--verbose")
    assert plain.out == verbose.out
    assert re.search(r"^GET /v1/datamarts/\{id\}/compartments 200 [0-9]+ ms$", verbose.err, re.MULTILINE)
    assert workspace.run("plan", RECONCILER_VERBOSE="1").err.count(" ms\n") == verbose.err.count(" ms\n")


def test_a_failed_request_and_each_try_are_lines(workspace: Workspace, emulator: Emulator) -> None:
    emulator.fault(
        {"do": "status", "status": 503, "method": "GET", "path": "/user_account_compartments", "times": 2},
        {"do": "drop_before", "method": "GET", "path": "/v1/datamarts", "times": 1},
    )
    log = workspace.root / "requests.jsonl"
    done = workspace.run("plan", "--request-log", str(log))
    assert done.code == 0, done
    found = Counter((line.get("status"), line["route"]) for line in lines(log))
    assert found[503, "/v1/user_account_compartments"] == 2
    assert found[200, "/v1/user_account_compartments"] == 1
    assert sum(n for (status, _), n in found.items() if status is None) == 1
    assert re.search(
        r"retrying GET /v1/user_account_compartments, attempt 2, next in [0-9.]+ s \(503\)", done.err
    )


@pytest.mark.parametrize("delay", [0.7, 1.1])
def test_a_killed_run_leaves_whole_lines(workspace: Workspace, delay: float) -> None:
    workspace.customers(3000, max_bytes=3000)
    log = workspace.root / "requests.jsonl"
    process = workspace.start("apply", "--auto-approve", "--request-log", str(log))
    kill(process, group=True, after=delay)
    text = log.read_text() if log.exists() else ""
    assert text == "" or text.endswith("\n")
    lines(log) if text else None


@pytest.mark.parametrize(
    ("name", "content"), [("no/such/folder/log", None), ("data", None), ("text", "not a log\n")]
)
def test_a_log_that_cannot_be_written_stops_before_any_request(
    workspace: Workspace, emulator: Emulator, name: str, content: str | None
) -> None:
    if content:
        workspace.write(name, content)
    done = workspace.run("plan", "--request-log", str(workspace.root / name))
    assert done.code == 1, done
    assert emulator.requests() == []
    if content:
        assert (workspace.root / name).read_text() == content


PATHS = [
    f
    for n, f in vars(paths).items()
    if inspect.isfunction(f) and f.__module__ == paths.__name__ and n[0] != "_"
]


@pytest.mark.parametrize("make", [f for f in PATHS if f.__name__ not in ("shown", "about_profiles", "route")])
@given(value=st.from_regex(r"[A-Z0-9][A-Z0-9=@.%-]{0,20}", fullmatch=True))
def test_the_route_of_a_path_is_the_path_without_its_arguments(make: Any, value: str) -> None:
    names = list(inspect.signature(make).parameters)
    marked = make(*("\N{SECTION SIGN}" for _ in names))
    assert paths.route(make(*(value for _ in names))) == re.sub("%C2%A7|\N{SECTION SIGN}", "{id}", marked)


def test_retries_of_writes_and_uploads_are_said(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(5)
    late = {"do": "status", "status": 429, "headers": {"Retry-After": "0"}, "method": "POST", "times": 2}
    emulator.fault(
        {**late, "path": "/user_account_compartments"},
        {**late, "path": "/document_imports", "times": 1},
        {"do": "drop_before", "method": "POST", "path": "/executions"},
    )
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    for what, attempt in (
        ("/v1/user_account_compartments", 2),
        ("/v1/datamarts/{id}/document_imports", 2),
        ("/v1/datamarts/{id}/document_imports/{id}/executions", 2),
    ):
        assert re.search(rf"^retrying POST {re.escape(what)}, attempt {attempt}, ", done.err, re.MULTILINE), (
            what
        )
