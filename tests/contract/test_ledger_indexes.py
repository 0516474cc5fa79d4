"""No statement of the ledger reads a large table from its first row to its last, in either database.

Every public method is called on a database that records what it is asked; each statement is then explained, in PostgreSQL over
150,000 rows of the journal, or as many as RECONCILER_LEDGER_ROWS says: a million was seen to give the same.
"""

import inspect
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reconciler.ledger import baselines, lease
from reconciler.ledger import postgres as pg
from reconciler.ledger import sqlite as file
from reconciler.ledger.database import Database, Row
from reconciler.ledger.history import History
from reconciler.ledger.lock import Owner
from reconciler.ledger.open_writes import EVERYTHING, Mark
from reconciler.ledger.rollouts import Rollouts
from reconciler.ledger.store import Ledger
from reconciler.model.baseline import Left
from reconciler.model.load import ManualVerdict
from reconciler.model.removal import RefusedRemoval
from tests.support.postgres import execute, new_database

ORGANISATIONS, NOTES = 20, int(os.environ.get("RECONCILER_LEDGER_ROWS", "150000"))
RUNS = NOTES // 50
FILL = (
    "SET session_replication_role = replica",  # that runs exist is not checked row by row
    f"INSERT INTO reconciler.runs(origin, organisation_id, host, plan_digest, plan, inverse, started, state, nonce, inverse_digest) SELECT 'o', (n % {ORGANISATIONS})::text, 'h', 'd' || n, '', '', n, 'finished', 'n' || n, 'i' || n FROM generate_series(1, {RUNS}) n",
    f"INSERT INTO reconciler.journal(run, at, address, step, state, detail) SELECT 1 + n / 50, n, 'ProfileSource/s' || n % 97, CASE WHEN n % 50 = 0 THEN 'load' WHEN n % 2 = 0 THEN 'upload' ELSE 'import' END, CASE WHEN n % 50 = 0 THEN 'succeeded' ELSE 'intent' END, '{{}}' FROM generate_series(1, {NOTES - 1}) n",
    f"INSERT INTO reconciler.refused_uploads SELECT 'o', (n % {ORGANISATIONS})::text, (n % 50)::text, 'x' || n FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.settled_chunks SELECT 'o', (n % {ORGANISATIONS})::text, (n % 50)::text, 'x' || n, n, 1, 1, n, 'w' FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.looks SELECT 'o', (n % {ORGANISATIONS})::text, 'load:' || n, n, n, n FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.reported_executions SELECT 'o', (n % {ORGANISATIONS})::text, '1', 'x' || n FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.baselines SELECT 'o', (n % {ORGANISATIONS})::text, 'w', 'a' || n, NULL, 'null', n FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.compartments SELECT 'o', (n % {ORGANISATIONS})::text, 'w', 'a' || n, 'x' FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.open_writes SELECT 'o', (n % {ORGANISATIONS})::text, 'load:' || n, 1 FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.seen_through SELECT 'o', (n % {ORGANISATIONS})::text, 'load:' || n, 1 FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.refused_removals SELECT 'o', (n % {ORGANISATIONS})::text, 'Activation', '1', 'x' || n, 404, n FROM generate_series(1, 10000) n",
    f"INSERT INTO reconciler.rollouts(origin, organisation_id, plan_digest, plan, state, why, who, started, updated) SELECT 'o', (n % {ORGANISATIONS})::text, 'd' || n, '', 'finished', '', '', n, n FROM generate_series(1, 10000) n",
    "INSERT INTO reconciler.waves SELECT 1 + n / 5, 'w' || n % 5, 'passed', n, '', '[]' FROM generate_series(0, 9999) n",
    "ANALYZE",
)


