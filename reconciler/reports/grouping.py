"""What would be said of many datamarts in the same words is said once. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import LoadChange, ResourceChange

SINGLE_MAX_DATAMARTS, NAMED_MAX_DATAMARTS = (
    4,
    12,
)  # up to so many datamarts are told of one by one; so many are named where more are alike
OF_A_KIND_MAX, OF_A_KIND_SHOWN = 6, 3  # of more warnings of one code than so many, so many are shown
LAST_IS_WORST = (Severity.NOTE, Severity.WARNING, Severity.ERROR)
Item = TypeVar("Item")
_COUNT = re.compile(r"(?<![\w.])\d[\d,.]*(?!\w)")  # a number by itself: a digit of a name is part of the name


def grouped(items: Iterable[Item], looks: Callable[[Item], object]) -> list[list[Item]]:
    """Those that look alike together, each group where the first of it stood."""
    groups: dict[object, list[Item]] = {}
    for item in items:
        groups.setdefault(looks(item), []).append(item)
    return list(groups.values())


def alike(items: Sequence[Item], looks: Callable[[Item], object]) -> list[list[Item]]:
    """In their order: each by itself, but those that look alike together, if they are more than a few."""
    parts = (
        [found] if len(found) > SINGLE_MAX_DATAMARTS else [[x] for x in found]
        for found in grouped(items, looks)
    )
    return [part for each in parts for part in each]


def findings_alike(findings: Sequence[Diagnostic]) -> list[list[Diagnostic]]:
    """In their order, those that say the same of several datamarts together: each of another datamart."""
    seen: Counter[tuple[object, str | None]] = Counter()

    def looks(d: Diagnostic) -> object:
        said = of_finding(d)
        seen[said, d.address] += 1
        return said, seen[said, d.address]

    return alike(findings, looks)


def few_of_each(findings: Sequence[list[Diagnostic]]) -> list[tuple[list[Diagnostic], int]]:
    """Findings in their order, and how many of the same kind are left out after each; of errors none is.

    Args:
        findings: each with those that look alike.
    """
    counts = Counter(_kind(found) for found in findings)
    shown: dict[object, int] = {}
    kept = []
    for found in findings:
        kind = _kind(found)
        many = counts[kind] > OF_A_KIND_MAX and kind[1] is not Severity.ERROR
        shown[kind] = shown.get(kind, 0) + 1
        if not many or shown[kind] < OF_A_KIND_SHOWN:
            kept.append((found, 0))
        elif shown[kind] == OF_A_KIND_SHOWN:
            kept.append((found, counts[kind] - OF_A_KIND_SHOWN))
    return kept


def _kind(found: list[Diagnostic]) -> tuple[str, Severity]:
    return found[0].code, found[0].severity


def of_change(change: ResourceChange) -> object:
    """What is said of a change, but for the datamart."""
    name, _, datamart = change.address.partition("@")
    if not datamart:
        return id(change)
    after = {
        k: v for k, v in (change.change.after or {}).items() if k not in ("datamart_id", "compartment_id")
    }
    unknown = tuple(change.change.after_unknown)
    return name, change.change.actions, str(after), unknown, reason_anywhere(change), change.origin


def of_load(load: LoadChange) -> object:
    """What is said of a load, but for the datamart."""
    volume = (load.lines, load.upserts, load.deletes, load.rejected, load.chunks, load.replay_safe)
    reason = anywhere(load.reason, load.datamart)
    return load.address.partition("@")[0], load.actions, load.generation, load.retry, volume, reason


def of_source(load: LoadChange) -> object:
    """The source of a load, and what is done with it."""
    return load.address.partition("@")[0], load.actions, load.retry, load.unread


def of_finding(d: Diagnostic) -> object:
    """What a finding says, but for the datamart; of a warning, but for counts and examples, too."""
    name, _, datamart = (d.address or "").partition("@")
    if not datamart:
        return id(d)
    if d.severity is Severity.ERROR:
        return d.code, d.severity, anywhere(d.message, datamart), d.span, d.note, d.help, name
    # Warnings differ in their counts and examples, and are about one thing all the same.
    return d.code, d.severity, _COUNT.sub("#", anywhere(d.message, datamart)), d.span, d.help, name


def anywhere(text: str, datamart: str) -> str:
    """A text without the name of the datamart it is about."""
    if not datamart:
        return text
    return re.sub(_whole(datamart), "…", re.sub(rf"\bon {_whole(datamart)}", "there", text))


def _whole(name: str) -> str:
    """The pattern of a name that stands alone; a datamart may be called `es`, which is in other words, too."""
    return rf"(?<![\w-]){re.escape(name)}(?![\w-])"


def by_kind_and_action(changes: Sequence[ResourceChange]) -> list[list[ResourceChange]]:
    """Changes of one kind and action together, in their order."""
    return grouped(changes, lambda c: (c.kind, c.change.actions))


def by_source(loads: Sequence[LoadChange]) -> list[list[LoadChange]]:
    """Loads of one source of which the same is done, in their order."""
    return grouped(loads, of_source)


def alike_changes(changes: Sequence[ResourceChange]) -> list[list[ResourceChange]]:
    """Changes by kind and action; of these each by itself, or many that look alike together."""
    return alike([c for found in by_kind_and_action(changes) for c in found], of_change)


def reason_of(same: Sequence[ResourceChange]) -> str:
    """Why a change is made; of several that look alike, without the name of a datamart or of its former default."""
    return reason_anywhere(same[0]) if len(same) > 1 else same[0].reason


def reason_anywhere(change: ResourceChange) -> str:
    """Why a change is made, without the name of its datamart, and of the compartment that stops being the default there.

    Each datamart may have a default of its own; what a plan moves says which they are.
    """
    words = anywhere(change.reason, change.address.partition("@")[2])
    if change.former_default is None:
        return words
    return re.sub(r"compartment (?:'.*' )?\(id [^)]*\) stops being", "its former default stops being", words)


def by_code_and_source(findings: Sequence[Diagnostic]) -> list[list[Diagnostic]]:
    """Findings of one severity, code and source together, whatever the datamart; each by itself where they are few.

    Expectations that differ are not alike, however many: which ones are not met is what is to be known.
    """

    def looks(d: Diagnostic) -> object:
        expected = d.message.rpartition(": ")[0] if d.code == "expectation" else ""
        return d.severity, d.code, (d.address or "").partition("@")[0], expected

    return alike(findings, looks)


def counted(findings: Iterable[Diagnostic]) -> str:
    """How many of each severity, errors last: `12 warnings, 1 error`."""
    counts = Counter(d.severity for d in findings)
    return ", ".join(many(n, s.value) for s in LAST_IS_WORST if (n := counts[s]))


def about(same: Sequence[Diagnostic]) -> tuple[str, str]:
    """What findings of one source are about, and what each of them says; where they differ, what the first says."""
    d = same[0]
    name, _, datamart = (d.address or "").partition("@")
    places = {(x.address or "").partition("@")[2] for x in same} - {""}
    if len(same) == 1:
        return d.address or "", d.message
    if len(places) < 2:
        return f"{d.address}, {many(len(same), 'time')}" if d.address else many(len(same), "time"), d.message
    subject = f"{name} on {many(len(places), 'datamart')}"
    alike = {re.sub(_whole((x.address or "").partition("@")[2]), "it", x.message) for x in same}
    return subject, f"each: {alike.pop()}" if len(alike) == 1 else f"for example {datamart}: {d.message}"
