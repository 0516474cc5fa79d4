"""One suite for both databases of the ledger, and what only one of them has: migrations of a file, leases of a server."""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from reconciler.errors import LedgerFailed, LockHeld
from reconciler.ledger import lease as leases
from reconciler.ledger import postgres as pg
from reconciler.ledger import sqlite as file
from reconciler.ledger.database import SCHEMA_VERSION, Database, migration
from reconciler.ledger.history import History
from reconciler.ledger.lease import Lease
from reconciler.ledger.lock import Owner
from reconciler.ledger.open_writes import EVERY_LOAD, EVERYTHING, OpenWrites
from reconciler.ledger.rollouts import Rollouts
from reconciler.ledger.store import Ledger
from reconciler.model.baseline import Baseline, Left
from reconciler.model.load import ManualVerdict, UploadNotes
from reconciler.model.removal import RefusedRemoval
from tests.support.pooler import POOL, pooled
from tests.support.postgres import execute, new_database


class Kind(NamedTuple):
    """How one database is opened."""

    write: Callable[[], Database]
    read: Callable[[], AbstractContextManager[Database | None]]


@pytest.fixture(scope="module")
def server() -> str:
    return new_database()


@pytest.fixture
def url(server: str) -> str:
    execute(server, "DROP SCHEMA IF EXISTS reconciler CASCADE")
    return server


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close whatever a test opens."""
    made: list[Database] = []
    for module, name in ((file, "open_file"), (pg, "open_url")):
        opening = getattr(module, name)
        monkeypatch.setattr(module, name, lambda x, o=opening: made.append(o(x)) or made[-1])
    yield
    for database in made:
        database.close()


@pytest.fixture(scope="module")
def through_a_pooler(server: str) -> Iterator[str]:
    # Not below pytest's folder, which is shut to the user that it runs as.
    with tempfile.TemporaryDirectory() as folder, pooled(server, Path(folder)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "pgbouncer"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "sqlite":
        path = tmp_path / "deep" / "ledger.db"
        return Kind(lambda: file.open_file(path), lambda: file.read_only(path))
    found = request.getfixturevalue("url")
    if request.param == "pgbouncer":
        found = request.getfixturevalue("through_a_pooler")
    return Kind(lambda: pg.open_url(found), lambda: pg.read_only(found))


def opened(kind: Kind, organisation: str = "1", host: str = "here") -> Ledger:
    return Ledger(kind.write(), "o", organisation, host, time.time)


def test_runs_and_their_journal_are_kept_apart_by_organisation_and_survive(kind: Kind) -> None:
    ledger, other = opened(kind), opened(kind, "2")
    assert (ledger.last_run(), ledger.last_nonce(), ledger.finished("d1")) == (None, None, False)
    first = ledger.begin("d1", "plan % ? 'ü'", "inverse", "n1")
    ledger.note(first, "Compartment/x", "create", "intent")
    ledger.note(first, "Compartment/x", "create", "succeeded", name="?%s", count=3)
    assert ledger.last_nonce() is None  # it has not ended
    ledger.end(first, "finished")
    other.begin("d2", "p", "", "n2")
    assert ledger.finished("d1")
    assert not other.finished("d1")
    assert (ledger.last_nonce(), ledger.knows("n1"), ledger.knows("n2")) == ("n1", True, False)
    ledger.close()
    again = opened(kind)
    run = again.last_run()
    assert run is not None
    assert (run.id, run.plan, run.state) == (first, "plan % ? 'ü'", "finished")
    history = History(kind.read, "o", "1")
    assert [(r.id, r.plan_digest, r.state) for r in history.runs(5)] == [(first, "d1", "finished")]
    assert history.run(99) is None
    assert history.inverse(first) == "inverse"
    entries = [(e.address, e.step, e.state, e.detail) for e in history.journal(first)]
    assert entries == [
        ("Compartment/x", "create", "intent", {}),
        ("Compartment/x", "create", "succeeded", {"name": "?%s", "count": 3}),
    ]


def test_notes_of_many_threads_are_all_there_each_once_and_in_the_order_of_each_thread(kind: Kind) -> None:
    ledger = opened(kind)
    run = ledger.begin("d", "p", "", "n")

    def notes(thread: int) -> None:
        for n in range(25):
            ledger.note(run, f"t{thread}", "create", str(n))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(notes, range(12)))
    entries = History(kind.read, "o", "1").journal(run)
    assert len(entries) == 12 * 25
    for thread in range(12):
        assert [e.state for e in entries if e.address == f"t{thread}"] == [str(n) for n in range(25)]


def test_no_note_counts_as_durable_that_a_failing_database_did_not_write(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = opened(kind)
    run, many, calls = ledger.begin("d", "p", "", "n"), ledger.database.many, []

    def failing(sql: str, rows: list[tuple[Any, ...]]) -> None:
        calls.append(len(rows))
        time.sleep(0.02)  # until all others wait
        if len(calls) == 2:  # the first has one note, the second all that came meanwhile
            raise LedgerFailed("disk full")
        many(sql, rows)

    monkeypatch.setattr(ledger.database, "many", failing)

    def note(n: int) -> bool:
        try:
            ledger.note(run, f"a{n}", "create", "intent")
        except LedgerFailed:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        durable = {f"a{n}" for n, good in enumerate(pool.map(note, range(20))) if good}
    assert durable
    assert durable <= {e.address for e in History(kind.read, "o", "1").journal(run)}


def test_refused_uploads_and_settled_chunks(kind: Kind) -> None:
    ledger = opened(kind)
    for _ in range(2):
        ledger.refuse("1509", "x")
    ledger.record_manual_verdict("1509", "load", 3, ManualVerdict(1, sent=False), "me")
    ledger.record_manual_verdict("1509", "load", 3, ManualVerdict(2, sent=True), "me")
    known = UploadNotes(frozenset({"x"}), {("load", 3): ManualVerdict(2, sent=True)})
    assert ledger.uploads("1509") == History(kind.read, "o", "1").uploads("1509") == known
    assert ledger.uploads("1510") == opened(kind, "2").uploads("1509") == UploadNotes()


def test_the_newest_look_at_each_resource_is_the_baseline(kind: Kind) -> None:
    ledger, history = opened(kind), History(kind.read, "o", "1")
    assert history.baseline("w") == Baseline()
    one, two = Left("Compartment/a", "compartment 1", {"name": "x"}), Left("Compartment/b", None, None)
    ledger.keep_look("w", [one, two], ["9"], at=100.0)
    ledger.keep_look("other", [two], ["8"], at=500.0)
    found = history.baseline("w")
    assert (found.since, found.datamarts) == (100.0, frozenset({"9"}))
    assert {a: (r.identity, r.shape) for a, r in found.rows.items()} == {
        "Compartment/a": ("compartment 1", {"name": "x"}),
        "Compartment/b": (None, None),
    }
    ledger.keep_baseline("w", [Left("Compartment/b", "compartment 2", {"name": "made"})])  # now
    ledger.keep_look("w", [one, two, Left("Compartment/c", "compartment 3", {})], [], at=200.0)  # some only
    found = history.baseline("w")
    assert found.rows["Compartment/b"].shape == {"name": "made"}  # a look of before does not undo it
    assert found.rows["Compartment/c"].at == 200.0
    ledger.keep_look(
        "w", [two], ["9", "7"], at=300.0
    )  # all that there is: what is not in it is gone, unless it is newer
    found = history.baseline("w")
    assert found.rows.keys() == {"Compartment/b"}
    assert found.datamarts == frozenset({"9", "7"})
    assert found.since is not None
    assert found.since > 1e9
    assert opened(kind, "2").database is not None
    assert History(kind.read, "o", "2").baseline("w") == Baseline()


def test_what_a_clock_that_was_ahead_recorded_does_not_outlast_later_applies(kind: Kind) -> None:
    ledger, history = opened(kind), History(kind.read, "o", "1")
    one, two = (
        Left("Compartment/a", "compartment 1", {"name": "x"}),
        Left("Compartment/b", "compartment 2", {}),
    )
    ledger.keep_look("w", [one, two], ["9"], at=9e10)  # a thousand years ahead
    ledger.keep_look("w", [Left("Compartment/a", "compartment 1", {"name": "y"})], ["8"], at=100.0)
    found = history.baseline("w")
    assert {a: r.shape for a, r in found.rows.items()} == {"Compartment/a": {"name": "y"}}
    assert (found.datamarts, found.since) == (frozenset({"8"}), 100.0)


def test_refused_removals_are_kept_until_one_succeeds(kind: Kind) -> None:
    ledger, history = opened(kind), History(kind.read, "o", "1")
    assert history.refused_removals().of("Activation", "9", "1") is None
    ledger.refuse_removals([RefusedRemoval("Activation", "9", "1", 403)])
    ledger.refuse_removals([RefusedRemoval("DocumentImport", "9", "5", 405)] * 2)
    found = history.refused_removals()
    assert [found.of("Activation", "9", n) is not None for n in "12"] == [True, False]
    assert found.of("DocumentImport", "7", "any") is not None  # there is no such call
    ledger.removed([("DocumentImport", "7", "8"), ("Activation", "9", "1")])
    found = history.refused_removals()
    assert found.of("Activation", "9", "1") is found.of("DocumentImport", "9", "5") is None


def test_open_writes_are_kept_for_every_run_until_they_are_closed(kind: Kind) -> None:
    ledger = opened(kind)
    first, second = (ledger.begin("d", "p", "", n) for n in ("n1", "n2"))
    a, b = "ProfileSource/a@x", "Compartment/b"
    assert ledger.open_writes() == OpenWrites()
    for run in (first, first, second):
        ledger.open(run, [a, b])
    ledger.close_writes([b], run=second)
    assert ledger.open_writes() == OpenWrites({a: second, b: first})
    ledger.see_through(second, [b])
    assert ledger.open_writes() == OpenWrites({a: second}, {b: second})
    ledger.open(first, [EVERYTHING])
    ledger.close_writes([EVERYTHING])
    assert ledger.open_writes() == OpenWrites({a: second, EVERY_LOAD: first}, {b: second})
    assert opened(kind, "2").open_writes() == OpenWrites()


def test_reading_needs_no_ledger_and_makes_none(kind: Kind) -> None:
    history = History(kind.read, "o", "1")
    assert (history.runs(5), history.journal(1), history.uploads("1509"), history.inverse(1)) == (
        [],
        [],
        UploadNotes(),
        None,
    )
    with kind.read() as database:
        assert database is None


def test_what_is_read_cannot_be_written(kind: Kind) -> None:
    opened(kind).close()
    with kind.read() as database:
        assert database is not None
        with pytest.raises(LedgerFailed, match=r"(?i)read.?only"):
            database.rows("DELETE FROM runs")


def test_a_file_of_a_version_before_is_carried_over_and_a_copy_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(path)
    db.executescript(
        migration(0, "INTEGER PRIMARY KEY").partition("CREATE TABLE settled")[0] + "PRAGMA user_version=1;"
    )
    db.execute("INSERT INTO refused_uploads VALUES ('o', '1', '1509', 'x')")
    db.execute("INSERT INTO runs VALUES (7, 'o', '1', 'here', 'd', 'p', 1.0, 2.0, 'finished')")
    db.commit()
    history = History(lambda: file.read_only(path), "o", "1")
    assert (history.uploads("1509"), history.inverse(7), len(history.runs(9))) == (
        UploadNotes(frozenset({"x"})),
        None,
        1,
    )
    assert db.execute("PRAGMA user_version").fetchone() == (1,)  # reading carried nothing over
    ledger = Ledger(file.open_file(path), "o", "1", "here", time.time)
    ledger.record_manual_verdict("1509", "load", 3, ManualVerdict(2, sent=True), "me")
    assert ledger.uploads("1509").refused == {"x"}
    assert ledger.open_writes() == OpenWrites()
    ledger.close()
    kept = sqlite3.connect(tmp_path / "ledger.db.v1.bak")
    assert kept.execute("SELECT name FROM refused_uploads").fetchall() == [("x",)]


def test_a_newer_ledger_is_refused_by_both(url: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    file.open_file(path).close()
    sqlite3.connect(path).execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}").close()
    pg.open_url(url).close()
    execute(url, f"UPDATE reconciler.version SET version={SCHEMA_VERSION + 1}")
    for attempt in (
        lambda: file.open_file(path),
        lambda: file.read_only(path).__enter__(),
        lambda: pg.open_url(url),
        lambda: pg.read_only(url).__enter__(),
    ):
        with pytest.raises(LedgerFailed, match=f"format {SCHEMA_VERSION + 1} is newer"):
            attempt()


def test_a_password_never_stands_in_a_message() -> None:
    with pytest.raises(LedgerFailed) as caught:
        pg.open_url("postgresql://me:s3cret-word@127.0.0.1:1/none")
    assert "s3cret-word" not in f"{caught.value} {caught.value.help} {caught.value.__cause__}"


def test_two_that_find_an_empty_server_make_its_tables_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for database in pool.map(lambda _: pg.open_url(url), range(4)):
            database.close()


# -- leases -------------------------------------------------------------------------------------------------------


def lease(url: str, name: str) -> Lease:
    database = pg.open_url(url)
    return Lease(
        database, "o", "1", Owner(name, "ada", "there", 7, 1.0), time.monotonic, pooled=database.pooled
    )


def test_a_lease_has_one_holder_who_is_named(url: str) -> None:
    first, second = lease(url, "aa"), lease(url, "bb")
    first.take(0, time.sleep)
    assert (first.held(), second.held()) == (True, False)
    with pytest.raises(LockHeld, match=r"ada on there \(process 7\), since 1970-01-01 00:00:01 UTC, lock aa"):
        second.take(0, time.sleep)
    threading.Timer(0.3, first.release).start()
    second.take(30, time.sleep)
    assert (first.held(), second.held()) == (False, True)
    second.release()


def ends_by(deadline: float, held: Lease) -> None:
    """Wait until a lease that nobody renews is free."""
    while held.held():
        assert time.monotonic() < deadline, "a lease that is not renewed is still held"
        time.sleep(0.05)


def test_a_broken_lease_and_one_that_cannot_be_renewed_are_no_longer_held(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "DURATION", 3.0)
    first = lease(url, "aa")
    first.take(0, time.sleep)
    time.sleep(4.0)
    assert first.held()  # renewed
    database = pg.open_url(url)
    assert leases.release(database, "o", "1", "aa")
    assert not leases.release(database, "o", "1", "aa")
    assert not first.held()
    cut = lease(url, "bb")
    cut.take(0, time.sleep)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert not cut.held()
    taken = lease(url, "cc")  # the connection that had it is gone, and the lease with it
    taken.take(0, time.sleep)
    assert taken.held()
    taken.release()
    silent = lease(url, "dd")
    silent.take(0, time.sleep)
    silent._ended.set()  # as a machine that is gone: connected, as far as the server knows, and silent
    ends_by(time.monotonic() + 30, silent)
    lease(url, "ee").take(0, time.sleep)


def test_behind_a_pooler_a_lease_has_one_holder_and_is_free_when_it_is_not_renewed(
    url: str, through_a_pooler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "DURATION", 3.0)
    first, second, direct = lease(through_a_pooler, "aa"), lease(through_a_pooler, "bb"), lease(url, "cc")
    first.take(0, time.sleep)
    for _ in range(20):  # whichever session of the server answers
        assert (first.held(), second.held(), direct.held()) == (True, False, False)
    time.sleep(4.0)
    assert first.held()  # renewed
    for other in (second, direct):
        with pytest.raises(LockHeld):
            other.take(0, time.sleep)
    first._ended.set()  # killed: nothing renews it, and no session of the server ends with it
    second.take(30, time.sleep)
    assert (first.held(), second.held()) == (False, True)
    second.release()
    direct.take(0, time.sleep)
    direct.release()


def test_a_pooler_that_was_not_recognised_loses_the_lease_and_does_not_share_it(
    url: str, through_a_pooler: str
) -> None:
    database = pg.open_url(through_a_pooler)
    assert database.pooled
    assert not pg.open_url(url).pooled
    taken = Lease(database, "o", "1", Owner("aa", "ada", "there", 7, 1.0), time.monotonic, pooled=False)
    taken.take(0, time.sleep)
    with ExitStack() as stack:  # so many transactions at once need as many sessions of the server
        for _ in range(3):
            stack.enter_context(psycopg.connect(through_a_pooler)).execute("SELECT 1")
    assert not all(taken.held() for _ in range(10))
    taken.release()


def test_what_a_command_reads_takes_one_connection_which_is_opened_again_after_it_failed(url: str) -> None:
    kept = pg.Kept(url)
    with kept() as database:
        assert database is None  # no tables yet
    ledger = Ledger(pg.open_url(url), "o", "1", "here", time.time)
    history = History(kept, "o", "1")
    assert history.runs(5) == []
    ledger.begin("d", "p", "", "n")
    with psycopg.connect(url, autocommit=True) as admin:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        before = admin.execute(f"SELECT count(*) {others}").fetchone()
        for _ in range(20):
            assert len(history.runs(5)) == 1
        assert admin.execute(f"SELECT count(*) {others}").fetchone() == before
        admin.execute(f"SELECT pg_terminate_backend(pid, 2000) {others}")
    with pytest.raises(LedgerFailed):
        history.runs(5)
    assert len(history.runs(5)) == 1
    kept.close()


def test_what_is_read_through_a_pooler_leaves_it_writable(url: str, through_a_pooler: str) -> None:
    pg.open_url(through_a_pooler).close()
    for _ in range(8):
        with pg.read_only(through_a_pooler) as database:
            assert database is not None
            database.rows("SELECT count(*) FROM runs")
            with pytest.raises(LedgerFailed):
                database.rows("DELETE FROM journal")
        assert pg.rights(through_a_pooler).lacks is None
        Ledger(pg.open_url(through_a_pooler), "o", "1", "here", time.time).begin("d", "p", "", "n")


def test_a_server_without_a_free_connection_is_tried_again_and_then_named(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    execute(url, "CREATE ROLE few LOGIN CONNECTION LIMIT 1", f"GRANT CREATE ON DATABASE {name} TO few")
    few = url.replace("postgres:@", "few:@")
    first = pg.open_url(few)
    threading.Timer(1.0, first.close).start()
    pg.open_url(few).close()  # it waited
    second = pg.open_url(few)
    monkeypatch.setattr(pg, "_FULL_S", 0.5)
    with pytest.raises(LedgerFailed, match="no connection left") as caught:
        pg.open_url(few)
    assert "PgBouncer" in str(caught.value.help)
    second.close()
    execute(url, "DROP OWNED BY few CASCADE", "DROP ROLE few")


def test_a_hundred_runners_behind_a_pooler_take_few_connections_of_the_server(
    url: str, through_a_pooler: str
) -> None:
    begun = threading.Barrier(100)

    def runner(n: int) -> bool:
        organisation, owner = f"o{n % 50}", Owner(f"id{n}", "ada", "there", n, 1.0)
        database = pg.open_url(through_a_pooler)
        begun.wait(120)
        taken = Lease(database, "o", organisation, owner, time.monotonic, pooled=database.pooled)
        taken.take(120, time.sleep)
        with closing(pg.open_url(through_a_pooler)) as other:
            ledger = Ledger(other, "o", organisation, "here", time.time)
            run = ledger.begin(f"d{n}", "p", "", f"n{n}")
            held = []
            for note in range(5):
                ledger.note(run, "a", "upload", "intent", name=str(note))
                held.append(taken.held())
            ledger.end(run, "finished")
        taken.release()
        database.close()
        return all(held)

    pg.open_url(url).close()
    with ThreadPoolExecutor(100) as pool:
        assert all(pool.map(runner, range(100)))
    with psycopg.connect(url, autocommit=True) as admin:
        assert admin.execute("SELECT count(*) FROM reconciler.journal").fetchone() == (500,)
        of_the_pooler = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND client_addr IS NULL AND pid <> pg_backend_pid()"
        assert (admin.execute(of_the_pooler).fetchone() or (99,))[
            0
        ] <= POOL + 1  # one was opened here, without it


def test_rollouts_are_kept_by_plan_and_moved_from_anywhere(kind: Kind) -> None:
    walker, other = (Rollouts(kind.write(), "o", "1", time.time) for _ in range(2))
    assert walker.newest() is None
    begun = walker.begin("d1", "plan % ?", "me")
    assert walker.begin("d1", "another", "you") == begun
    assert (begun.state, begun.who, begun.plan, dict(begun.waves)) == ("running", "me", "plan % ?", {})
    walker.note(begun.id, "canary", "applying", "", [])
    walker.note(begun.id, "canary", "soaking", "", [3, 4])
    seen = other.find("d1")
    assert seen is not None
    assert (seen.waves["canary"].state, seen.waves["canary"].runs) == ("soaking", (3, 4))
    assert other.now(begun.id, "canary") == seen.waves["canary"]
    assert (other.runs(begun.id, "canary"), other.runs(begun.id, "later")) == ((3, 4), ())
    assert other.move(begun.id, "paused", "lunch", "you")
    assert not walker.move(begun.id, "running", "", "me", unless=("paused", "aborted"))
    found = walker.newest()
    assert found is not None
    assert (found.state, found.why, found.who) == ("paused", "lunch", "you")
    assert walker.move(begun.id, "running", "", "me", unless=("aborted",))
    assert walker.begin("d2", "next", "me").id > begun.id
    with kind.read() as database:
        assert database is not None
        newest = Rollouts(database, "o", "1", time.time).newest()
        assert newest is not None
        assert newest.plan_digest == "d2"
    assert Rollouts(kind.write(), "o", "2", time.time).newest() is None


def test_many_programs_make_a_new_file_at_once_many_times(tmp_path: Path) -> None:
    """SQLite does not wait where two set the journal's mode: without a wait of ours one in 60 found the file busy."""
    for turn in range(60):
        with ThreadPoolExecutor(8) as pool:
            for opened in pool.map(file.open_file, [tmp_path / str(turn) / "ledger.db"] * 8):
                opened.close()


def test_a_file_that_another_process_keeps_is_not_to_be_moved_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "WAIT_S", 0.1)
    with (
        closing(file.open_file(tmp_path / "ledger.db")) as first,
        closing(sqlite3.connect(tmp_path / "ledger.db")) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerFailed, match="another process is using it") as refused:
            file.open_file(tmp_path / "ledger.db").rows("DELETE FROM runs")
        assert first is not None
    assert "move" not in refused.value.help
    assert "no state is lost" in refused.value.help


def test_many_programs_make_a_new_ledger_at_once(kind: Kind) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kind.write().rows("SELECT count(*) FROM runs"), range(8)))
    assert found == [[(0,)]] * 8
