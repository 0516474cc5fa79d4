"""Counts with what they count, as texts say them. Pure."""

import re
from collections.abc import Sequence

_SIBILANT = re.compile(r"(?:s|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")


def many(n: int, one: str, several: str = "") -> str:
    """So many of something, with the right words: 1 chunk, 1,200 chunks, 0 identities.

    Args:
        n: how many.
        one: what one of them is called; verbs may follow, if `several` is given.
        several: what any other number of them is called; by default the last word of `one` in the plural.
    """
    return f"{n:,} {one if n == 1 else several or _plural(one)}"


def few(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are: `a, b and 3 more`. A single one more is named, too.

    Args:
        names: in the order in which they are told.
        most: so many are named.
    """
    left = len(names) - most
    return ", ".join(names if left < 2 else names[:most]) + (f" and {left:,} more" if left > 1 else "")


def few_lines(lines: Sequence[str], most: int, *, indent: str = "", of: str = "") -> list[str]:
    """The first of some lines, and one that says how many more there are. A single one more is shown, too.

    Args:
        lines: in the order in which they are shown.
        most: so many are shown.
        indent: of the line that counts the rest.
        of: what that line says behind `and 3 more`.
    """
    left = len(lines) - most
    return list(lines) if left < 2 else [*lines[:most], f"{indent}and {left:,} more{of}"]


def _plural(words: str) -> str:
    if _CONSONANT_Y.search(words):
        return words[:-1] + "ies"
    return words + ("es" if _SIBILANT.search(words) else "s")
