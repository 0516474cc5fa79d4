"""Why no connection to PostgreSQL came about: what libpq and psycopg say, in words that hold nothing of the URL."""

import psycopg
import pytest
from sqlalchemy.engine import make_url

from reconciler.bulk.sources import sql
from reconciler.errors import LedgerFailed, ReconcilerError
from reconciler.ledger import postgres
from reconciler.no_connection import AGAIN, cause, why
from tests.support.postgres import new_database

AT = 'connection failed: connection to server at "SSL.certificate.internal" (10.0.0.7), port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f'{AT}FATAL:  password authentication failed for user "hidden"',
            "did not accept the user's password",
        ),
        (f"{AT}fe_sendauth: no password supplied", "did not accept the user's password"),
        (f'{AT}FATAL:  Peer authentication failed for user "hidden"', "from this machine"),
        (
            f'{AT}FATAL:  no pg_hba.conf entry for host "10.0.0.8", user "hidden", no encryption',
            "from this machine",
        ),
        (f'{AT}FATAL:  role "hidden" does not exist', "no such user"),
        (f'{AT}FATAL:  database "hidden" does not exist', "no such database"),
        ("failed to resolve host 'hidden': [Errno -2] Name or service not known", "is not known"),
        ('could not translate host name "hidden" to address: Name or service not known', "is not known"),
        (f"{AT}server does not support SSL, but SSL was required", "no TLS connection"),
        (f"{AT}SSL error: certificate verify failed", "no TLS connection"),
        (f'{AT}root certificate file "/hidden/root.crt" does not exist', "no TLS connection"),
        (f"{AT}FATAL:  the database system is starting up", "starting or shutting down"),
        ("connection timeout expired", "does not answer"),
        (f"{AT}Connection refused\n\tIs the server running on that host?", "was refused"),
        (f"{AT}No route to host", "no way to this address"),
        (
            'connection to server on socket "/hidden/.s.PGSQL.5432" failed: No such file or directory',
            "no such socket",
        ),
        ("consuming input failed: SSL connection has been closed unexpectedly", "ended the connection"),
        (
            "connection to server failed: Connection refused; connection failed: session is read-only",
            "target_session_attrs",
        ),
        (
            "terminating connection due to idle-session timeout; server closed the connection unexpectedly",
            "idle_session_timeout",
        ),
        ('FATAL:  could not write init file "x": No space left on device', "disk is full"),
        ("the connection is lost", "ended the connection"),
        ("the connection is closed", "ended the connection"),
        ('connection is bad: invalid sslmode value: "hidden"', "the URL cannot be read"),
        ("consuming input failed: server closed the connection unexpectedly", "ended the connection"),
    ],
)
def test_each_reason_has_words_of_its_own(text: str, words: str) -> None:
    said = why(text)
    assert said is not None
    assert words in said
    assert "hidden" not in said


@pytest.mark.parametrize("text", ["password authentication failed", 'role "x" does not exist', 'database "x" does not exist', "failed to resolve host", "SSL error: certificate verify failed", "no pg_hba.conf entry", "connection is bad: invalid", "No space left on device", "idle-session timeout", "session is read-only"])  # fmt: skip
def test_what_no_wait_changes_says_what_to_correct(text: str) -> None:
    found = cause(text)
    assert found is not None
    assert found.todo != AGAIN


@pytest.mark.parametrize("code", ["42501", "25006", "53100", "57014", "55P03"])
def test_codes_that_no_wait_changes_say_what_does(code: str) -> None:
    said = psycopg.errors.lookup(code)("a value that the server quotes")
    with pytest.raises(LedgerFailed, match=code) as refused, postgres._told("failed"):
        raise said
    assert refused.value.help != AGAIN
    assert type(said).__name__ not in str(refused.value)
    assert "quotes" not in str(refused.value)


def test_what_is_not_known_has_no_words() -> None:
    for text in ("", "FATAL:  Passwort-Authentifizierung fehlgeschlagen", f'{AT}FATAL:  "timed out"'):
        assert why(text) is None


def _changed(**parts: object) -> str:
    return make_url(new_database()).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (lambda: "postgresql://u:hidden@127.0.0.1:9/x", "the connection was refused"),
        (lambda: "postgresql://u:hidden@nowhere.invalid/x", "the name of the server is not known"),
        (lambda: _changed(database="hidden"), "the server has no such database"),
        (lambda: _changed(username="hidden"), "the server has no such user"),
        (lambda: "postgresql://u:hidden@127.0.0.1:9/x?sslmod=hidden", "the URL cannot be read"),
    ],
)
def test_a_ledger_and_a_source_say_why_they_have_no_connection(url, words, tmp_path) -> None:  # type: ignore[no-untyped-def]
    where = url()
    with pytest.raises(LedgerFailed) as ledger:
        postgres.open_url(where)
    assert f"cannot be reached: {words}" in str(ledger.value)
    with pytest.raises(ReconcilerError) as source:
        list(sql.rows(where, "SELECT 1", lambda _: None, tmp_path, outside=False))
    assert words in str(source.value)
    for error in (ledger, source):
        assert "hidden" not in f"{error.value} {error.value.help}"
