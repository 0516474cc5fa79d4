"""A preview as a diff. Pure; the only report with profile values, which is what it is asked for."""

import json
from typing import Any

from reconciler.model.preview import Preview
from reconciler.model.profile import OWNER
from reconciler.reports.preview.differences import Difference, differences
from reconciler.reports.style import Style, safe

_COMPARTMENT = ("compartment_id", "$compartment_id")
_NOT_KNOWN = "0"  # what stands for its id then


def render(found: Preview, style: Style) -> str:
    """The command in a line, then one line for each property that changes."""
    command = found.command
    flags = [
        f"{k}: {_value(command[k])}"
        for k in ("force_replace", "merge_objects", "update_strategy")
        if k in command
    ]
    who = [
        f"{k} {_named(k, command[k])}"
        for k in ("compartment_id", "user_account_id", "email_hash", "user_agent_id")
        if k in command
    ]
    lines = [
        f"{style.bold(found.address)}  {safe(found.path)}:{found.line}",
        f"  {', '.join([command['operation'], *flags])}",
        f"  {', '.join(who)}",
        "",
    ]
    if found.stored is None and found.merged is None:
        return "\n".join([*lines, "  nothing is stored, and this command stores nothing"])
    if found.merged is None:
        lines.append("  the stored profile is deleted:")
    elif found.stored is None:
        lines.append("  no profile is stored yet:")
    old, new = found.stored or {}, found.merged or {}
    changes = list(differences(old, new))
    lines += [_line(x, style) for x in changes]
    kept = sum(old.get(k) == v for k, v in new.items() if k in old)
    lines.append(style.dim(f"    {kept:,} unchanged"))
    if found.merged is not None and not any(k in new for k in OWNER):
        lines += [
            "",
            "  this profile has no owner: the platform stores it as anonymous, in the default compartment",
        ]
    return "\n".join(lines)


def _line(change: Difference, style: Style) -> str:
    paint = {"+": style.green, "-": style.red, "~": style.yellow}[change.sign]
    values = {
        "+": _named(change.path, change.new),
        "-": _value(change.old),
        "~": f"{_value(change.old)} -> {_value(change.new)}",
    }[change.sign]
    return f"  {paint(change.sign)} {safe(change.path)}: {values}"


def _named(key: str, value: Any) -> str:
    """The value of a property; no id stands for a compartment that does not exist yet."""
    new = key in _COMPARTMENT and value == _NOT_KNOWN
    return "(known after apply)" if new else _value(value)


def _value(value: Any) -> str:
    text = safe(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 120 else f"{text[:117]}…"
