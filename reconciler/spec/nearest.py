"""'Did you mean': the nearest of the words that would have been right."""

from collections.abc import Iterable

from reconciler.kinds.counts import many


def nearest(word: str, known: Iterable[str]) -> str | None:
    """'did you mean' text for a misspelt word, or None."""
    import difflib  # only where something is wrong: a good run does not pay for it

    if len(word) > 100:
        return None  # quadratic, and nobody's slip of the finger
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else None


def nearest_or_known(word: str, known: Iterable[str], most: int = 8) -> str:
    """'did you mean' text, or a list of what there is."""
    every = list(known)
    rest = f" and {many(len(every) - most, 'other')}" if len(every) > most else ""
    return nearest(word, every) or f"known: {', '.join(every[:most]) or 'none'}{rest}"
