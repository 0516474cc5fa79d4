"""A plan as text that fits 80 columns and is read in a minute. Rendered from the document alone. Pure."""

import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from reconciler.kinds.counts import many
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.planning.plan.coverage import coverage
from reconciler.planning.plan.obstacles import obstacle
from reconciler.reports import allowed, unmanaged
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.grouping import (
    SINGLE_MAX_DATAMARTS,
    alike,
    anywhere,
    of_change,
    of_kind,
    of_load,
    of_source,
    where,
)
from reconciler.reports.plan.decision import decision, in_numbers
from reconciler.reports.style import Style, safe, size

WIDTH = 80
ROWS = 10  # of a table of loads
REASONS = 4
_SIGN = {"create": "+", "update": "~", "delete": "-", "execute": ">", "resume": ">"}


def render(plan: Plan, style: Style, *, show_unmanaged: bool = False) -> str:
    """The whole plan: changes, loads, and one line that sums it up.

    Args:
        plan: what to show.
        style: how to mark text.
        show_unmanaged: name what no spec declares, one by one.
    """
    lines = [] if obstacle(plan) is None or not plan.has_changes else [style.red(decision(plan)), ""]
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [load for load in plan.loads if load.actions != ("no-op",)]
    if acting:
        lines += [style.bold("Changes"), ""]
        lines += changes_lines(acting, style)
        lines.append("")
    if loads:
        lines += [style.bold("Loads"), ""]
        lines += _loads(loads, style)
        lines.append("")
    if plan.rollout is not None:
        lines += [*coverage_text.waves(plan, style), *coverage_text.matrix(coverage(plan), style)]
    if plan.overrides:
        lines += [style.bold("Overridden guards"), ""]
        for sentence in allowed.sentences(plan.overrides):
            lines += wrapped(sentence, WIDTH, initial_indent="  ", subsequent_indent="      ")
        lines.append("")
    lines += unmanaged_lines(plan, style, show=show_unmanaged)
    lines.append(_summary(plan, style))
    if not plan.complete:
        lines.append(style.dim("Flags limit this plan; resources that they exclude were not compared."))
    if plan.errored:
        lines.append(style.red("A read failed; resources that depend on it are not in this plan."))
    return "\n".join(lines) + "\n"


def unmanaged_lines(plan: Plan, style: Style, *, show: bool) -> list[str]:
    """One line on what no spec declares, or all of it; none where nothing is unmanaged."""
    told = unmanaged.sentence(plan.unmanaged)
    if told is None:
        return []
    if not show:
        return [style.dim(f"{told.removesuffix('.')} (--show-unmanaged).")]
    rows = (
        line
        for row in unmanaged.rows(plan.unmanaged)
        for line in wrapped(row, WIDTH, initial_indent="  ", subsequent_indent="      ")
    )
    return [style.bold("Unmanaged"), "", *rows, "", told]


def changes_lines(acting: Sequence[ResourceChange], style: Style) -> list[str]:
    """Compartments by action, then what is left, each with all datamarts where the same is done."""
    groups = alike(acting, of_kind)
    lines = [line for group in groups if len(group) > 1 for line in _compartments(group, style)]
    datamarts = {c.address.partition("@")[2] for c in acting} - {""}
    for same in alike([c for group in groups if len(group) == 1 for c in group], of_change):
        lines += change_lines(same[0], style, among=[c.address for c in same], of=len(datamarts))
    return lines


def _loads(loads: Sequence[LoadChange], style: Style) -> list[str]:
    """Loads of few datamarts one by one, of many that differ as a table for each source."""
    lines: list[str] = []
    for of_one in alike(loads, of_source):
        differ = len(alike(of_one, of_load)) > SINGLE_MAX_DATAMARTS
        lines += (_table if differ and not of_one[0].unread else _each)(of_one, style)
    return lines


