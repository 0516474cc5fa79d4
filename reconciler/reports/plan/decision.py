"""What every format of a plan says first: can it be applied, how many errors stop it, what would change. Pure."""

from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.plan import Plan, Summary
from reconciler.planning.plan.obstacles import stopped
from reconciler.reports.grouping import LAST_IS_WORST

_FLAGS, _WIDTH = 3, 60  # how many flags are shown, and how much of each


def decision(plan: Plan) -> str:
    """Whether the plan can be applied, with the number of errors if it cannot; one sentence."""
    if (why := stopped(plan)) is not None:
        return f"{why[0].upper()}{why[1:]}."
    return "This plan can be applied." if plan.has_changes else "No changes."


def actions(s: Summary) -> str:
    """How many actions of each kind."""
    return f"{s.create} to create, {s.update} to change, {s.delete} to delete, {s.execute} to load"


def in_numbers(plan: Plan) -> str:
    """What the plan would do, in numbers. Of a plan that cannot be applied it never says that all is as declared."""
    s = plan.summary
    if plan.has_changes:
        return f"{actions(s)}; {s.unchanged} unchanged."
    if stopped(plan) is not None:
        return f"Nothing was planned; {s.unchanged} unchanged."
    left = staying(plan)
    also = not_proposed(plan)
    stuck = {d.address for d in plan.diagnostics if d.code == "load-stuck"}
    waiting = sum(load.address in stuck for load in plan.loads)
    also += (
        f"; {many(waiting, 'load is', 'loads are')} unfinished and cannot continue without a decision"
        if waiting
        else ""
    )
    loads = sum(load.actions == ("no-op",) for load in plan.loads) - waiting
    agreeing = s.unchanged - left - waiting
    kinds = [many(n, kind) for n, kind in ((agreeing - loads, "resource"), (loads, "load")) if n]
    return f"{' and '.join(kinds) or 'Nothing'} {'is' if agreeing < 2 else 'are'} as declared{also}."


def staying(plan: Plan) -> int:
    """How many resources stay, because the platform refused to remove them."""
    told = {d.address for d in plan.diagnostics if d.code == "removal-not-proposed"}
    return sum(c.address in told for c in plan.resource_changes)


def not_proposed(plan: Plan) -> str:
    """That removals are not proposed, as the end of a sentence; empty where all are."""
    left = staying(plan)
    return f"; {many(left, 'removal is', 'removals are')} not proposed" if left else ""


def limited(plan: Plan) -> str | None:
    """That flags limit the plan, and which, or that it has only failed commands; None where all was compared."""
    if plan.complete:
        return None
    if plan.loads and all(load.retry for load in plan.loads):
        return "This plan sends failed commands again; nothing else was compared."
    return limited_by(plan.limits, "plan")


def limited_by(limits: Sequence[str], what: str) -> str:
    """That flags limit something, and which, as far as they are known.

    Args:
        limits: flags as they were given.
        what: they limit.
    """
    shown = [flag if len(flag) <= _WIDTH else f"{flag[: _WIDTH - 1]}…" for flag in limits[:_FLAGS]]
    more = len(limits) - len(shown)
    which = f" ({', '.join([*shown, *([f'{more:,} more'] if more else [])])})" if shown else ""
    return f"Flags limit this {what}{which}; resources that they exclude were not compared."


def ordered(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Notes, warnings, then errors: what stops a plan is read last; else in their order."""
    return sorted(findings, key=lambda d: LAST_IS_WORST.index(d.severity))
