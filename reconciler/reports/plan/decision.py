"""What every format of a plan says first: can it be applied, how many errors stop it, what would change. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Plan
from reconciler.planning.plan.obstacles import stopped

_FLAGS, _WIDTH = 3, 60  # how many flags are shown, and how much of each
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
    staying = {d.address for d in plan.diagnostics if d.code == "removal-not-proposed"}
    left = sum(c.address in staying for c in plan.resource_changes)
    also = f"; {many(left, 'removal is', 'removals are')} not proposed" if left else ""
    agreeing = many(s.unchanged - left, "resource or load is", "resources and loads are")
    return f"{agreeing} as declared{also}."


def limited(plan: Plan) -> str | None:
    """That flags limit the plan, and which; None where none does."""
    if plan.complete:
        return None
    shown = [flag if len(flag) <= _WIDTH else f"{flag[: _WIDTH - 1]}…" for flag in plan.limits[:_FLAGS]]
    more = len(plan.limits) - len(shown)
    which = f" ({', '.join([*shown, *([f'{more:,} more'] if more else [])])})" if shown else ""
    return f"Flags limit this plan{which}; resources that they exclude were not compared."


def ordered(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Notes, warnings, then errors: what stops a plan is read last; else in their order."""
    return sorted(findings, key=lambda d: _LAST_IS_WORST.index(d.severity))


def counted(findings: Sequence[Diagnostic]) -> str:
    """How many of each severity, errors last: `12 warnings, 1 error`."""
    counts = Counter(d.severity for d in findings)
    return ", ".join(many(n, s.value) for s in _LAST_IS_WORST if (n := counts[s]))
