"""Why no connection to a PostgreSQL server came about, of what its library says: that text may hold the URL with its password. Pure."""

import re

# Said by the library, or by a server in English; of a server that speaks another language nothing is found.
_WHY = (
    (r"password authentication failed|no password supplied", "the server did not accept the user's password"),
    (r"authentication failed|no pg_hba\.conf entry", "the server did not accept the user from this machine"),
    (r"role .*does not exist", "the server has no such user"),
    (r"database .*does not exist", "the server has no such database"),
    (r"resolve host|translate host name", "the name of the server is not known"),
    (
        r"closed the connection unexpectedly|closed unexpectedly|Connection reset",
        "the server ended the connection",
    ),
    (r"SSL|certificate", "no TLS connection came about, or its certificate was not accepted"),
    (r"starting up|shutting down", "the server is starting or shutting down"),
    (r"timeout expired|timed out", "the server does not answer"),
    (r"Connection refused", "the connection was refused; no server listens at this address"),
    (r"No route to host|unreachable", "there is no way to this address"),
    (r"on socket .*failed: No such file", "there is no such socket; no server runs there"),
)
_NAMES = re.compile(r"([\"']).*?\1")  # of hosts, users and databases; a host may be called `certificates`


def why(text: str) -> str | None:
    """What a failed attempt came to, in words of this program; None where the library's text says nothing known.

    Args:
        text: of the library's error.
    """
    said = _NAMES.sub("", text)
    return next((words for found, words in _WHY if re.search(found, said)), None)
