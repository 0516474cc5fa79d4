"""G1: every command that is not meant to write is driven against a remote that counts anything but GET, without a ledger it
could write to."""

import stat
from pathlib import Path

import httpx
import pytest

from reconciler.api.client import Reader
from reconciler.origin import Origin
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ADDRESS = "ProfileSource/customers@retail-fr"
COMMANDS = [
    ("validate",),
    ("render",),
    ("plan",),
    ("plan", "-o", "json", "--only", "loads", "--reload", ADDRESS),
    ("plan", "--detailed-exitcode", "--datamart", "retail-fr"),
    ("apply", "--check", "PLAN"),
    ("apply",),  # nobody approves
    ("show", "PLAN"),
    ("show", "PLAN", "-o", "markdown"),
    ("plan", "-o", "html"),
    ("drift",),
    ("doctor",),
    ("clean",),
    ("export", "--out", "FOLDER"),
    ("rollout", "status"),
    ("conformance", "--organisation-id", "1185", "--datamart", "1509", "--endpoint", "URL"),
    ("diff", "PLAN", "PLAN"),
    ("source", "check", "customers"),
    ("source", "preview", "customers", "--line", "3"),
    ("source", "diff", "customers"),
    ("runs",),
    ("runs", "show"),
    ("config", "show", "--origin"),
    ("schema",),
    ("explain",),
]
MAY_FAIL = [("apply",), ("doctor",)]  # nobody approves; a ledger that may not be written is a failure there


def test_read_commands_send_nothing_but_get_and_need_no_writable_ledger(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20)
    head = "apiVersion: reconciler/v1\nkind: Rollout\nmetadata: {name: default}\n"
    waves = "spec: {waves: [{name: canary, datamarts: retail-fr}, {name: everyone, datamarts: rest}]}\n"
    workspace.write("specs/rollout.yaml", head + waves)
    assert workspace.run("apply", "--auto-approve").code == 0
    plan = str(workspace.root / "plan")
    workspace.customers(30, mark="v2")
    assert workspace.run("plan", "--out", plan).code == 0
    before, ledger = len(emulator.writes()), workspace.root / ".reconciler" / "ledger.db"
    emulator.fault(
        *({"method": m, "path": "/", "times": 9999, "do": "drop_before"} for m in ("POST", "PUT", "DELETE"))
    )
    for path in (ledger, ledger.parent):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o555)
    recorded = ledger.read_bytes()
    for command in COMMANDS:
        done = workspace.run(
            *(
                {"PLAN": plan, "URL": emulator.url, "FOLDER": str(workspace.root / "specs")}.get(word, word)
                for word in command
            )
        )
        assert done.code in ((0, 1) if command in MAY_FAIL else (0, 2)), (command, done)
        assert len(emulator.writes()) == before, command
    assert ledger.read_bytes() == recorded
    ledger.parent.chmod(0o755)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_transport_of_a_reader_refuses_any_other_method(method: str, tmp_path: Path) -> None:
    sent: list[str] = []
    transport = httpx.MockTransport(lambda r: sent.append(r.method) or httpx.Response(200))  # type: ignore[func-returns-value]
    reader = Reader(Origin.parse("http://127.0.0.1:1"), "t", transport)
    with (
        pytest.raises(RuntimeError, match=f"read-only transport was asked to {method}"),
        reader._client() as client,
    ):
        client.request(method, "/x")
    assert sent == []
