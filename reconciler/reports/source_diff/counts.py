"""The differences of all profiles that were looked at, counted. Pure.

Without values, only the names of top-level properties are shown: deeper names can be data, as in a map by e-mail address.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.preview import Preview
from reconciler.reports.preview.differences import Difference, differences


class Fate(StrEnum):
    """What becomes of a profile."""

    NEW = "new"
    CHANGED = "changed"
    DELETED = "deleted"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """In how many profiles a top-level property is new, has another value, or is gone."""

    name: str
    added: int
    changed: int
    removed: int


def fate(found: Preview) -> Fate:
    """What becomes of one profile."""
    if found.merged is None:
        return Fate.UNCHANGED if found.stored is None else Fate.DELETED
    if found.stored is None:
        return Fate.NEW
    return Fate.CHANGED if any(changes(found)) else Fate.UNCHANGED


def changes(found: Preview) -> list[Difference]:
    """What differs, by path."""
    return list(differences(found.stored or {}, found.merged or {}))


def by_fate(previews: Sequence[Preview]) -> dict[Fate, int]:
    """How many profiles there are of each kind."""
    found = Counter(fate(x) for x in previews)
    return {kind: found[kind] for kind in Fate}


def signs(found: Preview) -> dict[str, str]:
    """For each top-level property that differs: `+` is new, `-` is gone, `~` has another value."""
    old, new = found.stored or {}, found.merged or {}
    made = dict[str, str]()
    for name in dict.fromkeys((*new, *old)):
        before, after = ({name: x[name]} if name in x else {} for x in (old, new))
        if any(differences(before, after)):
            made[name] = "+" if name not in old else "-" if name not in new else "~"
    return made


def by_property(previews: Sequence[Preview]) -> list[PropertyRow]:
    """All properties that differ somewhere, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    for found in previews:
        for name, sign in signs(found).items():
            counts.setdefault(name, Counter())[sign] += 1
    rows = [PropertyRow(name, c["+"], c["~"], c["-"]) for name, c in counts.items()]
    return sorted(rows, key=lambda r: (-(r.added + r.changed + r.removed), r.name))
