"""Loads of a plan as text: one by one where they are few, else a table for each source, or of sources. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.plan import LoadChange
from reconciler.reports.folded import wrapped
from reconciler.reports.grouping import SINGLE_MAX_DATAMARTS, alike, anywhere, by_source, of_load
from reconciler.reports.plan.places import Labels, placed
from reconciler.reports.plan.words import SIGN, because, mark_of
from reconciler.reports.style import Style, size

SOURCES = 3  # that are shown each by itself
ROWS = 10  # of all tables of datamarts together
TOLD = 12  # rows of a table of sources
REASONS = 4


def loads_lines(
    loads: Sequence[LoadChange], style: Style, labels: Labels, *, full: bool = False
) -> list[str]:
    """Loads by source and action.

    Args:
        loads: those that do something.
        style: how to mark text.
        labels: of every datamart that the specs name.
        full: nothing is shortened.
    """
    groups = by_source(loads)
    if len(groups) > SOURCES and not full:
        return _sources(groups, style)
    rows = len(loads) if full else max(2, ROWS // len(groups))
    lines: list[str] = []
    for found in groups:
        differ = len(alike(found, of_load)) > SINGLE_MAX_DATAMARTS and not found[0].unread
        lines += _table(found, style, rows) if differ else _each(found, style, labels)
    return lines


def _each(loads: Sequence[LoadChange], style: Style, labels: Labels) -> list[str]:
    return [line for same in alike(loads, of_load) for line in _block(same, style, labels)]


def _block(same: Sequence[LoadChange], style: Style, labels: Labels) -> list[str]:
    """One load, or many of which the same is said."""
    load = same[0]
    verb = load.actions[0]
    done = f"{verb} (known after apply)" if load.unread else f"{verb} load {load.generation}{_retry(load)}"
    lines = [f"  {mark_of('create', style)(SIGN[verb])} {style.bold(load.address)}  {done}"]
    if len(same) > 1:
        where = placed([x.datamart for x in same], labels)
        every = where.startswith("all ")
        name = load.address.partition("@")[0]
        on = where if every else many(len(same), "datamart")
        lines = [f"  {mark_of('create', style)(SIGN[verb])} {style.bold(name)}  {done} on {on}"]
        lines += (
            [] if every else wrapped(where, style.width, initial_indent=" " * 6, subsequent_indent=" " * 6)
        )
    if not load.unread:
        lines += _sums(same) if len(same) == 1 else _each_of(same)
    return lines + because(load.reason, style)


def _retry(load: LoadChange) -> str:
    return f" (retry {load.retry})" if load.retry else ""


def _estimated(loads: Sequence[LoadChange]) -> str:
    return " (estimated)" if any(x.after_unknown for x in loads) else ""


def _unsafe(loads: Sequence[LoadChange]) -> str:
    return "" if all(x.replay_safe for x in loads) else "; sending a chunk again is not safe"


def _sums(loads: Sequence[LoadChange]) -> list[str]:
    return [
        f"      {_read(loads)}",
        f"      {many(sum(x.chunks for x in loads), 'chunk')}, {size(sum(x.bytes for x in loads))}"
        f"{_estimated(loads)}{_unsafe(loads)}",
    ]


def _each_of(same: Sequence[LoadChange]) -> list[str]:
    """Of loads that are alike: the counts of each, and the volume of all; bytes differ a little, so no single number is that of each."""
    load = same[0]
    return [
        f"      each: {_read(same[:1])}",
        f"      each: {many(load.chunks, 'chunk')}; in all: {size(sum(x.bytes for x in same))}{_estimated(same)}{_unsafe(same)}",
    ]


def _read(loads: Sequence[LoadChange]) -> str:
    return (
        f"{many(sum(x.lines for x in loads), 'row')} read: {many(sum(x.upserts for x in loads), 'upsert')},"
        f" {many(sum(x.deletes for x in loads), 'delete')}, {sum(x.rejected for x in loads):,} rejected"
    )


def _table(loads: Sequence[LoadChange], style: Style, most: int) -> list[str]:
    """Loads of one source onto many datamarts: the sum, then a row for each, or for the largest of them."""
    first = loads[0]
    verb, name = first.actions[0], first.address.partition("@")[0]
    largest = sorted(loads, key=lambda x: x.lines, reverse=True)
    rows = largest if len(largest) <= most + 1 else largest[:most]
    left = largest[len(rows) :]
    width = max(8, *(len(x.datamart) for x in rows))
    head = f"{'datamart':<{width}}  load {'rows':>10} {'rejected':>9} {'chunks':>7} {'volume':>9}"
    lines = [
        f"  {mark_of('create', style)(SIGN[verb])} {style.bold(name)}  {verb} on {many(len(loads), 'datamart')}{_retry(first)}",
        *_sums(loads),
        *_reasons(loads, style),
        style.dim(f"      {head}"),
    ]
    lines += [
        f"      {x.datamart:<{width}}  {x.generation or '?':>4} {x.lines:>10,} {x.rejected:>9,} {x.chunks:>7,} {size(x.bytes):>9}"
        for x in rows
    ]
    more = f"and {many(len(left), 'smaller one')}: {many(sum(x.lines for x in left), 'row')} (--full)"
    return [*lines, *([style.dim(f"      {more}")] if left else [])]


def _sources(groups: Sequence[Sequence[LoadChange]], style: Style) -> list[str]:
    """A row for each source: what is done with it, on how many datamarts, and how much it is."""
    largest = sorted(groups, key=lambda found: -sum(x.lines for x in found))
    rows = largest if len(largest) <= TOLD + 1 else largest[:TOLD]
    names = [found[0].address.partition("/")[2].partition("@")[0] + _retry(found[0]) for found in rows]
    width = max(6, *map(len, names))
    titles = f"{'source':<{width}}  {'action':<7} {'datamarts':>9} {'rows':>12} {'deletes':>9} {'rejected':>9} {'chunks':>7} {'volume':>9}"
    lines = [style.dim(f"    {titles}")]
    for name, found in zip(names, rows, strict=True):
        counts = f"{sum(x.lines for x in found):>12,} {sum(x.deletes for x in found):>9,} {sum(x.rejected for x in found):>9,}"
        if found[0].unread:
            counts = f"{'known after apply':>32}"
        volume = f"{sum(x.chunks for x in found):>7,} {size(sum(x.bytes for x in found)):>9}"
        verb = found[0].actions[0]
        lines.append(
            f"  {mark_of('create', style)(SIGN[verb])} {style.bold(f'{name:<{width}}')}  {verb:<7} {len(found):>9,} {counts} {volume}"
        )
    left = largest[len(rows) :]
    if left:
        rest = sum(x.lines for found in left for x in found)
        lines.append(style.dim(f"    and {many(len(left), 'smaller one')}: {many(rest, 'row')} (--full)"))
    every = [x for found in groups for x in found]
    if _unsafe(every):
        lines.append("    Sending a chunk again is not safe in some of them (--details ADDRESS).")
    return lines


def _reasons(loads: Sequence[LoadChange], style: Style) -> list[str]:
    reasons = Counter(anywhere(x.reason, x.datamart) for x in loads)
    several = len(reasons) > 1
    told = [
        reason + (f" ({many(n, 'datamart')})" if several else "")
        for reason, n in reasons.most_common(REASONS)
    ]
    more = [f"and {many(len(reasons) - REASONS, 'other reason')}"] if len(reasons) > REASONS else []
    return [line for words in (*told, *more) for line in because(words, style)]
