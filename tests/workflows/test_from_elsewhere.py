"""A load that this ledger did not make counts as any load, and is told."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import httpx
import pytest

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

CODE = "load-from-elsewhere"


def told(workspace: Workspace) -> list[str]:
    return [d["message"] for d in workspace.plan()["diagnostics"] if d["code"] == CODE]


def applied(workspace: Workspace) -> None:
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done


def test_loads_of_this_ledger_are_not_told(workspace: Workspace) -> None:
    for rows in (3, 4, 5):
        workspace.customers(rows)
        assert told(workspace) == []
        applied(workspace)
        assert told(workspace) == []


def test_a_load_of_another_ledger_is_told_until_an_apply_has_looked_at_it(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(3)
    applied(workspace)
    other = Workspace(tmp_path / "other", emulator.url)
    other.customers(4)
    assert told(other) == []  # its ledger knows no load of the source
    applied(other)
    workspace.customers(4)
    (message,) = told(workspace)
    assert "load 2 on the platform was not made with this ledger: import" in message
    applied(workspace)
    assert told(workspace) == []
    other.customers(5)
    applied(other)
    assert told(other) == []
    assert len(told(workspace)) == 1


def test_an_older_copy_of_the_ledger_is_another_ledger(workspace: Workspace) -> None:
    workspace.customers(3)
    applied(workspace)
    shutil.copytree(workspace.root / ".reconciler", workspace.root / "older")
    workspace.customers(4)
    applied(workspace)
    shutil.rmtree(workspace.root / ".reconciler")
    (workspace.root / "older").rename(workspace.root / ".reconciler")
    assert len(told(workspace)) == 1


def test_a_whole_load_that_somebody_forged_is_told(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(3)
    applied(workspace)
    names = emulator.imports_named("1509")
    assert len(names) == 2
    forged = LoadKey("shop", "customers", 2, "f" * 12)
    for name in (ChunkName(forged, 64_000_000, 1, 1, "e" * 12, 1), SealName(forged, 3, 0)):
        body = {
            "document_type": "USER_PROFILE",
            "mime_type": "APPLICATION_X_NDJSON",
            "encoding": "utf-8",
            "name": str(name),
        }
        answer = httpx.post(
            f"{emulator.url}/v1/datamarts/1509/document_imports", json=body, headers={"Authorization": "t"}
        )
        assert answer.status_code == 200, answer.text
    (message,) = told(workspace)
    assert "load 2 on the platform was not made with this ledger" in message
    plan = workspace.run("plan")
    assert f"warning[{CODE}]" in plan.err


@pytest.mark.parametrize("times", [3])
def test_loads_of_a_query_are_not_told(times: int, workspace: Workspace) -> None:
    with contextlib.closing(sqlite3.connect(workspace.root / "crm.db")) as database:
        database.execute("create table c (id text, tier text)")
        database.commit()
    spec = CUSTOMERS.replace(
        'files: ["data/*.csv"]', "sql: {url: 'sqlite:///crm.db', query: 'select * from c'}"
    )
    workspace.write("specs/customers.yaml", spec)
    for n in range(times):
        with contextlib.closing(sqlite3.connect(workspace.root / "crm.db")) as database:
            database.execute("insert into c values (?, 'gold')", (f"u{n}",))
            database.commit()
        assert told(workspace) == []
        applied(workspace)
        assert told(workspace) == []
