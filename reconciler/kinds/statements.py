"""How a query of SQL begins. Pure."""

import re

# First words of statements that write; a source is read, so none of them can be one.
WRITES = frozenset(
    {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT", "CREATE", "DROP", "ALTER", "TRUNCATE", "GRANT", "REVOKE"}
)  # fmt: skip
_BEFORE = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


def writes(query: str) -> str | None:
    """The word by which a query begins, if it is a statement that writes.

    Args:
        query: as written, with comments.
    """
    begun = re.match(r"[A-Za-z]+\b", query[_BEFORE.match(query).end() :])  # type: ignore[union-attr]
    return begun[0].upper() if begun and begun[0].upper() in WRITES else None
