"""Lines and values as every part of a plan writes them. Pure."""

from collections.abc import Callable
from typing import Any

from reconciler.model.plan import Plan
from reconciler.origin import SANDBOX
from reconciler.reports.folded import wrapped
from reconciler.reports.style import Style, safe

KINDS = {"Compartment": "compartment", "Activation": "activation", "DocumentImport": "document import"}
HIDDEN = ("organisation_id", "datamart_id", "compartment_id")  # fields that an address says
SIGN = {"create": "+", "update": "~", "delete": "-", "execute": ">", "resume": ">"}


def organisation(plan: Plan) -> str:
    """Whose platform a plan is for: its number, and where that is."""
    place = "in the sandbox" if plan.endpoint == SANDBOX else f"at {plan.endpoint}"
    return f"{plan.organisation_id} {place}"


def value(value: Any) -> str:
    """A value as people read it."""
    return (
        "(none)"
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else f'"{_escaped(safe(str(value)))}"'
    )


def _escaped(text: str) -> str:
    """Text between quotes: those of its own are no ends of it."""
    return text.replace("\\", "\\\\").replace('"', '\\"') if '"' in text else text


def mark_of(verb: str, style: Style) -> Callable[[str], str]:
    """The colour of an action."""
    return {"create": style.green, "delete": style.red}.get(verb, style.yellow)


def because(reason: str, style: Style) -> list[str]:
    """Why, dimmed."""
    return [
        style.dim(line)
        for line in wrapped(
            f"because: {safe(reason)}", style.width, initial_indent="      ", subsequent_indent="        "
        )
    ]
