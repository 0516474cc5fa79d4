"""Counts with what they count, as texts say them. Pure."""

import re

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


def _plural(words: str) -> str:
    if _CONSONANT_Y.search(words):
        return words[:-1] + "ies"
    return words + ("es" if _SIBILANT.search(words) else "s")
