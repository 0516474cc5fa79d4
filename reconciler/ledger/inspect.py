"""Whether a ledger could be read and written, without writing: for `doctor`. The words of databases are not shown."""

import os
from pathlib import Path

from reconciler.errors import LedgerFailed
from reconciler.kinds.counts import many
from reconciler.ledger import postgres, sqlite
from reconciler.private_folder import not_usable

_ANEW = "move the file away; the next run continues from the state of the platform"


def file_ledger(path: Path) -> str:
    """What a ledger in a file is, in words.

    Raises:
        DiskFailed: it is a link, or no file.
        LedgerFailed: a run could not use it.
    """
    if (why := not_usable(path.parent)) is not None:
        raise LedgerFailed(
            f"{path} cannot be written: {why}", help="correct `ledger` in reconciler.yaml, or the rights"
        )
    if not path.exists():
        return f"{path}: none yet, the first apply makes it"
    if why := sqlite.damage(path):
        raise LedgerFailed(f"{path} is damaged: {why}", help=_ANEW)
    if not os.access(path, os.W_OK):
        raise LedgerFailed(
            f"{path} may not be written by this user", help="give the user who applies the right to write it"
        )
    with sqlite.read_only(path) as database:
        runs = database.rows("SELECT count(*) FROM runs")[0][0] if database else 0
    return f"{path}: readable and writable, {many(runs, 'run')}"


def server_ledger(url: str) -> str:
    """What a ledger on a PostgreSQL server is, in words; the URL is not shown.

    Raises:
        LedgerFailed: a run could not use it.
        MissingExtra: psycopg is not installed.
    """
    found = postgres.rights(url)
    if found.lacks:
        raise LedgerFailed("the PostgreSQL ledger may not be written by this user", help=found.lacks)
    return (
        "PostgreSQL: readable and writable"
        + (
            ", through a connection pooler: the lock of a killed run is free after 60 s"
            if found.pooled
            else ""
        )
        + ("" if found.made else ", the first apply makes its tables")
    )
