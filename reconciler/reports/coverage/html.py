"""The compartment × datamart matrix for pages: a table, and for narrow screens a card a compartment. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from reconciler.kinds.counts import many
from reconciler.planning.plan.coverage import Cover, Coverage, shortened

FEW_MISSING = 8
FEW_COLUMNS, ROWS = 20, 1000
_SIGNS = {
    Cover.ACTIVE: "✓",
    Cover.DEFAULT: "★",
    Cover.NOW: "+",
    Cover.LATER: "~",
    Cover.PROMOTED: "d",
    Cover.REMOVED: "-",
    Cover.MISSING: "",
}
_WORDS = {
    Cover.ACTIVE: "active",
    Cover.DEFAULT: "default",
    Cover.NOW: "now",
    Cover.LATER: "later",
    Cover.PROMOTED: "to default",
    Cover.REMOVED: "removed",
    Cover.MISSING: "",
}
_MEANING = {
    Cover.ACTIVE: "is active",
    Cover.DEFAULT: "is active, and the datamart's default",
    Cover.NOW: "is activated by this plan",
    Cover.LATER: "is activated in a later wave",
    Cover.PROMOTED: "is active, and becomes the datamart's default by this plan",
    Cover.REMOVED: "is removed by this plan",
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """What the template shows.

    Attributes:
        found: rows and columns that are shown.
        left: how many rows are not.
        heads: waves over the columns, each with its number of columns.
        words: what stands in a cell.
        meaning: what that means.
        legend: words of the cells that there are.
        cards: by compartment: what it is, and where.
    """

    found: Coverage
    left: int
    heads: list[tuple[str, int]]
    words: dict[Cover, str]
    meaning: dict[Cover, str]
    legend: list[tuple[Cover, str]]
    cards: list[tuple[str, list[tuple[str, str]]]]


def matrix(found: Coverage) -> Matrix:
    """The matrix, cut where it is very long."""
    shown, left = shortened(found, ROWS)
    groups = groupby(range(len(shown.datamarts)), key=lambda i: shown.waves.get(shown.datamarts[i], ""))
    heads = [(wave, len(list(members))) for wave, members in groups]
    words = _WORDS if len(shown.datamarts) <= FEW_COLUMNS else _SIGNS
    there = {cover for row in shown.cells.values() for cover in row}
    legend = [(cover, word) for cover, word in words.items() if word and cover in there]
    return Matrix(shown, left, heads, words, _MEANING, legend, [_card(shown, name) for name in shown.cells])


def _card(found: Coverage, name: str) -> tuple[str, list[tuple[str, str]]]:
    row = found.cells[name]
    # Where no spec asks for a compartment, nothing is missing.
    shown = [cover for cover in Cover if cover is not Cover.MISSING or name not in found.unmanaged]
    return name, [
        (_WORDS[cover], _where(names, found.datamarts)) if _WORDS[cover] else ("not active", _missing(names))
        for cover in shown
        if (names := [d for d, c in zip(found.datamarts, row, strict=True) if c is cover])
    ]


def _where(names: Sequence[str], every: Sequence[str]) -> str:
    """Where it is active: by name; of nearly all datamarts those that are left out."""
    left = [d for d in every if d not in set(names)]
    if len(names) <= FEW_MISSING or len(left) > FEW_MISSING:
        return ", ".join(names)
    return f"all {many(len(every), 'datamart')}{' but ' if left else ''}{', '.join(left)}"


def _missing(names: Sequence[str]) -> str:
    """Where a compartment is not active: by name, where these are few."""
    return ", ".join(names) if len(names) <= FEW_MISSING else f"on {many(len(names), 'other datamart')}"
