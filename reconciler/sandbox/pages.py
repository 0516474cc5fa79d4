"""The page at `/`: what the sandbox holds, rendered on the server, without a script. Reads, and nothing else."""

import functools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

from reconciler.sandbox.indexing import Schema
from reconciler.sandbox.live_schema import indexed, live_schema
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import OWN, Switches

IMPORTS, FAILURES, PROFILES, REQUESTS = 200, 20, 25, 100
# No script, no frame, nothing from elsewhere: whatever a name or a profile holds stays text.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("overview.html")


def overview(
    store: Store, switches: Switches, shown: Callable[[Row], Row], query: Mapping[str, str]
) -> HTMLResponse:
    """The page.

    Args:
        store: what is shown.
        switches: those that differ from their defaults are marked.
        shown: an execution as the API shows it.
        query: `datamart` and `account` choose profiles.
    """
    datamarts = _rows(store, "datamart")
    compartments = _rows(store, "compartment")
    active = {(a["compartment_id"], a["datamart_id"]): a["default"] for a in _rows(store, "activation")}
    imports = [_import(store, row, shown) for row in reversed(_rows(store, "import", IMPORTS))]
    account, datamart = query.get("account", "").strip(), query.get("datamart", "")
    default = Switches().values()
    return HTMLResponse(
        _template().render(
            datamarts=datamarts,
            compartments=compartments,
            active=active,
            imports=imports,
            counts=_counts(store),
            account=account,
            datamart=datamart,
            profiles=_profiles(store, switches, datamart, account),
            schemas=_rows(store, "schema"),
            profiles_shown=PROFILES,
            requests=list(reversed(store.requests(newest=REQUESTS))),
            switches=[(k, v, v != default[k], k in OWN) for k, v in switches.values().items()],
        ),
        headers=HEADERS,
    )


def _rows(store: Store, kind: str, newest: int = 10_000) -> list[Row]:
    with store.lock:
        sql = "SELECT id, body FROM objects WHERE kind=? ORDER BY id DESC LIMIT ?"
        rows = store.db.execute(sql, (kind, newest)).fetchall()
    return [{"id": str(i), **json.loads(body)} for i, body in reversed(rows)]


def _import(store: Store, row: Row, shown: Callable[[Row], Row]) -> Row:
    executions = [
        {**shown(e), "bytes": e["bytes"], "lines": e["lines"], "failures": store.failures(e["id"])[:FAILURES]}
        for e in store.all("execution", row["id"])
    ]
    return {**row, "executions": executions}


def _counts(store: Store) -> Mapping[str, int]:
    with store.lock:
        found = Counter(dict(store.db.execute("SELECT kind, count(*) FROM objects GROUP BY kind").fetchall()))
        found["profile"] = store.db.execute("SELECT count(*) FROM profiles").fetchone()[0]
        found["request"] = store.db.execute("SELECT coalesce(max(id), 0) FROM requests").fetchone()[0]
    return found


def _profiles(store: Store, switches: Switches, datamart: str, account: str) -> list[dict[str, Any]]:
    """Of one account, or those changed last."""
    with store.lock:
        rows = store.db.execute(
            "SELECT datamart, compartment, account, body FROM profiles"
            " WHERE (?='' OR datamart=?) AND (?='' OR account=?) ORDER BY written DESC LIMIT ?",
            (datamart, datamart, account, account, PROFILES),
        ).fetchall()
    keys = ("datamart", "compartment", "account")
    found = []
    schemas: dict[str, Schema | None] = {}
    for *where, body in rows:
        whole = json.loads(body)
        own = {k: v for k, v in whole.items() if not k.startswith("$")}
        if where[0] not in schemas:
            schemas[where[0]] = live_schema(store, where[0])
        verdict, why = indexed(schemas[where[0]], whole, switches)
        shown = {"body": json.dumps(own, ensure_ascii=False), "indexed": verdict, "why": why}
        found.append({**dict(zip(keys, where, strict=True)), **shown})
    return found
