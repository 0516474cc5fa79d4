"""What applies left, and what is there now -> what moved in between. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace as with_fields
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from reconciler.model.baseline import Baseline, Left
from reconciler.model.plan import Audit, Plan
from reconciler.planning.digests import sealed
from reconciler.planning.plan.baseline import found, is_declared, left_by

GOOD = frozenset({"succeeded", "unchanged"})
_OPEN = frozenset({"intent", "answered", "unknown"})


def with_runs(baseline: Baseline, runs: Iterable[tuple[float, Plan, Mapping[str, str]]]) -> Baseline:
    """The baseline, and what was done by runs that did not come to record what they left.

    Args:
        baseline: as recorded.
        runs: oldest first: when each began, its plan, and how the journal says that each address ended.
    """
    rows, since = dict(baseline.rows), baseline.since
    for began, plan, states in runs:
        good = {a for a, state in states.items() if state in GOOD}
        unknown = {a for a, state in states.items() if state in _OPEN}
        for address, row in left_by(plan, good, unknown, {}).items():
            if address not in rows or rows[address].at < began:
                rows[address] = with_fields(row, at=began)
        since = max(began, since or began)
    return with_fields(baseline, rows=rows, since=since)


def audit(plan: Plan, baseline: Baseline) -> Plan:
    """A document that nobody can apply: what a plan would do, and what moved since the last apply."""
    since = None if baseline.since is None else datetime.fromtimestamp(baseline.since, UTC).isoformat()
    moved = () if since is None else tuple(_moved(plan, baseline))
    return sealed(replace(plan, resource_drift=moved, applyable=False, audit=Audit(baseline=since)))


def drifted_addresses(plan: Plan) -> frozenset[str]:
    """What an audit names: what moved, where specs and platform differ, and what could not be planned for that."""
    moved = {d["address"] for d in plan.resource_drift}
    apart = {c.address for c in plan.resource_changes if c.change.actions != ("no-op",)}
    return frozenset(moved | apart | {d.address for d in plan.diagnostics if d.address is not None})


def _moved(plan: Plan, baseline: Baseline) -> Iterator[dict[str, Any]]:
    known = {row.identity: row for row in baseline.rows.values() if row.identity is not None}
    now = found(plan)
    there = {row.identity for row in now.values()}
    named = _named(baseline, now)
    for seen in now.values():
        row = _with_name(seen, named)
        if (recorded := baseline.rows.get(row.address)) is not None and recorded.unknown:
            continue
        if row.shape is None:
            if recorded is not None and recorded.shape is not None and recorded.identity not in there:
                yield _entry(row.address, "delete", recorded.shape, None)
        elif (before := known.get(row.identity or "") or recorded) is None:
            if is_declared(row.address) and _was_looked_for(row, plan, baseline):
                yield _entry(row.address, "create", None, row.shape)
        else:
            yield from _changed(row, before)
    yield from _gone(plan, baseline, now, there)


def _named(baseline: Baseline, now: Mapping[str, Left]) -> dict[str, str]:
    """Names of compartments that no plan has an entry for, by remote id: of one that a finding is about, the ledger knows which it is."""
    known = {r.identity: r.address for r in baseline.rows.values() if r.address.startswith("Compartment/")}
    return {
        identity.removeprefix("compartment "): address.removeprefix("Compartment/")
        for identity, address in known.items()
        if identity and f"Compartment#{identity.removeprefix('compartment ')}" not in now
    }


def _with_name(row: Left, named: Mapping[str, str]) -> Left:
    """An activation by the name of its compartment, where that is known."""
    identity, _, datamart = row.address.removeprefix("Activation#").partition("@")
    if is_declared(row.address) or not datamart or identity not in named:
        return row
    return with_fields(row, address=f"Activation/{named[identity]}@{datamart}")


def _changed(row: Left, before: Left) -> Iterator[dict[str, Any]]:
    """How one differs; what no spec declares, then or now, is not spoken of."""
    address = row.address if is_declared(row.address) else before.address
    if not is_declared(address) or row.shape is None:
        return
    if before.shape is None:
        yield _entry(address, "create", None, row.shape)
        return
    old = {k: before.shape[k] for k in before.shape if k in row.shape and before.shape[k] != row.shape[k]}
    new = {k: row.shape[k] for k in old}
    if before.identity is not None and before.identity != row.identity:
        old, new = {"is": before.identity, **old}, {"is": row.identity, **new}
    if old:
        yield _entry(address, "update", old, new)


def _was_looked_for(row: Left, plan: Plan, baseline: Baseline) -> bool:
    """True if an apply would have seen it, had it been there."""
    if row.shape is None or not baseline.datamarts:
        return False
    _, on, datamart = (row.identity or "").partition(" on ")
    if on:
        return datamart in baseline.datamarts
    return row.shape.get("organisation_id") in (plan.organisation_id, "")


def _gone(
    plan: Plan, baseline: Baseline, now: Mapping[str, Left], there: Collection[str | None]
) -> Iterator[dict[str, Any]]:
    """Activations that no spec declares, of compartments that specs do: they are in no plan any more."""
    told = {d.address for d in plan.diagnostics}
    for row in baseline.rows.values():
        owner, on, datamart = (row.identity or "").partition(" on ")
        if (
            on
            and row.shape is not None
            and row.identity not in there
            and row.address not in now
            and row.address not in told
            and is_declared(row.address)
            and datamart in plan.listed_datamarts
            and owner in there
        ):
            yield _entry(row.address, "delete", row.shape, None)


def _entry(
    address: str, action: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "address": address,
        "kind": address.partition("/")[0],
        "change": {
            "actions": [action],
            "before": None if before is None else dict(before),
            "after": None if after is None else dict(after),
        },
    }
