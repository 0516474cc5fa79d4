"""A plan as text that fits 80 columns and is read in a minute. Rendered from the document alone. Pure."""

from reconciler.kinds.counts import many
from reconciler.model.plan import Plan
from reconciler.planning.plan.coverage import coverage
from reconciler.planning.plan.obstacles import obstacle
from reconciler.reports import unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.folded import wrapped
from reconciler.reports.plan.changes_text import changes_lines
from reconciler.reports.plan.consequences import consequences
from reconciler.reports.plan.decision import decision, in_numbers, limited
from reconciler.reports.plan.loads_text import loads_lines
from reconciler.reports.style import Style, safe, size


def render(plan: Plan, style: Style, *, show_unmanaged: bool = False, full: bool = False) -> str:
    """The whole plan: whether it can be applied and what it takes away, changes, loads, and one line that sums it up.

    Args:
        plan: what to show.
        style: how to mark text.
        show_unmanaged: name what no spec declares, one by one.
        full: nothing is shortened.
    """
    lines = _first(plan, style)
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [load for load in plan.loads if load.actions != ("no-op",)]
    if acting:
        lines += [style.bold("Changes"), "", *changes_lines(acting, style, plan.labels, full=full), ""]
    if loads:
        lines += [style.bold("Loads"), "", *loads_lines(loads, style, plan.labels, full=full), ""]
    if plan.rollout is not None:
        lines += coverage_text.waves(plan, style)
        lines += coverage_text.matrix(coverage(plan), style, full=full)
    lines += unmanaged_lines(plan, style, show=show_unmanaged)
    lines.append(_summary(plan, style))
    if (words := limited(plan)) is not None:
        lines += [style.dim(part) for part in wrapped(safe(words), style.width)]
    if plan.errored:
        lines.append(style.red("A read failed; resources that depend on it are not in this plan."))
    return "\n".join(lines) + "\n"


def _first(plan: Plan, style: Style) -> list[str]:
    """The decision, and what the plan takes away or moves."""
    if not plan.has_changes:
        return []
    mark = style.bold if obstacle(plan) is None else style.red
    told = [
        line
        for sentence in consequences(plan)
        for line in wrapped(safe(sentence), style.width, initial_indent="  ! ", subsequent_indent="      ")
    ]
    return [mark(decision(plan)), *map(style.yellow, told), ""]


def unmanaged_lines(plan: Plan, style: Style, *, show: bool) -> list[str]:
    """One line on what no spec declares, or all of it; none where nothing is unmanaged."""
    told = unmanaged.sentence(plan.unmanaged)
    if told is None:
        return []
    if not show:
        shows = f"{told.removesuffix('.')} (see `plan --show-unmanaged`)."
        return [style.dim(line) for line in wrapped(shows, style.width)]
    rows = (
        line
        for row in unmanaged.rows(plan.unmanaged)
        for line in wrapped(row, style.width, initial_indent="  ", subsequent_indent="      ")
    )
    return [style.bold("Unmanaged"), "", *rows, "", told]


def _summary(plan: Plan, style: Style) -> str:
    if not plan.has_changes:
        if (why := obstacle(plan)) is not None:
            return style.red("\n".join(wrapped(safe(f"{why[0].upper()}{why[1:]}."), style.width)))
        return f"{style.bold(decision(plan))} {in_numbers(plan)}"
    pace = (
        ""
        if plan.budget.seconds is None
        else f" ({max(1, round(plan.budget.seconds)):,} s at the current request rate)"
    )
    upload = f", and {size(plan.budget.bytes)} to upload" if plan.budget.bytes else ""
    budget = f"About {many(plan.budget.requests, 'request')}{pace}{upload}."
    why = obstacle(plan)
    last = (
        budget
        if why is None
        else style.red("\n".join(wrapped(safe(f"{why[0].upper()}{why[1:]}."), style.width)))
    )
    return f"{style.bold('Plan:')} {in_numbers(plan)}\n{last}"
