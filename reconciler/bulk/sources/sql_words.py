"""What is said of a database's error, in words of our own. Pure.

The database's own text may quote values of rows, and a driver's the password. So what is named is a word that stands in the query
outside of quotes: a table, a column, or the place of a syntax error. Nothing else of the text is passed on.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciler import no_connection
from reconciler.kinds.statements import WRITES

_BY_HAND = "run the query by hand with the same account"
_CORRECT = "correct the query of the source (sql.query)"
_ONE_SELECT = "the query must be one SELECT statement"
_GRANT = "give the account the right to read it, or name another account in sql.url"


class Told(NamedTuple):
    """What is said.

    Attributes:
        words: class and code of the error, and what it means.
        help: what to do.
    """

    words: str
    help: str = _BY_HAND


class _Cause(NamedTuple):
    """A reason that a database may give.

    Attributes:
        codes: SQLSTATEs, numbers of MySQL, or names of SQLite.
        words: what is wrong.
        help: what to do.
        text: what the database says of it, where the code does not tell.
        names: what stands between the words and the name; nothing where the cause has no name.
    """

    codes: frozenset[str]
    words: str
    help: str
    text: str = ""
    names: str = ""


def _cause(codes: str, words: str, help_: str, text: str = "", names: str = "") -> _Cause:
    return _Cause(frozenset(codes.split()), words, help_, text, names)


_CAUSES = (
    _cause("42703 1054 SQLITE_ERROR", "there is no such column", _CORRECT, "^no such column:", ": "),
    _cause("42P01 1146 SQLITE_ERROR", "there is no such table", _CORRECT, "^no such table:", ": "),
    _cause("42883 1305 SQLITE_ERROR", "there is no such function", _CORRECT, "^no such function:", ": "),
    _cause("3F000 1049", "there is no such schema or database", _CORRECT, names=": "),
    _cause("42702 1052 SQLITE_ERROR", "several tables have this column", _CORRECT, "^ambiguous column name:", ": "),
    _cause("42601 1064 SQLITE_ERROR", "the query has a syntax error", _CORRECT, ": syntax error$|^incomplete input$|^unrecognized token:", " near "),
    _cause("42501 1142 1143 1044", "the account lacks a permission", _GRANT, names=": "),
    _cause("25006 1290 1792 SQLITE_READONLY", "the query writes, and the connection is read-only", _ONE_SELECT),
    _cause("SQLITE_BUSY SQLITE_LOCKED", "another program writes to the file", "run again once it has ended"),
    _cause("SQLITE_NOTADB", "the file is no SQLite database", "correct sql.url"),
)  # fmt: skip
# What a class of SQLSTATE means.
_MEANING = {
    "08": "no connection, or the server did not accept the account",
    "22": "a value does not fit its type",
    "25": "the query writes, and the connection is read-only",
    "28": "the server did not accept the account",
    "3D": "there is no such database",
    "42": "the query has an error, names something that does not exist, or the account lacks a permission",
    "57": "the server ended the query or the connection",
}
# Of a query: comments and everything in quotes, also where a quote is not closed.
_QUOTED = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|$)|\$(\w*)\$.*?(?:\$\1\$|$)"
    r"|'(?:[^'\\]|\\.|'')*(?:'|$)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|$)|`[^`]*(?:`|$)",
    re.DOTALL,
)
_NAME = r"[^\W\d][\w$]*(?:\.[\w$]+)*"
# Where databases name things in their texts: in quotes of several languages, behind a colon or a kind, before a bracket, with a dot.
_NAMED = re.compile(
    rf"[\"'`«“„]\s*({_NAME})|: ({_NAME})|\b(?:table|view|relation|schema) ({_NAME})|\b({_NAME})\(|\b([^\W\d]\w*\.\w+)"
)


def told(error: Any, query: str) -> Told:
    """Class and code of an error, and what it means.

    Args:
        error: of SQLAlchemy or of a driver.
        query: that was asked.
    """
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    code = state or getattr(original, "sqlite_errorname", None) or _number(original)
    name, text = type(original).__name__, str(original)
    cause = _of_code(str(code), text) if code else None
    if cause is not None:
        named = next(_named(text, query), "") if cause.names else ""
        help_ = _ONE_SELECT if named.upper() in WRITES else cause.help
        return Told(f"{name} {code}: {cause.words}{cause.names if named else ''}{named}", help_)
    if state is not None:
        meaning = _MEANING.get(state[:2])
    elif code is None and name == "OperationalError":
        meaning = no_connection.why(text) or _MEANING["08"]
    elif code is None and name == "ProgrammingError" and type(original).__module__.startswith("psycopg"):
        meaning = no_connection.UNREADABLE.words  # without a code it is not the server that spoke
    elif "one statement at a time" in text:  # of Python's driver for SQLite
        return Told(f"{name}: the query is several statements", _ONE_SELECT)
    else:
        meaning = None
    return Told(f"{name}{f' {code}' if code else ''}" + (f": {meaning}" if meaning else ""))


def _of_code(code: str, text: str) -> _Cause | None:
    """The cause that a code stands for; those of SQLite are few, so its text decides."""
    for cause in _CAUSES:
        if code in ("SQLITE_ERROR", "SQLITE_SCHEMA"):
            if "SQLITE_ERROR" in cause.codes and re.search(cause.text, text):
                return cause
        elif code in cause.codes or (
            code.startswith("SQLITE_") and "_".join(code.split("_")[:2]) in cause.codes
        ):
            return cause
    return None


def _named(text: str, query: str) -> Iterator[str]:
    """What a text names that is a word of the query, outside of quotes."""
    bare = _QUOTED.sub(" ' ", query)
    for found in _NAMED.finditer(text):
        full = next(filter(None, found.groups()))
        for name in (full, full.rpartition(".")[2]):
            if there := re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", bare, re.IGNORECASE):
                yield there[0]


def _number(original: Any) -> int | None:
    """Of an error of MySQL's server; those of its drivers, from 2,000 on, are about the connection."""
    number = original.args[0] if original.args else None
    return number if isinstance(number, int) and not 2_000 <= number < 3_000 else None
