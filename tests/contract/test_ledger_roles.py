"""Rights of a role on the PostgreSQL server: where `doctor` says that the ledger can be written, a run can use it, and nowhere else."""

import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from reconciler.errors import LedgerFailed
from reconciler.ledger import inspect
from reconciler.ledger import postgres as pg
from reconciler.ledger.database import SCHEMA_VERSION, migration
from reconciler.ledger.lease import Lease
from reconciler.ledger.lock import Owner
from reconciler.ledger.open_writes import Mark
from reconciler.ledger.store import Ledger
from tests.support.postgres import execute, new_database

_ROWS = "SELECT, INSERT, UPDATE, DELETE"
_SEEN = "GRANT USAGE ON SCHEMA reconciler TO {role}"
_EACH = f"GRANT {_ROWS} ON ALL TABLES IN SCHEMA reconciler TO {{role}}"


@pytest.fixture
def url() -> str:
    return new_database()


@pytest.fixture
def role(url: str) -> Iterator[str]:
    """A role without any right, of this test alone: the server is shared."""
    name = f"r{uuid.uuid4().hex}"
    execute(url, f"CREATE ROLE {name} LOGIN")
    yield name
    execute(url, f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


def of(url: str, role: str) -> str:
    return url.replace("postgres:@", f"{role}:@")


def tables(url: str, version: int = SCHEMA_VERSION) -> None:
    """The tables as a version has them, made by the server's own user."""
    pg.open_url(url).close()
    if version != SCHEMA_VERSION:
        execute(url, "DROP SCHEMA reconciler CASCADE", "CREATE SCHEMA reconciler")
        with psycopg.connect(url) as db:
            db.execute("SET search_path TO reconciler")
            db.execute("CREATE TABLE version (version INTEGER NOT NULL)")
            # All that a version has is not asked here, only that it is an older one.
            db.execute(migration(0, pg._IDENTITY))  # type: ignore[arg-type]
            db.execute(f"INSERT INTO version VALUES ({version})")  # type: ignore[call-overload]


NO_TABLES = [
    (["GRANT CREATE ON DATABASE {database} TO {role}"], True),
    (["CREATE SCHEMA reconciler AUTHORIZATION {role}"], True),
    (["CREATE SCHEMA reconciler", "GRANT USAGE, CREATE ON SCHEMA reconciler TO {role}"], True),
    (["CREATE SCHEMA reconciler", _SEEN], False),
    (["GRANT CREATE ON SCHEMA public TO {role}"], False),
    ([], False),
]
TABLES = [
    ([_SEEN, _EACH], True),
    ([_SEEN, "GRANT SELECT ON ALL TABLES IN SCHEMA reconciler TO {role}"], False),
    ([_SEEN, "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA reconciler TO {role}"], False),
    (
        [
            _SEEN,
            _EACH,
            "REVOKE UPDATE ON reconciler.leases FROM {role}",
        ],
        False,
    ),
    ([_EACH], False),  # without USAGE
    ([_SEEN, _EACH, "ALTER ROLE {role} SET default_transaction_read_only = on"], False),
    ([_SEEN, _EACH, "ALTER TABLE reconciler.open_writes ENABLE ROW LEVEL SECURITY"], False),
    (
        [
            _SEEN,
            _EACH,
            "ALTER TABLE reconciler.journal ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY a_part ON reconciler.journal USING (id > 7)",
        ],
        False,
    ),
    ([], False),
]


def granted(url: str, role: str, statements: list[str]) -> None:
    database = url.partition("?")[0].rpartition("/")[2]
    execute(url, *(s.format(role=role, database=database) for s in statements))


def works(url: str) -> bool:
    try:
        database = pg.open_url(url)
    except LedgerFailed:
        return False
    try:
        Ledger(database, "o", "1", "here", time.time).begin("d", "p", "", "n")
        lease = Lease(database, "o", "1", Owner("aa", "ada", "there", 7, 1.0), time.monotonic, pooled=False)
        lease.take(0, time.sleep)
        lease.mark(Mark("n", quiet=True))
        lease.release()
    except LedgerFailed:
        return False
    finally:
        database.close()
    return True


def assert_no_wait(refused: LedgerFailed) -> None:
    assert "once the server can be reached" not in str(refused.help)


def judged(url: str) -> bool:
    try:
        inspect.server_ledger(url)
    except LedgerFailed as refused:
        assert_no_wait(refused)
        return False
    return True


@pytest.mark.parametrize(("statements", "enough"), NO_TABLES)
def test_without_tables_doctor_says_what_a_first_run_can(
    url: str, role: str, statements: list[str], enough: bool
) -> None:
    granted(url, role, statements)
    assert judged(of(url, role)) is enough
    assert works(of(url, role)) is enough


@pytest.mark.parametrize(("statements", "enough"), TABLES)
def test_with_tables_that_another_role_made_the_rights_to_rows_are_enough(
    url: str, role: str, statements: list[str], enough: bool
) -> None:
    tables(url)
    granted(url, role, statements)
    assert judged(of(url, role)) is enough
    assert works(of(url, role)) is enough


def test_tables_of_an_older_version_are_changed_by_their_owner_alone(url: str, role: str) -> None:
    tables(url, 1)
    granted(url, role, TABLES[0][0])
    with pytest.raises(LedgerFailed) as refused:
        inspect.server_ledger(of(url, role))
    assert "owner of the tables" in str(refused.value.help)
    assert not works(of(url, role))


@pytest.mark.parametrize(
    "allowed", ["ALTER ROLE {role} BYPASSRLS", "ALTER TABLE reconciler.journal OWNER TO {role}"]
)
def test_who_sees_all_rows_in_spite_of_row_level_security_may_use_it(
    url: str, role: str, allowed: str
) -> None:
    tables(url)
    granted(url, role, [_SEEN, _EACH, "ALTER TABLE reconciler.journal ENABLE ROW LEVEL SECURITY", allowed])
    assert judged(of(url, role))
    assert works(of(url, role))


def test_a_reader_is_told_too_that_rows_may_be_hidden(url: str, role: str) -> None:
    tables(url)
    granted(url, role, [_SEEN, _EACH, "ALTER TABLE reconciler.runs ENABLE ROW LEVEL SECURITY"])
    with pytest.raises(LedgerFailed, match="row level security") as refused, pg.read_only(of(url, role)):
        raise AssertionError
    assert "BYPASSRLS" in str(refused.value.help)


def test_a_refusal_says_what_to_grant(url: str, role: str) -> None:
    with pytest.raises(LedgerFailed, match="42501") as refused:
        pg.open_url(of(url, role))
    assert "docs/ledger.md" in str(refused.value.help)
