"""A plan as one page of HTML that needs nothing else: no script, no picture, no address. Pure, but for its template."""

from itertools import groupby
from pathlib import Path
from typing import Any

from reconciler.model.plan import Plan, ResourceChange
from reconciler.planning.plan.coverage import Cover, coverage, shortened
from reconciler.planning.plan.waves import carried_out
from reconciler.reports import allowed, unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.grouping import alike, anywhere, of_change, of_finding, of_load, where
from reconciler.reports.page import template
from reconciler.reports.plan.decision import counted, decision, in_numbers, ordered
from reconciler.reports.plan.reach import Reach
from reconciler.reports.plan.text import value

_TEMPLATE = Path(__file__).parent / "templates" / "plan.html"
_HIDDEN = ("organisation_id", "datamart_id", "compartment_id")


def render(plan: Plan, reach: Reach | None = None) -> str:
    """The page.

    Args:
        plan: any.
        reach: what it reads, runs and sends to, where that is shown.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    found, left = shortened(coverage(plan), ROWS)
    changes = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [x for x in plan.loads if x.actions != ("no-op",)]
    groups = groupby(range(len(found.datamarts)), key=lambda i: found.waves.get(found.datamarts[i], ""))
    page: str = template(_TEMPLATE).render(
        plan=plan,
        reach=reach,
        decision=decision(plan),
        summary=in_numbers(plan),
        counted=counted(plan.diagnostics),
        findings=[(d, len(more)) for d, *more in alike(ordered(plan.diagnostics), of_finding)],
        changes=[_change(c) for c in alike(changes, of_change)],
        loads=[
            {"load": x[0], **_subject([y.address for y in x]), "bytes": sum(y.bytes for y in x)}
            for x in alike(loads, of_load)
        ],
        left=left,
        allowed=allowed.sentences(plan.overrides),
        unmanaged=unmanaged.sentence(plan.unmanaged),
        unmanaged_rows=list(unmanaged.rows(plan.unmanaged)),
        counts=(len(changes), len(loads)),
        meaning=_MEANING,
        found=found,
        heads=[(wave, len(list(members))) for wave, members in groups],
        waves=_waves(plan),
        words=_WORDS if len(found.datamarts) <= FEW_COLUMNS else _SIGNS,
    )
    return page


FEW_COLUMNS, ROWS = 20, 1000
_SIGNS = {
    Cover.ACTIVE: "✓",
    Cover.DEFAULT: "★",
    Cover.NOW: "+",
    Cover.LATER: "~",
    Cover.PROMOTED: "d",
    Cover.REMOVED: "-",
    Cover.MISSING: "",
}
_MEANING = {
    Cover.ACTIVE: "is active",
    Cover.DEFAULT: "is active, and the datamart's default",
    Cover.NOW: "is activated by this plan",
    Cover.LATER: "is activated in a later wave",
    Cover.PROMOTED: "is active, and becomes the datamart's default by this plan",
    Cover.REMOVED: "is removed by this plan",
}
_WORDS = {
    Cover.ACTIVE: "active",
    Cover.DEFAULT: "default",
    Cover.NOW: "now",
    Cover.LATER: "later",
    Cover.PROMOTED: "to default",
    Cover.REMOVED: "removed",
    Cover.MISSING: "",
}


def _waves(plan: Plan) -> list[dict[str, Any]]:
    if plan.rollout is None:
        return []
    return [
        {"wave": wave, "actions": len(carried_out(plan, wave.name)), "gates": coverage_text.gates(wave.gates)}
        for wave in plan.rollout.waves
    ]


def _subject(addresses: list[str]) -> dict[str, Any]:
    """The address; of many datamarts, how many and which."""
    if len(addresses) == 1:
        return {"address": addresses[0], "where": ""}
    return {
        "address": addresses[0].partition("@")[0],
        "where": f"on {len(addresses)} datamarts: {where(addresses)}",
    }


def _change(same: list[ResourceChange]) -> dict[str, Any]:
    change = same[0]
    before, after = change.change.before or {}, change.change.after or {}
    verb = change.change.actions[0]
    fields = [
        (key, value(before.get(key)) if verb == "update" else None, value(new))
        for key, new in (after or {k: v for k, v in before.items() if v}).items()
        if key not in _HIDDEN and (verb != "update" or before.get(key) != new)
    ]
    reason = anywhere(change.reason, change.address.partition("@")[2]) if len(same) > 1 else change.reason
    return {
        "verb": verb,
        **_subject([c.address for c in same]),
        "fields": fields,
        "reason": reason,
        "origin": change.origin,
    }
