"""A plan as Markdown, for the comment of a pull request: shortened in steps until it fits, and says what it left out. Pure."""

from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.reports import allowed, unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.grouping import alike, anywhere, few_of_each, of_change, of_finding, of_load, where
from reconciler.reports.markdown import cell, code, fitted, table
from reconciler.reports.plan.decision import counted, decision, in_numbers, ordered
from reconciler.reports.plan.reach import Reach, Row
from reconciler.reports.plan.text import value
from reconciler.reports.style import duration, size


def render(plan: Plan, found: Reach | None = None) -> str:
    """The whole plan, or as much of it as fits.

    Args:
        plan: any.
        found: what it reads, runs and sends to, where that is shown.
    """
    return fitted(lambda rows: _rendered(plan, rows, found))


def _rendered(plan: Plan, rows: int, found: Reach | None) -> str:
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [x for x in plan.loads if x.actions != ("no-op",)]
    lines = [f"## {decision(plan)} {in_numbers(plan)}", ""]
    lines.append(f"`{plan.workspace}`, organisation {plan.organisation_id}, plan `{plan.plan_digest[:12]}`")
    lines += ["", *_warnings(plan), *findings(plan, rows), *_waves(plan)]
    lines += coverage_text.as_markdown(plan, rows)
    lines += table(
        "Changes",
        "| Action | Address | What | Reason |\n|---|---|---|---|",
        alike(acting, of_change),
        change_row,
        rows,
    )
    lines += table(
        "Loads",
        "| Load | Action | Lines | Volume | Reason |\n|---|---|--:|--:|---|",
        alike(loads, of_load),
        _load,
        rows,
    )
    lines += _reach(found, rows) if found is not None else []
    return "\n".join(lines).rstrip() + "\n"


def _reach(found: Reach, rows: int) -> list[str]:
    lines = ["### Authority", "", *(f"- {cell(words)}" for words in found.standing), ""]
    for title, every in found.sections:
        lines += table(title, "| For | What |\n|---|---|", every, _reached, rows)
    return lines


def _reached(row: Row) -> str:
    return f"| `{code(row.about)}` | {'<br>'.join(f'`{code(w)}`' for w in row.words if w)} |"


def _warnings(plan: Plan) -> list[str]:
    told = []
    if plan.errored:
        told.append("> A read failed; resources that depend on it are not in this plan.")
    if not plan.complete:
        told.append("> Flags limit this plan; resources that they exclude were not compared.")
    if (words := unmanaged.sentence(plan.unmanaged)) is not None:
        told.append(f"> {words}")
    told += [f"> **Guard overridden:** {cell(x)}" for x in allowed.sentences(plan.overrides)]
    return [*told, ""] if told else []


def findings(plan: Plan, rows: int) -> list[str]:
    """What a plan says beside its changes; errors last.

    Args:
        plan: any.
        rows: how many to show.
    """
    said = few_of_each(alike(ordered(plan.diagnostics), of_finding))
    shown = []
    for (d, *more), others in said[max(0, len(said) - rows) :]:
        also = f" and {many(len(more), 'other datamart')}" if more else ""
        subject = f"`{code(d.address)}`{also}: " if d.address else ""
        shown.append(f"- **{d.severity.value}** `{d.code}` {subject}{cell(d.message)}")
        if others:
            shown.append(f"- … and {others:,} more of `{d.code}`")
    left = max(0, len(said) - rows)
    first = [f"- … {many(left, 'more finding')} before these"] if left else []
    return [f"### Findings: {counted(plan.diagnostics)}", "", *first, *shown, ""] if said else []


def _waves(plan: Plan) -> list[str]:
    if plan.rollout is None:
        return []
    lines = [
        f"### Waves of `{plan.rollout.name}`",
        "",
        "| Wave | Datamarts | Soak | Gates |",
        "|---|--:|--:|---|",
    ]
    for wave in plan.rollout.waves:
        soak = duration(wave.soak) if wave.soak else ""
        gates = "; ".join(coverage_text.gates(wave.gates))
        lines.append(f"| {wave.name} | {len(wave.datamarts)} | {soak} | {cell(gates)} |")
    return [*lines, ""]


def _address(addresses: Sequence[str]) -> str:
    if len(addresses) == 1:
        return f"`{code(addresses[0])}`"
    return f"`{code(addresses[0].partition('@')[0])}` on {many(len(addresses), 'datamart')}: {cell(where(addresses))}"


def change_row(found: list[ResourceChange]) -> str:
    """A change, or many alike, as one row."""
    change = found[0]
    verb = change.change.actions[0]
    before, after = change.change.before or {}, change.change.after or {}
    shown = {k: v for k, v in after.items() if k not in ("organisation_id", "datamart_id", "compartment_id")}
    if verb == "update":
        words = ", ".join(
            f"{k}: {value(before.get(k))} → {value(v)}" for k, v in shown.items() if before.get(k) != v
        )
    elif verb == "delete":
        words = f"name: {value(before['name'])}" if "name" in before else ""
    else:
        words = ", ".join(f"{k}: {value(v)}" for k, v in shown.items())
    reason = anywhere(change.reason, change.address.partition("@")[2]) if len(found) > 1 else change.reason
    return f"| {verb} | {_address([c.address for c in found])} | {cell(words)} | {cell(reason)} |"


def _load(found: list[LoadChange]) -> str:
    load = found[0]
    each = " each" if len(found) > 1 else ""
    lines = "known after apply" if load.unread else f"{load.lines:,}{each}"
    volume = size(sum(x.bytes for x in found))
    number = f" load {load.generation}" if load.generation is not None else ""
    return f"| {_address([x.address for x in found])} | {load.actions[0]}{number} | {lines} | {volume} | {cell(load.reason)} |"
