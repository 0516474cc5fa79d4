"""How two plans differ, as text that fits 80 columns. Pure."""

from collections.abc import Sequence
from typing import Any

from reconciler.kinds.counts import many
from reconciler.model.plan import Plan
from reconciler.planning.plan.compare import Difference
from reconciler.reports.plan.decision import actions
from reconciler.reports.style import Style, safe

HEAD = ("organisation_id", "workspace", "environment", "endpoint", "spec_digest", "applyable", "complete")


def render(a: Plan, b: Plan, differences: Sequence[Difference], style: Style) -> str:
    """The two plans, what about them differs, and each address that does.

    Args:
        a: the first plan.
        b: the second plan.
        differences: by address.
        style: how to mark text.
    """
    lines = [f"a: {_name(a)}", f"b: {_name(b)}"]
    for key in HEAD:
        one, other = getattr(a, key), getattr(b, key)
        if one != other:
            lines.append(f"   {key}: {_value(one)} -> {_value(other)}")
    lines.append("")
    for d in differences:
        if d.only:
            mark = style.red("-") if d.only == "a" else style.green("+")
            words = f"only in {d.only}: {d.actions[0]}"
            lines.append(f"  {mark} {style.bold(safe(d.address))}  {words}")
            continue
        lines.append(f"  {style.yellow('~')} {style.bold(safe(d.address))}  {d.actions[0]}")
        lines += [f"      {k}: {_value(x)} -> {_value(y)}" for k, (x, y) in d.fields.items()]
    if differences:
        lines += ["", f"{many(len(differences), 'difference')}."]
    else:
        lines.append("No differences: both plans have the same effect.")
    return "\n".join(lines) + "\n"


def _name(plan: Plan) -> str:
    return f"{plan.plan_digest[:12]} of {plan.created_at[:19]}  {actions(plan.summary)}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(v) for v in value) or "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    return "(none)" if value is None else safe(str(value))[:60]
