"""A plan as one page of HTML that needs nothing else: no script, no picture, no address. Pure, but for its template."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.kinds.counts import many
from reconciler.model.actor import Actor
from reconciler.model.diagnostic import Diagnostic, Severity, has_errors
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.planning.plan.coverage import Coverage, coverage, of_whole_datamarts
from reconciler.planning.plan.waves import carried_out
from reconciler.reports import unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.coverage.html import matrix
from reconciler.reports.grouping import (
    SINGLE_MAX_DATAMARTS,
    about,
    alike,
    alike_changes,
    anywhere,
    by_code_and_source,
    by_source,
    counted,
    of_load,
    reason_of,
)
from reconciler.reports.page import template
from reconciler.reports.plan.consequences import consequences
from reconciler.reports.plan.decision import decision, in_numbers, limited, ordered
from reconciler.reports.plan.places import Labels
from reconciler.reports.plan.places import counted as counted_places
from reconciler.reports.plan.reach import Reach
from reconciler.reports.plan.words import HIDDEN, organisation, value
from reconciler.reports.times import moment

_TEMPLATE = Path(__file__).parent / "templates" / "plan.html"
_SUMMED = ("lines", "deletes", "rejected", "chunks", "bytes")


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
        counted=_counted(plan),
        errors=finding_rows([d for d in plan.diagnostics if d.severity is Severity.ERROR]),
        findings=finding_rows([d for d in plan.diagnostics if d.severity is not Severity.ERROR]),
        changes=[change_of(c, plan.labels) for c in alike_changes(changes)],
        loads=[row for found in by_source(loads) for row in _top(found, plan.labels)],
        folded=[
            {"source": found[0].address.partition("@")[0], "rows": rows}
            for found in by_source(loads)
            if len(rows := _load_rows(found, plan.labels)) > SINGLE_MAX_DATAMARTS
        ],
        consequences=consequences(plan),
        limited=limited(plan),
        unmanaged=unmanaged.sentence(plan.unmanaged),
        unmanaged_rows=list(unmanaged.rows(plan.unmanaged)),
        counts=(len(changes), len(loads)),
        matrix=matrix(_matrix_of(plan)),
        waves=_waves(plan),
    )
    return page


def _counted(plan: Plan) -> str:
    """How many findings there are; the heading that says it stands over those that are no errors."""
    above = "; errors are at the top" if has_errors(plan.diagnostics) else ""
    return counted(plan.diagnostics) + above


def _matrix_of(plan: Plan) -> Coverage:
    """Of whole datamarts; a plan of some addresses does not know what is missing beside them."""
    found = coverage(plan)
    return found if of_whole_datamarts(plan) else replace(found, cells={})


def _top(found: Sequence[LoadChange], labels: Labels) -> list[dict[str, Any]]:
    """The rows of a source; where they are many, their sum, and they are unfolded below."""
    rows = _load_rows(found, labels)
    return rows if len(rows) <= SINGLE_MAX_DATAMARTS else [_load_row(found, labels)]


def _load_rows(found: Sequence[LoadChange], labels: Labels) -> list[dict[str, Any]]:
    """A row for each load, or for those that look alike."""
    return [_load_row(same, labels) for same in alike(found, of_load)]


def _load_row(same: Sequence[LoadChange], labels: Labels) -> dict[str, Any]:
    """Loads of one source as one row, with their sums."""
    reasons = {anywhere(x.reason, x.datamart) if len(same) > 1 else x.reason for x in same}
    numbers = {x.generation for x in same}
    return {
        **_subject([x.address for x in same], labels),
        "verb": same[0].actions[0],
        "unread": same[0].unread,
        "generation": numbers.pop() if len(numbers) == 1 else None,
        "reason": reasons.pop() if len(reasons) == 1 else many(len(reasons), "reason"),
        **{key: sum(getattr(x, key) for x in same) for key in _SUMMED},
    }


def facts(plan: Plan, made_by: Actor | None) -> list[tuple[str, str]]:
    """Where and when a plan was made, and who made it, where that is known."""
    return [
        ("organisation", organisation(plan)),
        ("environment", plan.environment or ""),
        ("made", moment(plan.created_at)),
        ("by", made_by.who if made_by else ""),
        ("commit", made_by.commit if made_by else ""),
        ("job", made_by.job if made_by else ""),
        ("plan", plan.plan_digest[:12]),
    ]


def finding_rows(findings: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Findings, errors last; many of one code and source are one row, with the others to be unfolded."""
    return [_row(same) for same in by_code_and_source(ordered(findings))]


def _row(same: Sequence[Diagnostic]) -> dict[str, Any]:
    subject, message = about(same)
    name, _, where = subject.partition(" on ")
    others = [(d.address or "", d.message) for d in same[1:]]
    return {
        "of": same[0],
        "subject": name,
        "where": where and f"on {where}",
        "message": message,
        "others": others,
        "place": f"{same[0].span.path}:{same[0].span.line}" if same[0].span else "",
    }


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
        if key not in HIDDEN and (verb != "update" or before.get(key) != new)
    ]
    return {
        "verb": verb,
        **_subject([c.address for c in same], labels or {}),
        "fields": fields,
        "reason": reason_of(same),
        "origin": change.origin,
    }
