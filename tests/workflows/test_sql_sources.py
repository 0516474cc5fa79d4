"""Queries as sources, end to end: PostgreSQL and SQLite, read once by apply, resumed from the spool after a kill."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.postgres import execute, new_database
from tests.support.workspace import Workspace, kill

SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: crm}}
spec:
  sql:
    url: {{env: CRM_DATABASE}}
    query: {{file: sql/customers.sql}}
  datamarts: retail-fr
  identify_by: {{compartment: loyalty, user_account_id: id}}
  update: {{force_replace: true}}
{more}"""
SECRET = "canary-5f2c"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'personal' AS tier FROM n"
TABLE = """CREATE TABLE customers AS
  SELECT n AS id, 'tier' || n % 3 AS tier, (n * 1.10)::numeric(20,2) AS spend, true AS opted_in,
         timestamptz '2026-11-25 12:00:00+00' AS seen, date '2000-01-31' AS born, NULL::text AS note,
         ARRAY['a', NULL] AS tags, '{"city": "Lyon"}'::jsonb AS address
  FROM generate_series(1, 3000) AS n"""


@pytest.fixture(scope="session")
def database() -> str:
    return new_database()


@pytest.fixture
def crm(workspace: Workspace, database: str) -> Iterator[Workspace]:
    execute(database, "DROP TABLE IF EXISTS customers", TABLE, "CREATE SEQUENCE IF NOT EXISTS s")
    workspace.write("specs/crm.yaml", SOURCE.format(more=""))
    workspace.write(
        "sql/customers.sql", "SELECT * FROM customers WHERE note IS NULL OR note NOT LIKE '%x' ORDER BY id"
    )
    workspace.env["CRM_DATABASE"] = database
    yield workspace
    assert not [
        p
        for p in (workspace.root / ".reconciler").rglob("*")
        if p.is_file() and SECRET in p.read_bytes().decode("latin-1")
    ]


def stored(emulator: Emulator) -> list[dict[str, Any]]:
    times = {"$creation_ts", "$last_modified_ts"}
    bodies = [json.loads(body) for _, _, body in emulator.profiles("1509")]
    return [{k: v for k, v in body.items() if k not in times} for body in bodies]


def test_rows_arrive_with_their_types_and_are_sent_once(crm: Workspace, emulator: Emulator) -> None:
    plan = crm.plan()
    (load,) = plan["loads"]
    assert (load["actions"], load["after_unknown"]["lines"]) == (["execute"], True)
    assert "known after apply" in crm.run("plan").out
    assert crm.run("apply", "--auto-approve").code == 0
    profiles = stored(emulator)
    assert len(profiles) == 3000
    assert next(p for p in profiles if p["$user_account_id"] == "7") == {
        "$user_account_id": "7", "$compartment_id": profiles[0]["$compartment_id"], "tier": "tier1", "spend": 7.7,
        "opted_in": True, "seen": "2026-11-25T12:00:00Z", "born": "2000-01-31", "tags": ["a", None], "address": {"city": "Lyon"},
    }  # fmt: skip
    assert list((crm.root / ".reconciler/spool").iterdir()) == []
    writes = len(emulator.writes())
    again = crm.run("apply", "--auto-approve")
    assert (again.code, len(emulator.writes())) == (0, writes), again
    assert "unchanged" in again.err


def test_new_rows_are_a_new_generation(crm: Workspace, emulator: Emulator, database: str) -> None:
    assert crm.run("apply", "--auto-approve").code == 0
    execute(database, "UPDATE customers SET tier = 'new' WHERE id = 5")
    assert crm.run("apply", "--auto-approve").code == 0
    assert {n.split(".")[3] for n in emulator.imports_named("1509") if "sealed" in n} == {"g1", "g2"}


def test_a_query_that_lost_most_of_its_rows_sends_nothing(
    crm: Workspace, emulator: Emulator, database: str
) -> None:
    assert crm.run("apply", "--auto-approve").code == 0
    before = len(emulator.writes())
    execute(database, "DELETE FROM customers WHERE id > 1000")
    done = crm.run("apply", "--auto-approve")
    assert done.code == 4, done
    assert "1,000 rows, after 3,000 in the last load" in " ".join(done.err.split())
    assert len(emulator.writes()) == before
    word = re.search(r"--allow '(guard-shrink:[^=]+)=WHY'", " ".join(done.err.split()))
    assert word
    allowed = ("--allow", f"{word[1]}=half of them moved away")
    planned = crm.run("plan", *allowed)
    assert (planned.code, "override-unused" in planned.err) == (0, False), planned
    execute(database, "INSERT INTO customers SELECT n FROM generate_series(1001, 1200) n")
    done = crm.run("apply", "--auto-approve", *allowed)
    assert done.code == 0, done
    assert len(emulator.profiles("1509")) == 3000
    assert any(name.endswith(".sealed.1200-0") for name in emulator.imports_named("1509"))


