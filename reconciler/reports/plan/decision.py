"""What every format of a plan says first: can it be applied, how many errors stop it, what would change. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Plan
from reconciler.planning.plan.obstacles import stopped

_LAST_IS_WORST = (Severity.NOTE, Severity.WARNING, Severity.ERROR)


def decision(plan: Plan) -> str:
    """Whether the plan can be applied, with the number of errors if it cannot; one sentence."""
    if (why := stopped(plan)) is not None:
        return f"{why[0].upper()}{why[1:]}."
    return "This plan can be applied." if plan.has_changes else "No changes."


def in_numbers(plan: Plan) -> str:
    """What the plan would do, in numbers. Of a plan that cannot be applied it never says that all is as declared."""
    s = plan.summary
    if plan.has_changes:
        return f"{s.create} to create, {s.update} to change, {s.delete} to delete, {s.execute} to load; {s.unchanged} unchanged."
    if stopped(plan) is not None:
        return f"Nothing was planned; {s.unchanged} unchanged."
    return f"{s.unchanged} resources and loads are as declared."


def ordered(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Notes, warnings, then errors: what stops a plan is read last; else in their order."""
    return sorted(findings, key=lambda d: _LAST_IS_WORST.index(d.severity))


def counted(findings: Sequence[Diagnostic]) -> str:
    """How many of each severity, errors last: `12 warnings, 1 error`."""
    counts = Counter(d.severity for d in findings)
    return ", ".join(many(n, s.value) for s in _LAST_IS_WORST if (n := counts[s]))
