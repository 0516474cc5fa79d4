"""What drifted as Markdown, for an issue or a comment: shortened in steps until it fits, and says what it left out. Pure."""

from reconciler.model.plan import Plan
from reconciler.reports import unmanaged
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
from reconciler.reports.grouping import alike, of_change
from reconciler.reports.markdown import cell, code, fitted, table
from reconciler.reports.plan.markdown import change_row, findings


def render(plan: Plan, *, accepting: bool = False) -> str:
    """The whole audit, or as much of it as fits.

    Args:
        plan: an audit.
        accepting: what drifted is being written into the specs.
    """
    return fitted(lambda rows: _rendered(plan, rows, todo(plan, accepting=accepting)))


def _rendered(plan: Plan, rows: int, next_step: str | None) -> str:
    last = since(plan)
    lines = [f"## {verdict(plan)} {UNTOUCHED}", ""]
    lines.append(f"`{code(plan.workspace)}`, organisation {cell(plan.organisation_id)}")
    told = [NO_BASELINE] if last is None else []
    told += [UNREAD] if plan.errored else []
    told += [words] if (words := limited(plan)) is not None else []
    told += [words] if (words := unmanaged.sentence(plan.unmanaged)) is not None else []
    lines += ["", *(f"> {cell(words)}" for words in told), *([""] if told else [])]
    if last is not None:
        changed = moved(plan)
        lines += table(
            f"Changed on the platform since the last apply ({last})",
            "| What happened | Address | Fields |\n|---|---|---|",
            changed,
            _row,
            rows,
        ) or [
            f"### Changed on the platform since the last apply ({last})",
            "",
            f"{nothing(plan).capitalize()}.",
            "",
        ]
    lines += table(
        "Specs and platform differ in",
        "| Apply would | Address | What | Reason |\n|---|---|---|---|",
        alike(apart(plan), of_change),
        change_row,
        rows,
    ) or ["### Specs and platform differ in", "", f"{no_difference(plan).capitalize()}.", ""]
    lines += findings(plan, rows)
    lines += ["", cell(next_step)] if next_step is not None else []
    return "\n".join(lines).rstrip() + "\n"


def _row(found: Moved) -> str:
    fields = "<br>".join(cell(f"{key}: {old} → {new}") for key, old, new in found.fields)
    return f"| {found.words} | `{code(found.address)}` | {fields} |"
