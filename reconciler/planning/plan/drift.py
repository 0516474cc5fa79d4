"""What was applied, and what is there now -> what moved in between. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from reconciler.model.plan import Plan, ResourceChange
from reconciler.planning.digests import sealed

Shape = Mapping[str, Any]
GOOD = frozenset({"succeeded", "unchanged"})


def baseline(
    runs: Iterable[tuple[Plan, Mapping[str, str]]], wanted: Collection[str]
) -> dict[str, Shape | None]:
    """How each resource was left by the last run that had it right; None is removed.

    Args:
        runs: newest first: the plan, and how the journal says each address ended; read no further than it takes.
        wanted: addresses.
    """
    found: dict[str, Shape | None] = {}
    for plan, states in runs:
        for change in plan.resource_changes:
            after = change.change.after
            left = change.change.actions == ("no-op",) or states.get(change.address) in GOOD
            if left and change.address not in found:
                unknown = change.change.after_unknown
                known = None if after is None else {k: v for k, v in after.items() if k not in unknown}
                found[change.address] = known
        if found.keys() >= set(wanted):
            break
    return found


def audit(plan: Plan, left: Mapping[str, Shape | None]) -> Plan:
    """A plan that nobody can apply: what it would do, and what moved since it was last as applied."""
    moved = [d for c in plan.resource_changes if c.address in left if (d := _moved(c, left[c.address]))]
    made = replace(plan, resource_drift=tuple(moved), applyable=False)
    return sealed(made)


def drifted_addresses(plan: Plan) -> frozenset[str]:
    """What an audit names: what moved, where specs and platform differ, and what could not be planned for that."""
    moved = {d["address"] for d in plan.resource_drift}
    apart = {c.address for c in plan.resource_changes if c.change.actions != ("no-op",)}
    return frozenset(moved | apart | {d.address for d in plan.diagnostics if d.address is not None})


def _moved(change: ResourceChange, left: Shape | None) -> dict[str, Any] | None:
    seen = change.change.before
    if left is None:
        return None if seen is None else _entry(change, "create", None, seen)
    if seen is None:
        return _entry(change, "delete", left, None)
    fields = [k for k in left if k in seen and left[k] != seen[k]]
    if not fields:
        return None
    return _entry(change, "update", {k: left[k] for k in fields}, {k: seen[k] for k in fields})


def _entry(change: ResourceChange, action: str, before: Shape | None, after: Shape | None) -> dict[str, Any]:
    return {
        "address": change.address,
        "kind": change.kind,
        "change": {
            "actions": [action],
            "before": None if before is None else dict(before),
            "after": None if after is None else dict(after),
        },
    }
