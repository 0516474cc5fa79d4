"""What moved, and what specs and remote disagree on, as text that fits 80 columns. Pure."""

from reconciler.model.plan import Plan
from reconciler.reports.drift.moved import (
    NO_BASELINE,
    UNREAD,
    UNTOUCHED,
    Moved,
    apart,
    limited,
    moved,
    no_difference,
    nothing,
    since,
    todo,
    verdict,
)
from reconciler.reports.folded import wrapped
from reconciler.reports.plan.changes_text import changes_lines
from reconciler.reports.plan.text import unmanaged_lines
from reconciler.reports.style import Style, safe

_SIGN = {"create": "+", "update": "~", "delete": "-"}


def render(plan: Plan, style: Style, *, show_unmanaged: bool = False, accepting: bool = False) -> str:
    """Both lists, and a line that sums them up.

    Args:
        plan: an audit plan.
        style: how to mark text.
        show_unmanaged: name what no spec declares, one by one.
        accepting: what drifted is being written into the specs.
    """
    lines: list[str] = []
    if (last := since(plan)) is None:
        lines += [*wrapped(NO_BASELINE, style.width), ""]
    else:
        lines += [style.bold(f"Changed on the platform since the last apply ({last})"), ""]
        lines += [line for m in moved(plan) for line in _moved(m, style)] or [f"  {nothing(plan)}"]
        lines.append("")
    lines += [style.bold("Specs and platform differ in"), ""]
    lines += changes_lines(apart(plan), style, plan.labels) or [f"  {no_difference(plan)}"]
    lines += [
        "",
        *unmanaged_lines(plan, style, show=show_unmanaged),
        *wrapped(f"{verdict(plan)} {UNTOUCHED}", style.width),
        *wrapped(safe(limited(plan) or ""), style.width),
        *wrapped(todo(plan, accepting=accepting) or "", style.width),
    ]
    if plan.errored:
        lines.append(style.red(UNREAD))
    return "\n".join(lines) + "\n"


def _moved(found: Moved, style: Style) -> list[str]:
    mark = {"create": style.green, "delete": style.red}.get(found.verb, style.yellow)
    words = "" if found.verb == "update" else f"  {found.words}"
    return [
        f"  {mark(_SIGN[found.verb])} {style.bold(safe(found.address))}{words}",
        *(
            line
            for key, old, new in found.fields
            for line in wrapped(
                f"{key}: {old} -> {new}", style.width, initial_indent="      ", subsequent_indent="        "
            )
        ),
    ]
