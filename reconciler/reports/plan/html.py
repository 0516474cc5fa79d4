"""A plan as one page of HTML that needs nothing else: no script, no picture, no address. Pure, but for its template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reconciler.model.actor import Actor
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Plan, ResourceChange
from reconciler.planning.plan.coverage import coverage
from reconciler.planning.plan.waves import carried_out
from reconciler.reports import unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.coverage.html import matrix
from reconciler.reports.grouping import (
    alike,
    anywhere,
    by_kind_and_action,
    findings_alike,
    of_change,
    of_load,
)
from reconciler.reports.page import template
from reconciler.reports.plan.consequences import consequences
from reconciler.reports.plan.decision import counted, decision, in_numbers, limited, ordered
from reconciler.reports.plan.places import Labels
from reconciler.reports.plan.places import counted as counted_places
from reconciler.reports.plan.reach import Reach
from reconciler.reports.plan.words import value
from reconciler.reports.times import moment

_TEMPLATE = Path(__file__).parent / "templates" / "plan.html"
_HIDDEN = ("organisation_id", "datamart_id", "compartment_id")


def render(plan: Plan, reach: Reach | None = None, made_by: Actor | None = None) -> str:
    """The page.

    Args:
        plan: any.
        reach: what it reads, runs and sends to, where that is shown.
        made_by: who made it, where that is known.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    changes = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [x for x in plan.loads if x.actions != ("no-op",)]
    page: str = template(_TEMPLATE).render(
        plan=plan,
        reach=reach,
        facts=facts(plan, made_by),
        decision=decision(plan),
        summary=in_numbers(plan),
        counted=counted(plan.diagnostics),
        errors=told([d for d in plan.diagnostics if d.severity is Severity.ERROR]),
        findings=told([d for d in plan.diagnostics if d.severity is not Severity.ERROR]),
        changes=[change_of(c, plan.labels) for c in alike(by_kind_and_action(changes), of_change)],
        loads=[
            {"load": x[0], **_subject([y.address for y in x], plan.labels), "bytes": sum(y.bytes for y in x)}
            for x in alike(loads, of_load)
        ],
        consequences=consequences(plan),
        limited=limited(plan),
        unmanaged=unmanaged.sentence(plan.unmanaged),
        unmanaged_rows=list(unmanaged.rows(plan.unmanaged)),
        counts=(len(changes), len(loads)),
        matrix=matrix(coverage(plan)),
        waves=_waves(plan),
    )
    return page


def facts(plan: Plan, made_by: Actor | None) -> list[tuple[str, str]]:
    """Where and when a plan was made, and who made it, where that is known."""
    return [
        ("organisation", f"{plan.organisation_id} at {plan.endpoint}"),
        ("environment", plan.environment or ""),
        ("made", moment(plan.created_at)),
        ("by", made_by.who if made_by else ""),
        ("commit", made_by.commit if made_by else ""),
        ("job", made_by.job if made_by else ""),
        ("plan", plan.plan_digest[:12]),
    ]


def told(findings: Sequence[Diagnostic]) -> list[tuple[Diagnostic, int]]:
    """Findings, errors last, and about how many other datamarts each is."""
    return [(d, len(more)) for d, *more in findings_alike(ordered(findings))]


def _waves(plan: Plan) -> list[dict[str, Any]]:
    if plan.rollout is None:
        return []
    return [
        {"wave": wave, "actions": len(carried_out(plan, wave.name)), "gates": coverage_text.gates(wave.gates)}
        for wave in plan.rollout.waves
    ]


def _subject(addresses: list[str], labels: Labels) -> dict[str, Any]:
    """The address; of many datamarts, how many and which."""
    if len(addresses) == 1:
        return {"address": addresses[0], "where": ""}
    return {
        "address": addresses[0].partition("@")[0],
        "where": f"on {counted_places([a.partition('@')[2] for a in addresses], labels)}",
    }


def change_of(same: list[ResourceChange], labels: Labels | None = None) -> dict[str, Any]:
    """Changes that look alike, as one row."""
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
        **_subject([c.address for c in same], labels or {}),
        "fields": fields,
        "reason": reason,
        "origin": change.origin,
    }
