"""A plan belongs to one environment, and a token to one organisation: nothing is ever applied across."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.sandbox.seed import SEED
from tests.support.emulator import Emulator
from tests.support.workspace import DATAMARTS, Workspace

ENVIRONMENTS = """\
  environments:
    dev: {organisation_id: "1190"}
    prod: {organisation_id: "1185"}
"""
TWO = {
    **SEED,
    "datamarts": [*SEED["datamarts"], {"id": "3010", "name": "Dev", "organisation_id": "1190"}],
}


@pytest.fixture
def emulator(emulator_with: Callable[..., Emulator]) -> Emulator:
    return emulator_with(TWO)


@pytest.fixture
def workspace(tmp_path: Path, emulator: Emulator) -> Workspace:
    made = Workspace(tmp_path / "ws", emulator.url)
    with (made.root / "reconciler.yaml").open("a") as file:
        file.write(ENVIRONMENTS)
    table = DATAMARTS.replace('"1509"', '{prod: "1509", dev: "3010"}').replace('"1510"', '{prod: "1510"}')
    made.write("specs/datamarts.yaml", table)
    made.write(
        "specs/loyalty.dev.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: loyalty, environment: dev}\n"
        "spec: {name: Loyalty (dev)}\n",
    )
    return made


def test_the_sandbox_needs_no_variable_for_its_token(tmp_path: Path) -> None:
    """It takes any; an environment with it can be tried before anybody made a secret for it."""
    workspace = Workspace(tmp_path / "ws", "sandbox:")
    text = (
        (workspace.root / "reconciler.yaml").read_text().replace("endpoint: sandbox:", 'endpoint: "sandbox:"')
    )
    workspace.write("reconciler.yaml", text + "  token: {env: MICS_DEV_IS_NOT_SET}\n")
    try:
        done = workspace.run("plan", RECONCILER_TOKEN="")
        assert done.code == 0, done
    finally:
        workspace.run("sandbox", "stop")


def test_a_plan_is_applied_in_its_own_environment_and_in_no_other(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    path = str(tmp_path / "dev.plan")
    assert workspace.run("plan", "--environment", "dev", "--out", path).code == 0
    plan = json.loads(Path(path).read_text())
    assert (plan["environment"], plan["organisation_id"]) == ("dev", "1190")
    assert next(c["change"]["after"].get("name") for c in plan["resource_changes"]) == "Loyalty (dev)"
    for wrong in (["--environment", "prod"], []):
        env = {} if wrong else {"RECONCILER_ENVIRONMENT": "prod"}
        done = workspace.run("apply", path, *wrong, **env)
        assert done.code == 4, done
        assert "organisation 1190" in done.err
    assert emulator.writes() == []
    assert workspace.run("apply", "--check", path).code == 0
    assert workspace.run("apply", path).code == 0  # nobody has to repeat the environment that the plan knows
    assert {c["organisation_id"] for c in emulator.store.all("compartment", "1190")} == {"1190"}
    assert workspace.run("plan", "--environment", "dev", "--detailed-exitcode").code == 0
    assert workspace.run("plan", "--environment", "prod", "--detailed-exitcode").code == 2


ROWS = [{"id": "1509", "name": "Theirs", "organisation_id": "2000", "type": "DATAMART", "archived": False}]


class Foreign(BaseHTTPRequestHandler):
    """A platform whose token belongs to organisation 2000, whatever is asked for."""

    def do_GET(self) -> None:
        data = ROWS if self.path.startswith("/v1/datamarts?") else []
        body = json.dumps({"status": "ok", "data": data, "count": len(data), "total": len(data)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        line = args[0] if args else ""
        assert str(line).startswith("GET "), (
            line
        )  # anything else has no handler: it is answered 501, and told here
        LOG.append(str(line))


LOG: list[str] = []


@pytest.fixture
def foreign() -> Iterator[str]:
    LOG.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_token_that_answers_for_another_organisation_is_refused(foreign: str, workspace: Workspace) -> None:
    for command in (["plan"], ["apply", "--auto-approve"]):
        done = workspace.run(*command, "--environment", "prod", "--endpoint", foreign)
        assert done.code == 1, done
        assert "no datamart of organisation 1185; the token belongs to organisation 2000" in done.err
        assert "create" not in done.out
    assert LOG
    assert all(line.startswith("GET ") for line in LOG)


def test_a_saved_plan_is_not_applied_with_a_token_of_another_organisation(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    path = str(tmp_path / "prod.plan")
    assert workspace.run("plan", "--environment", "prod", "--out", path).code == 0
    for row in emulator.store.all("datamart", "1185"):
        emulator.store.update("datamart", row["id"], {"organisation_id": "2000"})
    for command in (["apply", path], ["apply", "--check", path]):
        done = workspace.run(*command)
        assert done.code == 1, done
        assert "the token belongs to organisation 2000; nothing was written" in done.err
    assert emulator.writes() == []


def test_a_ledger_that_is_referred_to_is_needed_by_apply_only(workspace: Workspace, tmp_path: Path) -> None:
    text = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", text.replace("  specs:", "  ledger: {env: MY_LEDGER}\n  specs:"))
    for command in (["validate"], ["plan", "--environment", "prod"]):
        assert workspace.run(*command).code == 0
    missing = workspace.run("apply", "--environment", "prod", "--auto-approve")
    assert missing.code == 1
    assert "environment variable MY_LEDGER, which is not set" in missing.err
    done = workspace.run(
        "apply", "--environment", "prod", "--auto-approve", MY_LEDGER=f"sqlite:{tmp_path}/l.db"
    )
    assert done.code == 0, done
    assert (tmp_path / "l.db").exists()