class Recording:
    """A database that notes statements, each with one row of values, and asks another."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.asked: dict[str, Sequence[Any]] = {}

    def rows(self, sql: str, *values: Any) -> list[Row]:
        self.asked.setdefault(sql, values)
        return self.database.rows(sql, *values)

    def many(self, sql: str, rows: Iterable[Row]) -> None:
        found = list(rows)
        if found:
            self.asked.setdefault(sql, found[0])
        self.database.many(sql, found)

    def close(self) -> None:
        self.database.close()


def everything(database: Database, *, server: bool) -> dict[str, Sequence[Any]]:
    """What all of the ledger asks. A method that is not called here fails the test."""
    asking = Recording(database)
    called: list[str] = []

    @contextmanager
    def opened() -> Iterator[Database]:
        yield asking

    def call(subject: Any, name: str, *values: Any, **named: Any) -> Any:
        called.append(f"{type(subject).__name__}.{name}")
        return getattr(subject, name)(*values, **named)

    ledger = Ledger(asking, "o", "1", "h", time.time)
    run = call(ledger, "begin", "d", "p", "i", "n", "x")
    removal = RefusedRemoval("Activation", "1", "2", 404, 1.0)
    for name, *values in (
        ("last_run",), ("run", run), ("last_nonce",), ("knows", "n"), ("open_writes",), ("open", run, {"load:1"}), ("see_through", run, {"load:1"}),
        ("close_writes", {EVERYTHING, "load:2"}), ("close_writes", {"load:3"}, run), ("finished", "d"), ("note", run, "a", "load", "succeeded"),
        ("remember_compartments", "w", {"a": "1"}), ("learn_compartments", "w", {"b": "2"}), ("keep_baseline", "w", [Left("a", None, None)]), ("keep_look", "w", [Left("b", None, None)], ["1"], 5.0),
        ("keep_look", "w", [Left("b", None, None)], [], 5.0), ("refuse", "1", "x"), ("refuse_removals", [removal]), ("removed", [("Activation", "1", "2")]),
        ("report", "1", ["7"]), ("watch", "load:1", 1), ("look", "load:1", 1, 1.0, 2.0),
        ("record_manual_verdict", "1", "x", 1, ManualVerdict(1, True), "me"), ("uploads", "1"), ("end", run, "finished"),
    ):  # fmt: skip
        call(ledger, name, *values)
    history = History(opened, "o", "1")  # type: ignore[arg-type]
    for name, *values in (
        ("runs", 20), ("run", run), ("inverse", run), ("inverses", "x"), ("journal", run), ("compartments", "w"), ("baseline", "w"), ("refused_removals",),
        ("loads_ended", time.time() - 1), ("load_ends",), ("reported",), ("work_ends",), ("looks",), ("newest_loads",), ("uploads", "1"),
    ):  # fmt: skip
        call(history, name, *values)
    board = Rollouts(asking, "o", "1", time.time)
    begun = call(board, "begin", "new", "p", "me")
    for name, *values in (
        ("find", "new"), ("newest",), ("numbered", begun.id), ("move", begun.id, "paused", "", "me"), ("note", begun.id, "w", "passed", "", [1]), ("now", begun.id, "w"),
        ("runs", begun.id, "w"), ("of_runs",),
    ):  # fmt: skip
        call(board, name, *values)
    call(board, "move", begun.id, "running", "", "me", unless=("aborted",))
    public = {
        f"{c.__name__}.{n}" for c in (Ledger, History, Rollouts) for n, f in inspect.getmembers(c, inspect.isfunction) if not n.startswith("_")
    }  # fmt: skip
    assert public - {*called} == {"Ledger.close"}, "call it above"
    if server:
        taken = lease.Lease(asking, "o", "1", Owner("aa", "me", "h", 1, 1.0), time.monotonic, pooled=False)
        taken.take(0, time.sleep)
        assert taken.held()
        taken.mark(Mark("n", quiet=True))
        asking.rows(lease._RENEW, lease.DURATION, "o", "1", "aa")
        taken.release()
        lease.holder(asking, "o", "1")
    baselines.read(asking, ("o", "1", "w"))
    return asking.asked


def scanned(plan: Any) -> Iterator[str]:
    """Tables that a plan of PostgreSQL reads whole."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from scanned(below)


def test_postgresql_reads_no_table_whole() -> None:
    url = new_database()
    database = pg.open_url(url)
    execute(url, *FILL)
    asked = everything(database, server=True)
    database.close()
    whole = {}
    with psycopg.connect(url) as connection:
        for sql, values in asked.items():
            (found,) = connection.execute(f"EXPLAIN (FORMAT JSON) {pg._named(sql)}", values).fetchone() or ()  # type: ignore[call-overload]
            if tables := set(scanned(found[0]["Plan"])) - {
                "leases",
                "baseline_looks",
            }:  # a row for each organisation
                whole[sql] = tables
    assert not whole, "\n".join(f"{tables} in {sql}" for sql, tables in whole.items())
    assert len(asked) > 50


def test_sqlite_reads_no_table_whole(tmp_path: Path) -> None:
    with closing(file.open_file(tmp_path / "ledger.db")) as database:
        asked = everything(database, server=False)
    whole = {}
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        for sql, values in asked.items():
            steps = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
            if any(words.startswith("SCAN") and "USING" not in words for *_, words in steps):
                whole[sql] = [words for *_, words in steps]
    assert not whole, "\n".join(f"{words} in {sql}" for sql, words in whole.items())


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT 1 FROM runs WHERE a=? AND b LIKE '%x'", "SELECT 1 FROM reconciler.runs WHERE a=%s AND b LIKE '%%x'"),
        ("INSERT INTO leases (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a=excluded.a WHERE leases.a IN (SELECT 1 FROM pg_stat_activity)",
         "INSERT INTO reconciler.leases (a) VALUES (%s) ON CONFLICT (a) DO UPDATE SET a=excluded.a WHERE leases.a IN (SELECT 1 FROM pg_stat_activity)"),
        ("UPDATE runs SET state=?", "UPDATE reconciler.runs SET state=%s"),
        ("DELETE FROM runs_of_others", "DELETE FROM runs_of_others"),
    ],
)  # fmt: skip
def test_tables_are_named_with_their_schema(sql: str, named: str) -> None:
    assert pg._named(sql) == named
