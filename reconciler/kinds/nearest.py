"""'Did you mean': the nearest of the words that would have been right."""

from collections.abc import Iterable

from reconciler.kinds.counts import few


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The word that a misspelt one may be meant to be, or None.

    Args:
        word: as typed.
        known: words that would be right.
        cutoff: share of the letters that both have, in order.
    """
    import difflib  # only where something is wrong: a good run does not pay for it

    if len(word) > 100:
        return None  # quadratic, and nobody's slip of the finger
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """'did you mean' text for a misspelt word, or None; arguments as those of `closest`."""
    found = closest(word, known, cutoff)
    return None if found is None else proposal(found)


def proposal(word: str) -> str:
    """'did you mean' text of one word."""
    return f"did you mean '{word}'?"


def nearest_or_known(word: str, known: Iterable[str], most: int = 8) -> str:
    """'did you mean' text, or a list of what there is."""
    every = list(known)
    return nearest(word, every) or f"known: {few(every, most) or 'none'}"


def closest_name(name: str, known: Iterable[str]) -> str | None:
    """The name of a file that a misspelt one may be meant to be: endings alone, such as `.yaml`, are no likeness."""
    stem, _, ending = name.partition(".")
    stems = {k.partition(".")[0]: k for k in sorted(known, key=lambda k: k.partition(".")[2] == ending)}
    found = closest(stem, stems)
    return None if found is None else stems[found]


def nearest_path(path: str, known: Iterable[str]) -> str | None:
    """'did you mean' text for a path of which the last part is misspelt.

    Args:
        path: as it was written.
        known: names in its folder.
    """
    folder, slash, name = path.rpartition("/")
    found = closest_name(name, known)
    return None if found is None else proposal(folder + slash + found)
