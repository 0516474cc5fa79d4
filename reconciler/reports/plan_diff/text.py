"""How two plans differ, as text that fits 80 columns. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.counts import many
from reconciler.model.plan import Plan
from reconciler.planning.plan.compare import Difference
from reconciler.reports.folded import wrapped
from reconciler.reports.grouping import alike
from reconciler.reports.plan.decision import actions
from reconciler.reports.plan.places import counted
from reconciler.reports.style import Style, safe

_WIDE, _DIGEST = 60, 12  # characters of a value
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
            cut = _DIGEST if key.endswith("digest") else _WIDE
            lines.append(f"   {key}: {_value(one)[:cut]} -> {_value(other)[:cut]}")
    lines.append("")
    labels = {**a.labels, **b.labels}
    for same in alike(differences, _looks):
        lines += _of(same, style, labels)
    if differences:
        lines += ["", f"{many(len(differences), 'difference')}."]
    else:
        lines.append("No differences: both plans have the same effect.")
    return "\n".join(lines) + "\n"


def _looks(d: Difference) -> object:
    """What is said of a difference, but for the datamart."""
    name, _, datamart = d.address.partition("@")
    fields = {k: v for k, v in d.fields.items() if not k.endswith("datamart_id")}
    said = (
        tuple(fields) if d.address.startswith("ProfileSource/") else str(fields)
    )  # each load has its own numbers
    return (name, d.only, d.actions, said) if datamart else id(d)


def _of(same: Sequence[Difference], style: Style, labels: Mapping[str, Mapping[str, str]]) -> list[str]:
    """One difference, or many that are alike."""
    d = same[0]
    name, where = d.address, ""
    if len(same) > 1:
        name = d.address.partition("@")[0]
        where = f" on {counted({x.address.partition('@')[2] for x in same}, labels)}"
    if d.only:
        mark = style.red("-") if d.only == "a" else style.green("+")
        stays = f"; plan {'b' if d.only == 'a' else 'a'} does not name it, so it leaves it as it is"
        words = f"only in {d.only}: {_action(d.actions)}{stays if d.actions == ('no-op',) else ''}"
        fields = []
    else:
        mark, words = style.yellow("~"), _action(d.actions)
        fields = [line for key in d.fields for line in _fields(key, [x.fields[key] for x in same])]
    first, *rest = wrapped(f"{safe(name)}{where}  {words}", style.width - 4, subsequent_indent="  ")
    return [f"  {mark} {style.bold(first)}", *(f"    {line}" for line in rest), *fields]


def _fields(key: str, values: Sequence[tuple[Any, Any]]) -> list[str]:
    """What a field is in both plans; of several resources that differ in it, that they do."""
    told = {f"{_field(key, one)} -> {_field(key, other)}" for one, other in values}
    if len(told) > 1:
        return [] if key.endswith("datamart_id") else [f"      {key}: differs on each (-o json)"]
    return [f"      {key}: {words}" for words in told if len(set(words.split(" -> "))) > 1]


def _field(key: str, value: Any) -> str:
    return _action(value) if key == "actions" else _value(value)


def _action(actions: Sequence[str]) -> str:
    return "unchanged" if tuple(actions) == ("no-op",) else ",".join(actions) or "(none)"


def _name(plan: Plan) -> str:
    return f"{plan.plan_digest[:12]} of {plan.created_at[:19]}  {actions(plan.summary)}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(v) for v in value) or "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    return "(none)" if value is None else safe(str(value))[:_WIDE]