def test_a_saved_plan_holds_for_its_query_only(crm: Workspace, emulator: Emulator, database: str) -> None:
    assert crm.run("plan", "--out", str(crm.root / "p.json")).code == 0
    assert database not in (crm.root / "p.json").read_text()
    crm.write("sql/customers.sql", "SELECT * FROM customers LIMIT 1")
    done = crm.run("apply", str(crm.root / "p.json"))
    assert done.code == 4, done
    assert "the query changed since it was planned" in done.err
    assert emulator.writes() == []


def test_killed_and_run_again_it_ends_with_the_bytes_that_were_read_first(
    crm: Workspace, emulator: Emulator, database: str
) -> None:
    crm.write("specs/crm.yaml", SOURCE.format(more="  chunk: {max_bytes: 20000}\n"))
    emulator.switch(running_seconds=0.4)
    process = crm.start("apply", "--auto-approve", "--parallelism", "2")
    deadline = time.monotonic() + 60
    while not any(emulator.executions("1509").values()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kill(process, group=True, after=0.1)
    spools = [p for p in (crm.root / ".reconciler/spool").rglob("*") if p.is_file()]
    assert spools
    assert {oct(p.stat().st_mode)[-3:] for p in spools} == {"600"}
    assert (crm.root / ".reconciler/.gitignore").read_text() == "*\n"
    execute(database, "DELETE FROM customers WHERE id > 10")  # what was begun is finished first
    emulator.switch(running_seconds=0.0)
    assert crm.run("apply", "--auto-approve").code == 0
    assert len(stored(emulator)) == 3000
    assert all(len(e) == 1 for n, e in emulator.executions("1509").items() if "sealed" not in n)
    assert list((crm.root / ".reconciler/spool").iterdir()) == []


HOLDS = """import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()"""


def test_what_a_killed_run_had_read_in_part_is_removed_by_the_next(
    crm: Workspace, emulator: Emulator
) -> None:
    """Who holds it decides, not a number in its name: this process lives and holds neither of them."""
    held, left = (f"{name}-0123456789ab.partial-{os.getpid()}" for name in ("held", "left"))
    for name in (held, left):
        crm.write(f".reconciler/spool/{name}/0000.rows", '{"id":1}\n')
    folder = crm.root / ".reconciler/spool"
    holds = [sys.executable, "-c", HOLDS, str(folder / held / "in-use")]
    with subprocess.Popen(holds, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert crm.run("apply", "--auto-approve").code == 0
        assert [p.name for p in folder.iterdir()] == [held]
        writer.kill()
    crm.write("sql/customers.sql", "SELECT id FROM customers")
    assert crm.run("apply", "--auto-approve").code == 0
    assert list(folder.iterdir()) == []


def test_its_failed_lines_cannot_be_sent_again_and_that_is_said(crm: Workspace, emulator: Emulator) -> None:
    emulator.quarantine("7")
    assert crm.run("apply", "--auto-approve").code == 3
    done = crm.run("source", "retry", "crm", "--failed-lines", "--auto-approve")
    assert done.code == 4, done
    assert "is read once for each load" in done.err


def test_bad_rows_past_the_limit_send_nothing(crm: Workspace, emulator: Emulator) -> None:
    crm.write(
        "sql/customers.sql",
        f"SELECT id, CASE WHEN id = 4 THEN '\\x00'::bytea END AS blob, '{SECRET}' AS s FROM customers",
    )
    done = crm.run("apply", "--auto-approve")
    assert done.code == 3, done  # the compartment was made
    assert "column 'blob' holds binary data" in done.out + done.err
    assert emulator.executions("1509") == {}
    crm.write("specs/crm.yaml", SOURCE.format(more="  bad_lines: {allow: 1}\n"))
    done = crm.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "3,000 read = 2,999 to send + 1 rejected" in done.err
    assert SECRET not in done.out + done.err


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"SELECT '{SECRET}'::int AS id", "InvalidTextRepresentation 22P02"),
        ("SELECT * FROM nowhere", "UndefinedTable 42P01: there is no such table: nowhere"),
        ("SELECT 1 AS id, 2 AS id", "two columns of the query are named 'id'"),
        ("DELETE FROM customers", "SyntaxError 42601: the query has a syntax error near DELETE"),
        ("SELECT nextval('s')", "ReadOnlySqlTransaction"),
        (f"SELECT CASE WHEN n < 2900 THEN 1 ELSE ('{SECRET}' || n)::int END AS id FROM generate_series(1, 3000) n", "22P02"),
    ],
)  # fmt: skip
def test_errors_of_the_database_in_words_without_values(
    query: str, words: str, crm: Workspace, emulator: Emulator
) -> None:
    crm.write("sql/customers.sql", query)
    done = crm.run("apply", "--auto-approve")
    assert done.code in (1, 3), done
    assert words in " ".join((done.out + done.err).split()), done
    assert SECRET not in done.out + done.err
    assert emulator.executions("1509") == {}


