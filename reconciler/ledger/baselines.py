"""How applies left the platform, by workspace and address: what `drift` compares with. The newest look at each counts."""

from collections.abc import Collection, Iterable

import msgspec

from reconciler.ledger.database import Database
from reconciler.model.baseline import Baseline, Left

Key = tuple[str, str, str]  # origin of the endpoint, organisation id, workspace
_OURS = "origin=? AND organisation_id=? AND workspace=?"
_KEEP = (
    "INSERT INTO baselines VALUES (?,?,?,?,?,?,?) ON CONFLICT (origin, organisation_id, workspace, address) "
    "DO UPDATE SET identity=excluded.identity, shape=excluded.shape, at=excluded.at WHERE baselines.at<=excluded.at OR baselines.at>?"
)
CLOCKS_APART_S = 300.0  # what is recorded for a time further ahead than clocks differ was recorded by a wrong clock, and counts as old


def read(database: Database, key: Key) -> Baseline:
    """All that is on record."""
    sql = f"SELECT address, identity, shape, at FROM baselines WHERE {_OURS}"  # noqa: S608 - words of ours
    rows = {a: Left(a, i, msgspec.json.decode(shape), at) for a, i, shape, at in database.rows(sql, *key)}
    sql = f"SELECT datamarts, at FROM baseline_looks WHERE {_OURS}"  # noqa: S608 - words of ours
    looks = database.rows(sql, *key)
    times = [row.at for row in rows.values()] + [at for _, at in looks]
    datamarts = frozenset(msgspec.json.decode(looks[0][0])) if looks else frozenset()
    return Baseline(max(times, default=None), rows, datamarts)


def keep(database: Database, key: Key, rows: Iterable[Left], at: float, now: float) -> None:
    """Record how some resources are; what was recorded later stays.

    Args:
        database: of the ledger.
        key: origin of the endpoint, organisation id, workspace.
        rows: the resources.
        at: when they were so, in seconds since 1970.
        now: the time by this machine's clock.
    """
    values = [(*key, r.address, r.identity, _text(r), at, now + CLOCKS_APART_S) for r in rows]
    database.many(_KEEP, values)


def replace_all(
    database: Database, key: Key, rows: Collection[Left], datamarts: Collection[str], at: float, now: float
) -> None:
    """Record all that there is; what was recorded earlier and is not in it goes.

    Args:
        database: of the ledger.
        key: origin of the endpoint, organisation id, workspace.
        rows: all resources, whether specs declare them or not.
        datamarts: ids of those on which it was seen.
        at: when, in seconds since 1970.
        now: the time by this machine's clock.
    """
    sql = f"SELECT address, identity, shape FROM baselines WHERE {_OURS}"  # noqa: S608 - words of ours
    old = {address: said for address, *said in database.rows(sql, *key)}
    found = {r.address: r for r in rows}
    keep(database, key, [r for a, r in found.items() if old.get(a) != [r.identity, _text(r)]], at, now)
    ahead = now + CLOCKS_APART_S
    gone = [(*key, a, at, ahead) for a in old.keys() - found.keys()]
    database.many(f"DELETE FROM baselines WHERE {_OURS} AND address=? AND (at<=? OR at>?)", gone)  # noqa: S608 - words of ours
    sql = (
        "INSERT INTO baseline_looks VALUES (?,?,?,?,?) ON CONFLICT (origin, organisation_id, workspace) "
        "DO UPDATE SET datamarts=excluded.datamarts, at=excluded.at WHERE baseline_looks.at<=excluded.at OR baseline_looks.at>?"
    )
    database.rows(sql, *key, msgspec.json.encode(sorted(datamarts)).decode(), at, ahead)


def _text(row: Left) -> str:
    shape = None if row.shape is None else dict(row.shape)
    return msgspec.json.encode(shape, order="sorted").decode()
