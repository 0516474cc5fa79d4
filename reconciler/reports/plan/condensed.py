"""What many datamarts have alike in what a plan reads and sends to, said once and without loss. Pure.

Places that differ only by the name or a label of their datamart are one place with that placeholder, as a spec would write it.
What does not fit it keeps a line of its own, so nothing hides among many.
"""

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.kinds.counts import many
from reconciler.model.plan import Plan
from reconciler.reports.plan.places import counted
from reconciler.reports.plan.reach import Reach, Row

ALONE_MAX = 4  # datamarts that have a line each, however alike
_TRIED = 3  # of the words that most have with a placeholder
_WIDE = 54  # characters of a line of ids: with its indent it fits a narrow terminal

Labels = Mapping[str, Mapping[str, str]]


def condensed(found: Reach, plan: Plan) -> Reach:
    """The same, with a row for all datamarts that are alike.

    Args:
        found: a row for each load and each datamart.
        plan: that it is of.
    """
    return replace(found, reads=tuple(_reads(found.reads, plan.labels)), sends=tuple(_sends(found.sends)))


def _reads(rows: Sequence[Row], labels: Labels) -> Iterator[Row]:
    of_source: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    for row in rows:
        source, _, datamart = row.about.partition("@")
        of_source[source].append((datamart, row))
    for source, mine in of_source.items():
        like = _like(mine, labels)
        if len(like) <= ALONE_MAX:
            yield from (row for _, row in mine)
            continue
        yield Row(f"{source} on {counted(list(like), labels)}", next(iter(like.values())))
        yield from (row for datamart, row in mine if datamart not in like)


def _like(rows: Sequence[tuple[str, Row]], labels: Labels) -> dict[str, tuple[str, ...]]:
    """The most datamarts whose words come out of the same words with one placeholder, filled in; those words, by datamart."""
    best: dict[str, tuple[str, ...]] = {}
    keys = sorted({key for datamart, _ in rows for key in labels.get(datamart, {})})
    for placeholder in ("", "{datamart.name}", *(f"{{datamart.labels.{key}}}" for key in keys)):
        values = {datamart: _value(datamart, placeholder, labels) for datamart, _ in rows}
        written = Counter(_replaced(row.words, values[datamart], placeholder) for datamart, row in rows)
        for words, _ in written.most_common(_TRIED):
            filled = {d: _replaced(words, placeholder, v) for d, v in values.items() if v or not placeholder}
            like = [d for d, row in rows if filled.get(d) == row.words]
            if len(like) > len(best):
                best = dict.fromkeys(like, words)
    return best


def _value(datamart: str, placeholder: str, labels: Labels) -> str:
    key = placeholder.removeprefix("{datamart.labels.").removesuffix("}")
    return datamart if placeholder == "{datamart.name}" else labels.get(datamart, {}).get(key, "")


def _replaced(words: Sequence[str], old: str, new: str) -> tuple[str, ...]:
    return tuple(text.replace(old, new) for text in words) if old else tuple(words)


def _sends(rows: Sequence[Row]) -> Iterator[Row]:
    single = [row for row in rows if len(row.words) == 1 and row.words[0].startswith("datamart ")]
    if len(single) <= ALONE_MAX:
        yield from rows
        return
    yield from (row for row in rows if row not in single)
    named = ", ".join(f"{row.about} {row.words[0].partition(' ')[2]}" for row in single)
    yield Row(many(len(single), "datamart"), tuple(textwrap.wrap(named, _WIDE, break_on_hyphens=False)))