def test_sqlite_and_source_check(workspace: Workspace, emulator: Emulator) -> None:
    with sqlite3.connect(workspace.root / "crm.db") as db:
        db.execute("CREATE TABLE customers (id TEXT, tier TEXT, points INTEGER, note TEXT)")
        db.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, NULL)", [(f"c{n}", "gold", n) for n in range(1500)]
        )
    db.close()
    spec = SOURCE.format(more="  profile: {nulls: keep, exclude: [tier]}\n")
    workspace.write("specs/crm.yaml", spec.replace("{file: sql/customers.sql}", "SELECT * FROM customers"))
    workspace.env["CRM_DATABASE"] = f"sqlite:///{workspace.root}/crm.db"
    checked = workspace.run("source", "check", "crm")
    assert checked.code == 0, checked
    assert "1,500 rows" in checked.out
    assert list((workspace.root / ".reconciler").glob("spool/*")) == []
    assert workspace.run("apply", "--auto-approve").code == 0
    assert stored(emulator)[0].keys() == {"$user_account_id", "$compartment_id", "points", "note"}


@pytest.mark.parametrize("after", [0.05, 0.5])
def test_what_a_killed_look_had_read_is_in_the_private_folder_and_is_removed(
    workspace: Workspace, tmp_path: Path, after: float
) -> None:
    sqlite3.connect(workspace.root / "crm.db").close()
    text = SOURCE.format(more="").replace("{env: CRM_DATABASE}", "'sqlite:///crm.db'")
    workspace.write("specs/crm.yaml", text.replace("{file: sql/customers.sql}", f"{json.dumps(ENDLESS)}"))
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    spool = workspace.root / ".reconciler/spool"
    process = workspace.start("source", "check", "crm", TMPDIR=str(elsewhere))
    deadline = time.monotonic() + 60
    while not (found := list(spool.glob("look.*/*/*.rows"))) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert found
    assert kill(process, group=True, after=after)
    assert not [p for p in elsewhere.rglob("*") if p.is_file() and p.stat().st_size]
    assert {p.stat().st_mode & 0o077 for p in [spool, *spool.rglob("*")]} == {0}
    (workspace.root / "specs/crm.yaml").unlink()
    assert workspace.run("apply", "--auto-approve").code == 0
    assert list(spool.iterdir()) == []


def test_an_sqlite_file_is_looked_for_in_the_workspace_and_never_made(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = SOURCE.format(more="").replace("{env: CRM_DATABASE}", "'sqlite:///crm data.db'")
    workspace.write(
        "specs/crm.yaml",
        text.replace("{file: sql/customers.sql}", "SELECT id, 'x' AS tier FROM c"),
    )
    absent = workspace.run("source", "check", "crm")
    assert (absent.code, "there is no SQLite file crm data.db" in absent.err) == (1, True), absent
    assert not list(tmp_path.glob("*.db"))
    assert not list(workspace.root.glob("*.db"))
    with contextlib.closing(sqlite3.connect(workspace.root / "crm data.db")) as database:
        database.executescript("CREATE TABLE c (id TEXT); INSERT INTO c VALUES ('a'), ('b');")
    before = (workspace.root / "crm data.db").read_bytes()
    done = workspace.run("source", "check", "crm", "-o", "json")
    assert done.code == 0, done
    assert (workspace.root / "crm data.db").read_bytes() == before


@pytest.mark.parametrize("url", ["sqlite:///{outside}", "sqlite:///link.db", "sqlite:///../outside.db"])
def test_an_sqlite_file_outside_the_workspace_is_read_only_where_that_is_allowed(
    url: str, workspace: Workspace
) -> None:
    outside = workspace.root.parent / "outside.db"
    with contextlib.closing(sqlite3.connect(outside)) as database:
        database.executescript("CREATE TABLE c (id TEXT); INSERT INTO c VALUES ('a'), ('b');")
    (workspace.root / "link.db").symlink_to(outside)
    text = SOURCE.format(more="").replace("{env: CRM_DATABASE}", f"'{url.format(outside=outside)}'")
    workspace.write(
        "specs/crm.yaml", text.replace("{file: sql/customers.sql}", "SELECT id, 'x' AS tier FROM c")
    )
    refused = workspace.run("source", "check", "crm")
    assert (refused.code, "lies outside the workspace" in refused.err) == (1, True), refused
    settings = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", f"{settings.rstrip()}\n  allow_outside_paths: true\n")
    assert workspace.run("source", "check", "crm").code == 0


def test_an_sqlite_file_is_named_by_a_path(workspace: Workspace) -> None:
    text = SOURCE.format(more="").replace("{env: CRM_DATABASE}", "'sqlite:///file:/etc/made.db?uri=true'")
    workspace.write("specs/crm.yaml", text)
    workspace.write("sql/customers.sql", "SELECT 1 AS id")
    refused = workspace.run("source", "check", "crm")
    assert (refused.code, "by a `file:` address" in refused.err) == (1, True), refused
