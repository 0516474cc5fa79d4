"""A plan as Markdown, for the comment of a pull request: shortened in steps until it fits, and says what it left out. Pure."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Severity
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.reports import unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.grouping import (
    SINGLE_MAX_DATAMARTS,
    about,
    alike,
    alike_changes,
    anywhere,
    by_code_and_source,
    by_source,
    counted,
    of_load,
    reason_of,
)
from reconciler.reports.markdown import cell, code, fitted, headline, table
from reconciler.reports.plan.consequences import consequences
from reconciler.reports.plan.decision import decision, in_numbers, limited, ordered
from reconciler.reports.plan.places import Labels
from reconciler.reports.plan.places import counted as counted_places
from reconciler.reports.plan.reach import Reach, Row
from reconciler.reports.plan.words import HIDDEN, value
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
    lines.append(headline(plan))
    lines += ["", *_warnings(plan)]
    lines += table(
        "Changes",
        "| Action | Address | What | Reason |\n|---|---|---|---|",
        alike_changes(acting),
        partial(change_row, labels=plan.labels),
        rows,
    )
    lines += table(
        "Loads",
        "| Load | Action | Rows | Volume | Reason |\n|---|---|--:|--:|---|",
        _groups(loads),
        partial(_load, labels=plan.labels),
        rows,
    )
    lines += [*_waves(plan), *coverage_text.as_markdown(plan, rows), *findings(plan, rows)]
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
    if (limits := limited(plan)) is not None:
        told.append(f"> {cell(limits)}")
    if (words := unmanaged.sentence(plan.unmanaged)) is not None:
        told.append(f"> {cell(words)}")
    told += [f"> **{cell(x)}**" for x in consequences(plan)]
    return ["\n>\n".join(told), ""] if told else []


def _groups(loads: Sequence[LoadChange]) -> list[list[LoadChange]]:
    """Loads that look alike together; all of a source together where many of them differ."""
    parts = (
        [found] if len(same := alike(found, of_load)) > SINGLE_MAX_DATAMARTS else same
        for found in by_source(loads)
    )
    return [part for each in parts for part in each]


def findings(plan: Plan, rows: int) -> list[str]:
    """What a plan says beside its changes; errors last.

    Args:
        plan: any.
        rows: how many to show.
    """
    said = by_code_and_source(ordered(plan.diagnostics))
    shown = []
    for same in said[max(0, len(said) - rows) :]:
        d, (subject, message) = same[0], about(same)
        place = f" (`{code(f'{d.span.path}:{d.span.line}')}`)" if d.span and len(same) == 1 else ""
        advice = f" *Help:* {cell(d.help)}" if d.help and d.severity is not Severity.NOTE else ""
        shown.append(
            f"- **{d.severity.value}** `{code(d.code)}` {f'`{code(subject)}`: ' if subject else ''}{cell(message)}{place}{advice}"
        )
    left = max(0, len(said) - rows)
    first = [f"- … {many(left, 'more finding')} before these"] if left else []
    return [f"### Findings: {counted(plan.diagnostics)}", "", *first, *shown, ""] if said else []


def _waves(plan: Plan) -> list[str]:
    if plan.rollout is None:
        return []
    lines = [
        f"### Waves of `{code(plan.rollout.name)}`",
        "",
        "| Wave | Datamarts | Soak | Gates |",
        "|---|--:|--:|---|",
    ]
    for wave in plan.rollout.waves:
        soak = duration(wave.soak) if wave.soak else ""
        gates = "; ".join(coverage_text.gates(wave.gates))
        lines.append(f"| {cell(wave.name)} | {len(wave.datamarts)} | {soak} | {cell(gates)} |")
    return [*lines, ""]


def _address(addresses: Sequence[str], labels: Labels) -> str:
    if len(addresses) == 1:
        return f"`{code(addresses[0])}`"
    where = counted_places([a.partition("@")[2] for a in addresses], labels)
    return f"`{code(addresses[0].partition('@')[0])}` on {cell(where)}"


def change_row(found: list[ResourceChange], labels: Labels | None = None) -> str:
    """A change, or many alike, as one row."""
    change = found[0]
    verb = change.change.actions[0]
    before, after = change.change.before or {}, change.change.after or {}
    shown = {k: v for k, v in after.items() if k not in HIDDEN}
    if verb == "update":
        words = ", ".join(
            f"{k}: {value(before.get(k))} → {value(v)}" for k, v in shown.items() if before.get(k) != v
        )
    elif verb == "delete":
        words = f"name: {value(before['name'])}" if "name" in before else ""
    else:
        words = ", ".join(f"{k}: {value(v)}" for k, v in shown.items())
    where = _address([c.address for c in found], labels or {})
    return f"| {verb} | {where} | {cell(words)} | {cell(reason_of(found))} |"


def _load(found: list[LoadChange], labels: Labels) -> str:
    load = found[0]
    lines = "known after apply" if load.unread else f"{sum(x.lines for x in found):,}"
    if not load.unread and (rejected := sum(x.rejected for x in found)):
        lines += f" ({rejected:,} rejected)"
    volume = size(sum(x.bytes for x in found))
    same = load.generation is not None and len({x.generation for x in found}) == 1
    number = f" load {load.generation}" if same else ""
    return f"| {_address([x.address for x in found], labels)} | {load.actions[0]}{number} | {lines} | {volume} | {cell(_reasons(found))} |"


def _reasons(found: Sequence[LoadChange]) -> str:
    if len(found) == 1:
        return found[0].reason
    reasons = Counter(anywhere(x.reason, x.datamart) for x in found)
    return "; ".join(
        f"{reason} ({n})" if len(reasons) > 1 else reason for reason, n in reasons.most_common(3)
    )
