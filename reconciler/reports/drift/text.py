"""What moved, and what specs and remote disagree on, as text that fits 80 columns. Pure."""

from datetime import UTC, datetime

from reconciler.model.plan import Plan
from reconciler.reports.plan.text import change_lines, unmanaged_lines, value
from reconciler.reports.style import Style, safe


def render(plan: Plan, last: float | None, style: Style, *, show_unmanaged: bool = False) -> str:
    """Both lists, and a line that sums them up.

    Args:
        plan: an audit plan.
        last: when the last run was, in seconds since 1970.
        style: how to mark text.
        show_unmanaged: name what no spec declares, one by one.
    """
    lines: list[str] = []
    if last is None:
        lines += ["The ledger has no run, so changes since the last apply are not known.", ""]
    else:
        since = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M UTC")
        lines += [style.bold(f"Changed on the platform since the last apply ({since})"), ""]
        lines += [line for d in plan.resource_drift for line in _moved(d, style)] or ["  nothing"]
        lines.append("")
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    lines += [style.bold("Specs and platform differ in"), ""]
    lines += [line for c in acting for line in change_lines(c, style)] or ["  nothing"]
    moved, apart = len(plan.resource_drift), len(acting)
    verdict = (
        "No drift."
        if not moved and not apart
        else f"Drift: {moved} changed on the platform, {apart} not as declared."
    )
    lines += [
        "",
        *unmanaged_lines(plan, style, show=show_unmanaged),
        f"{style.bold(verdict)} Nothing was corrected.",
    ]
    if plan.errored:
        lines.append(style.red("A read failed; resources that depend on it were not compared."))
    return "\n".join(lines) + "\n"


def _moved(entry: dict, style: Style) -> list[str]:  # type: ignore[type-arg]
    change = entry["change"]
    if change["before"] is None:
        return [f"  {style.green('+')} {style.bold(safe(entry['address']))}  was added again"]
    if change["after"] is None:
        return [f"  {style.red('-')} {style.bold(safe(entry['address']))}  was removed"]
    return [
        f"  {style.yellow('~')} {style.bold(safe(entry['address']))}",
        *(f"      {k}: {value(old)} -> {value(change['after'][k])}" for k, old in change["before"].items()),
    ]