def wrapped(text: str, width: int, *, initial_indent: str = "", subsequent_indent: str = "") -> list[str]:
    """Lines of a text; names are never broken inside.

    Args:
        text: what to wrap.
        width: of a line.
        initial_indent: before the first line.
        subsequent_indent: before the others.
    """
    return textwrap.wrap(
        text,
        width,
        initial_indent=initial_indent,
        subsequent_indent=subsequent_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _subject(address: str, among: Sequence[str], verb: str, style: Style, of: int = 0) -> list[str]:
    """The address and what is done; of many, how many and where."""
    if len(among) < 2:
        return [f"{style.bold(address)}  {verb}"]
    name = address.partition("@")[0]
    indent = " " * 6
    if len(among) == of:
        return [f"{style.bold(name)}  {verb} on all {of} datamarts of this plan"]
    return [
        f"{style.bold(name)}  {verb} on {many(len(among), 'datamart')}",
        *wrapped(where(among), WIDTH, initial_indent=indent, subsequent_indent=indent),
    ]


def _compartments(changes: Sequence[ResourceChange], style: Style) -> list[str]:
    """Compartments with the same action, each in a line or two: its fields, and where the spec is."""
    verb = changes[0].change.actions[0]
    mark = _mark(verb, style)
    lines = [f"  {mark(_SIGN[verb])} {style.bold(many(len(changes), 'compartment'))}  {verb}"]
    for change in changes:
        before, after = change.change.before or {}, change.change.after or {}
        fields = [
            f"{key} {value(before.get(key)) + ' -> ' if verb == 'update' else ''}{value(after[key])}"
            for key in after
            if key != "organisation_id" and (verb != "update" or before.get(key) != after[key])
        ]
        place = f" ({change.origin})" if change.origin else ""
        lines += wrapped(
            f"{change.address}: {', '.join(fields)}{place}",
            WIDTH,
            initial_indent="      ",
            subsequent_indent="          ",
        )
    return lines


def _mark(verb: str, style: Style) -> Callable[[str], str]:
    """The colour of an action."""
    return {"create": style.green, "delete": style.red}.get(verb, style.yellow)


def change_lines(change: ResourceChange, style: Style, among: Sequence[str] = (), of: int = 0) -> list[str]:
    """One change, its fields, and why; or many alike.

    Args:
        change: the first of them.
        style: how to mark text.
        among: addresses of all of them.
        of: how many datamarts the plan changes.
    """
    verb = change.change.actions[0]
    mark = _mark(verb, style)
    first, *where = _subject(change.address, among, verb, style, of)
    lines = [f"  {mark(_SIGN[verb])} {first}", *where]
    several = len(among) > 1
    before, after = change.change.before or {}, change.change.after or {}
    if verb == "delete" and "name" in before:
        lines.append(f"      name: {value(before['name'])}")
    for key in after:
        if key in ("organisation_id", "datamart_id", "compartment_id") and (
            verb == "update" or key == "organisation_id" or (several and key == "datamart_id")
        ):
            continue
        if verb == "update" and before.get(key) == after[key]:
            continue
        new = "(known after apply)" if change.change.after_unknown.get(key) else value(after[key])
        old = f"{value(before.get(key))} -> " if verb == "update" else ""
        lines.append(f"      {key}: {old}{new}")
    place = f" ({change.origin})" if change.origin else ""
    reason = anywhere(change.reason, change.address.partition("@")[2]) if several else change.reason
    return lines + _because(f"{reason}{place}", style)


def _each(loads: Sequence[LoadChange], style: Style) -> list[str]:
    return [
        line for also in alike(loads, of_load) for line in _load(also[0], style, [x.address for x in also])
    ]


def _table(loads: Sequence[LoadChange], style: Style) -> list[str]:
    """Loads of one source onto many datamarts: the sum, then a row for each, or for the largest of them."""
    first = loads[0]
    verb, name = first.actions[0], first.address.partition("@")[0]
    retry = f" (retry {first.retry})" if first.retry else ""
    estimated = " (estimated)" if any(x.after_unknown for x in loads) else ""
    largest = sorted(loads, key=lambda x: x.lines, reverse=True)
    rows, left = largest[:ROWS], largest[ROWS:]
    width = max(8, *(len(x.datamart) for x in rows))
    lines = [
        f"  {style.green(_SIGN[verb])} {style.bold(name)}  {verb} on {many(len(loads), 'datamart')}{retry}",
        f"      {many(sum(x.lines for x in loads), 'row')} read: {many(sum(x.upserts for x in loads), 'upsert')},"
        f" {many(sum(x.deletes for x in loads), 'delete')}, {sum(x.rejected for x in loads):,} rejected",
        f"      {many(sum(x.chunks for x in loads), 'chunk')}, {size(sum(x.bytes for x in loads))}{estimated}"
        f"{'' if all(x.replay_safe for x in loads) else '; sending a chunk again is not safe'}",
        *_becauses(loads, style),
        "",
        style.dim(
            f"      {'datamart':<{width}}  load {'rows':>10} {'rejected':>9} {'chunks':>7} {'volume':>9}"
        ),
    ]
    lines += [
        f"      {x.datamart:<{width}}  {x.generation or '?':>4} {x.lines:>10,} {x.rejected:>9,} {x.chunks:>7,} {size(x.bytes):>9}"
        for x in rows
    ]
    if left:
        lines.append(
            style.dim(
                f"      and {many(len(left), 'smaller one')}: {many(sum(x.lines for x in left), 'row')}"
            )
        )
    return lines


def _becauses(loads: Sequence[LoadChange], style: Style) -> list[str]:
    reasons = Counter(anywhere(x.reason, x.datamart) for x in loads)
    several = len(reasons) > 1
    told = [
        reason + (f" ({many(n, 'datamart')})" if several else "")
        for reason, n in reasons.most_common(REASONS)
    ]
    more = [f"and {many(len(reasons) - REASONS, 'other reason')}"] if len(reasons) > REASONS else []
    return [line for words in (*told, *more) for line in _because(words, style)]


def _load(load: LoadChange, style: Style, among: Sequence[str]) -> list[str]:
    verb = load.actions[0]
    if load.unread:
        first, *where = _subject(load.address, among, f"{verb} (known after apply)", style)
        return [f"  {style.green(_SIGN[verb])} {first}", *where, *_because(load.reason, style)]
    unknown = " (estimated)" if load.after_unknown else ""
    action = f"{verb} load {load.generation}{f' (retry {load.retry})' if load.retry else ''}"
    first, *where = _subject(load.address, among, action, style)
    lines = [
        f"  {style.green(_SIGN[verb])} {first}",
        *where,
        f"      {many(load.lines, 'row')} read: {many(load.upserts, 'upsert')}, {many(load.deletes, 'delete')}, {load.rejected:,} rejected",
        f"      {many(load.chunks, 'chunk')}, {size(load.bytes)}{unknown}"
        f"{'' if load.replay_safe else '; sending a chunk again is not safe'}",
    ]
    return lines + _because(load.reason, style)


def _because(reason: str, style: Style) -> list[str]:
    return [
        style.dim(line)
        for line in wrapped(
            f"because: {safe(reason)}", WIDTH - 6, initial_indent="      ", subsequent_indent="        "
        )
    ]


def value(value: Any) -> str:
    """A value as people read it."""
    return (
        "(none)"
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else f'"{safe(str(value))}"'
    )


def _summary(plan: Plan, style: Style) -> str:
    if not plan.has_changes:
        if (why := obstacle(plan)) is not None:
            return style.red("\n".join(wrapped(safe(f"{why[0].upper()}{why[1:]}."), WIDTH)))
        return f"{style.bold(decision(plan))} {in_numbers(plan)}"
    pace = (
        ""
        if plan.budget.seconds is None
        else f" ({max(1, round(plan.budget.seconds)):,} s at the current request rate)"
    )
    budget = f"About {many(plan.budget.requests, 'request')}{pace}, and {size(plan.budget.bytes)} to upload."
    why = obstacle(plan)
    last = (
        budget if why is None else style.red("\n".join(wrapped(safe(f"{why[0].upper()}{why[1:]}."), WIDTH)))
    )
    return f"{style.bold('Plan:')} {in_numbers(plan)}\n{last}"
