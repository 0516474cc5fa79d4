"""Markdown for the comment of a pull request: tables, text that is only text, and as much of a report as a comment takes. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from reconciler.model.plan import Plan
from reconciler.reports.style import safe

LIMIT = 60_000  # characters; a comment of GitHub takes 65,536
_STEPS = (1_000_000, 200, 50, 10, 0)  # rows of each table, from one try to the next
_Row = TypeVar("_Row")
# What a comment would read as a link, an image, a mention, a reference, HTML or the end of a cell. A zero-width space breaks
# what cannot be escaped.
_PLAIN = str.maketrans(
    {
        "\\": "\\\\",
        "`": "\\`",
        "|": "\\|",
        "[": "\\[",
        "]": "\\]",
        "*": "\\*",
        "~": "\\~",
        "<": "&lt;",
        "&": "&amp;",
        "@": "@\u200b",
        "#": "#\u200b",
        "$": "&#36;",
    }
)
# Of these the character that makes them something else is known by its neighbours: an address, an emoji, a reference to an
# issue, a merge request, a milestone or a commit; an underscore at the edge of a word begins emphasis.
_BROKEN = re.compile(
    r"(?::(?=//|[\w+-]*[a-z+][\w+-]*:)|(?<!\d):(?=\d+:)|www(?=\.)|(?<![0-9A-Za-z])GH-(?=\d)|[!%](?=[\d\"])|(?<![0-9A-Za-z])[0-9a-f]{20}(?=[0-9a-f]{20}(?![0-9A-Za-z])))",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def fitted(rendered: Callable[[int], str]) -> str:
    """The whole report, or as much of it as a comment takes.

    Args:
        rendered: the report, with so many rows of each table.
    """
    text = ""
    for rows in _STEPS:
        text = rendered(rows)
        if len(text) <= LIMIT:
            break
    return text[:LIMIT]


def table(title: str, head: str, rows: Sequence[_Row], row: Callable[[_Row], str], most: int) -> list[str]:
    """A table with a title; says how many rows are left out; nothing where there are none.

    Args:
        title: of the section.
        head: the first two lines.
        rows: all.
        row: one as Markdown.
        most: how many to show.
    """
    if not rows:
        return []
    lines = [f"### {title}", "", head, *(row(found) for found in rows[:most])]
    if len(rows) > most:
        left = len(rows) - most
        lines += [
            "",
            f"… and {left:,} more, omitted to fit a comment; `reconciler show` (of a plan) or `runs show` (of a run) has them.",
        ]
    return [*lines, ""]


def headline(plan: Plan) -> str:
    """Of which workspace and organisation a plan is, and its digest."""
    where = f"`{code(plan.workspace)}`, organisation {cell(plan.organisation_id)}"
    return f"{where}, plan `{code(plan.plan_digest[:12])}`"


def code(text: str) -> str:
    """Text within backticks, in a cell."""
    return safe(text).replace("`", "'").replace("|", "\\|")


def cell(text: str) -> str:
    """Text that is only text: it ends no cell, begins no tag, links nowhere, shows no image and notifies nobody."""
    return _EMPHASIS.sub(r"\\_", _BROKEN.sub(lambda m: f"{m[0]}\u200b", safe(text).translate(_PLAIN)))
