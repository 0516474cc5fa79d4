"""Why no connection to a PostgreSQL server came about, of what its library says: that text may hold the URL with its password. Pure."""

import re
from typing import NamedTuple

AGAIN = "run again once the server can be reached; no state is lost"
_PASSWORD = "correct the password in the URL (a character such as @ or / is written as %40 or %2F), or the file that `passfile=` or PGPASSFILE names, which only its owner may read (mode 0600)"  # noqa: S105 - what to do, no password
_TLS = "look at `sslmode` and `sslrootcert` in the URL: with verify-full, sslrootcert is the file of the authority that signed the server's certificate, and the URL has the name in it"


class Cause(NamedTuple):
    """A reason.

    Attributes:
        words: what happened.
        todo: what to do next.
    """

    words: str
    todo: str = AGAIN


UNREADABLE = Cause(
    "the URL cannot be read, or has a parameter that is not known",
    "write it as postgresql://user:password@host:5432/database?sslmode=verify-full; in a password @ is written as %40, and / as %2F",
)
# Said by the library, or by a server in English; of a server that speaks another language nothing is found.
_WHY = (
    (
        r"password authentication failed|no password supplied",
        Cause("the server did not accept the user's password", _PASSWORD),
    ),
    (
        r"authentication failed|no pg_hba\.conf entry",
        Cause(
            "the server did not accept the user from this machine",
            "have the user, this machine and the database allowed in pg_hba.conf of the server; some entries demand TLS (sslmode=require)",
        ),
    ),
    (
        r"role .*does not exist",
        Cause("the server has no such user", "correct the user in the URL, or have the role made"),
    ),
    (
        r"database .*does not exist",
        Cause(
            "the server has no such database", "correct the database in the URL, or have an empty one made"
        ),
    ),
    (
        r"resolve host|translate host name",
        Cause(
            "the name of the server is not known",
            "correct the host in the URL; in a password @ is written as %40, and / as %2F",
        ),
    ),
    (
        r"session is (read-only|not read-only)|server is (not )?in hot standby mode",
        Cause(
            "no server in the URL is of the kind that target_session_attrs asks for",
            "run again once the failover is over, or correct the hosts in the URL",
        ),
    ),
    (
        r"No space left on device",
        Cause("the server's disk is full", "make room on the server's disk, and run again; no state is lost"),
    ),
    (
        r"idle-session timeout",
        Cause(
            "the server ended the connection, for nothing was asked for longer than idle_session_timeout",
            "set idle_session_timeout of the role to 0, or to more than 60 s, and run again",
        ),
    ),
    (
        r"closed the connection unexpectedly|closed unexpectedly|Connection reset|the connection is (lost|closed)",
        Cause("the server ended the connection"),
    ),
    (r"SSL|certificate", Cause("no TLS connection came about, or its certificate was not accepted", _TLS)),
    (r"starting up|shutting down", Cause("the server is starting or shutting down")),
    (r"timeout expired|timed out", Cause("the server does not answer")),
    (r"Connection refused", Cause("the connection was refused; no server listens at this address")),
    (r"No route to host|unreachable", Cause("there is no way to this address")),
    (r"on socket .*failed: No such file", Cause("there is no such socket; no server runs there")),
    (r"connection is bad: invalid", UNREADABLE),
)
_NAMES = re.compile(r"([\"']).*?\1")  # of hosts, users and databases; a host may be called `certificates`


def cause(text: str) -> Cause | None:
    """What a failed attempt came to, in words of this program; None where the library's text says nothing known.

    Args:
        text: of the library's error.
    """
    said = _NAMES.sub("", text)
    return next((found for pattern, found in _WHY if re.search(pattern, said)), None)


def why(text: str) -> str | None:
    """The words alone.

    Args:
        text: of the library's error.
    """
    found = cause(text)
    return found.words if found else None
