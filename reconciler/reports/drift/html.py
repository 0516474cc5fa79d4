"""What drifted as one page of HTML that needs nothing else. Pure, but for its template."""

from pathlib import Path

from reconciler.model.actor import Actor
from reconciler.model.diagnostic import Severity
from reconciler.model.plan import Plan
from reconciler.reports import unmanaged
from reconciler.reports.drift.moved import (
    NO_BASELINE,
    UNREAD,
    UNTOUCHED,
    apart,
    limited,
    moved,
    no_difference,
    nothing,
    since,
    todo,
    verdict,
)
from reconciler.reports.grouping import alike, counted, of_change
from reconciler.reports.page import template
from reconciler.reports.plan.decision import staying
from reconciler.reports.plan.html import change_of, facts, finding_rows

_TEMPLATE = Path(__file__).parent / "templates" / "drift.html"


def render(plan: Plan, made_by: Actor | None = None, *, accepting: bool = False) -> str:
    """The page.

    Args:
        plan: an audit.
        made_by: who made it, where that is known.
        accepting: what drifted is being written into the specs.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    changed, differing = moved(plan), apart(plan)
    page: str = template(_TEMPLATE).render(
        plan=plan,
        verdict=f"{verdict(plan)} {UNTOUCHED}",
        nothing=f"{nothing(plan).capitalize()}.",
        no_difference=f"{no_difference(plan).capitalize()}.",
        calm=not staying(plan)
        and not changed
        and not differing
        and not plan.errored
        and since(plan) is not None,
        notes=([NO_BASELINE] if since(plan) is None else [])
        + ([UNREAD] if plan.errored else [])
        + ([words] if (words := limited(plan)) else [])
        + ([words] if (words := todo(plan, accepting=accepting)) else []),
        since=since(plan),
        facts=[fact for fact in facts(plan, made_by) if fact[0] != "plan"],
        moved=changed,
        changes=[change_of(c) for c in alike(differing, of_change)],
        counts=(len(changed), len(differing)),
        unmanaged=unmanaged.sentence(plan.unmanaged),
        unmanaged_rows=list(unmanaged.rows(plan.unmanaged)),
        counted=counted(plan.diagnostics),
        errors=finding_rows([d for d in plan.diagnostics if d.severity is Severity.ERROR]),
        findings=finding_rows([d for d in plan.diagnostics if d.severity is not Severity.ERROR]),
    )
    return page
