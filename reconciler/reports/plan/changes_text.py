"""Changes of a plan as text: one by one where there are few, by kind, action and datamarts where there are many. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.kinds.counts import many
from reconciler.model.plan import ResourceChange
from reconciler.reports.folded import wrapped
from reconciler.reports.grouping import (
    SINGLE_MAX_DATAMARTS,
    alike,
    by_kind_and_action,
    of_change,
    reason_anywhere,
    reason_of,
)
from reconciler.reports.plan.places import Labels, counted, placed
from reconciler.reports.plan.words import HIDDEN, KINDS, SIGN, because, mark_of, value
from reconciler.reports.style import Style, safe

FEW = 8  # blocks that are shown each by itself; of more, changes of one kind and action are a list
ROWS = 20  # of all lists together
_LEAST = 4  # rows of a list


def changes_lines(
    acting: Sequence[ResourceChange], style: Style, labels: Labels | None = None, *, full: bool = False
) -> list[str]:
    """Changes by kind and action.

    Args:
        acting: changes that do something.
        style: how to mark text.
        labels: of every datamart that the specs name.
        full: nothing is shortened.
    """
    every = labels or {}
    groups = by_kind_and_action(acting)
    several = sum(len(alike(found, of_change)) for found in groups) > FEW and not full
    most = len(acting) if full else max(_LEAST, ROWS // max(1, len(groups)))
    return [
        line
        for found in groups
        for line in (
            _listed(found, style, every, most)
            if _is_list(found, several=several)
            else _each(found, style, every)
        )
    ]


def _is_list(found: Sequence[ResourceChange], *, several: bool) -> bool:
    """Compartments are a list also where all else is shown by itself: a row says all that there is."""
    if found[0].kind == "Compartment" and len(found) > SINGLE_MAX_DATAMARTS:
        return True
    return several and len(alike(found, of_change)) > 1


def _each(found: Sequence[ResourceChange], style: Style, labels: Labels) -> list[str]:
    return [line for same in alike(found, of_change) for line in _block(same, style, labels)]


def _listed(found: Sequence[ResourceChange], style: Style, labels: Labels, most: int) -> list[str]:
    """Changes of one kind and action, in few rows."""
    if found[0].kind == "Compartment":
        return [_head(found, style), *_most(_compartments(found), most, style)]
    rows = _imports(found, labels) if found[0].kind == "DocumentImport" else _by_datamarts(found, labels)
    return [_head(found, style), *_most(rows, most, style), *_reasons(found, style)]


def _head(found: Sequence[ResourceChange], style: Style) -> str:
    verb = found[0].change.actions[0]
    what = style.bold(many(len(found), KINDS.get(found[0].kind, found[0].kind)))
    return f"  {mark_of(verb, style)(SIGN[verb])} {what}  {verb}"


def _most(rows: Sequence[str], most: int, style: Style) -> list[str]:
    """Rows within the width; of very many the first, and how many more there are."""
    shown = rows if len(rows) <= most + 1 else rows[:most]
    lines = [
        line
        for row in shown
        for line in wrapped(row, style.width, initial_indent=" " * 6, subsequent_indent=" " * 10)
    ]
    left = len(rows) - len(shown)
    return [*lines, *([f"      and {left:,} more (--full)"] if left else [])]


def _compartments(found: Sequence[ResourceChange]) -> list[str]:
    """A row for each, with its fields."""
    return [f"{safe(c.address.partition('/')[2])}: {', '.join(_fields(c))}" for c in found]


def _fields(change: ResourceChange) -> list[str]:
    before, after = change.change.before or {}, change.change.after or {}
    update = change.change.actions[0] == "update"
    return [
        f"{key} {value(before.get(key)) + ' -> ' if update else ''}{value(after[key])}"
        for key in after
        if key != "organisation_id" and (not update or before.get(key) != after[key])
    ]


def _by_datamarts(found: Sequence[ResourceChange], labels: Labels) -> list[str]:
    """A row for each set of datamarts: the compartments that are changed on it alike."""
    sets: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for change in found:
        name, _, datamart = change.address.partition("/")[2].partition("@")
        sets.setdefault((name, _shape(change)), set()).add(datamart)
    rows: dict[tuple[frozenset[str], tuple[str, ...]], list[str]] = {}
    for (name, shape), datamarts in sets.items():
        rows.setdefault((frozenset(datamarts), shape), []).append(name)
    largest = sorted(rows.items(), key=lambda row: -len(row[0][0]) * len(row[1]))
    return [
        f"{', '.join(map(safe, names))}: on {counted(datamarts, labels)}{f', {words}' if (words := ', '.join(shape)) else ''}"
        for (datamarts, shape), names in largest
    ]


def _shape(change: ResourceChange) -> tuple[str, ...]:
    """What is set beside the ids, in words."""
    after: Mapping[str, object] = change.change.after or {}
    return tuple(
        f"{key}: {value(after[key])}" for key in after if key not in HIDDEN and after[key] is not False
    )


def _imports(found: Sequence[ResourceChange], labels: Labels) -> list[str]:
    return [f"on {counted({c.address.partition('@')[2] for c in found}, labels)}"]


def _reasons(found: Sequence[ResourceChange], style: Style) -> list[str]:
    reasons = Counter(reason_anywhere(c) for c in found)
    shown = [f"{reason} ({n:,})" if len(reasons) > 1 else reason for reason, n in reasons.most_common(3)]
    left = len(reasons) - len(shown)
    return [
        *(line for words in shown for line in because(words, style)),
        *([style.dim(f"      and {many(left, 'other reason')} (--full)")] if left else []),
    ]


def _block(same: Sequence[ResourceChange], style: Style, labels: Labels) -> list[str]:
    """One change, its fields, and why; or many alike."""
    change, several = same[0], len(same) > 1
    verb = change.change.actions[0]
    head, *rest = _subject([c.address for c in same], verb, style, labels)
    lines = [f"  {mark_of(verb, style)(SIGN[verb])} {head}", *rest]
    before, after = change.change.before or {}, change.change.after or {}
    if verb == "delete" and "name" in before:
        lines.append(f"      name: {value(before['name'])}")
    for key in after:
        if key in HIDDEN and (
            verb == "update" or key == "organisation_id" or (several and key == "datamart_id")
        ):
            continue
        if verb == "update" and before.get(key) == after[key]:
            continue
        new = "(known after apply)" if change.change.after_unknown.get(key) else value(after[key])
        old = f"{value(before.get(key))} -> " if verb == "update" else ""
        lines.append(f"      {key}: {old}{new}")
    place = f" ({change.origin})" if change.origin else ""
    return lines + because(f"{reason_of(same)}{place}", style)


def _subject(addresses: Sequence[str], verb: str, style: Style, labels: Labels) -> list[str]:
    """The address and what is done; of many, where."""
    if len(addresses) < 2:
        return [f"{style.bold(addresses[0])}  {verb}"]
    name, names = addresses[0].partition("@")[0], [a.partition("@")[2] for a in addresses]
    where = placed(names, labels)
    if where.startswith("all "):
        return [f"{style.bold(name)}  {verb} on {where}"]
    return [
        f"{style.bold(name)}  {verb} on {many(len(names), 'datamart')}",
        *wrapped(where, style.width, initial_indent=" " * 6, subsequent_indent=" " * 6),
    ]
