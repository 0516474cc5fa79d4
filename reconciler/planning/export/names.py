"""Names in the repository for what has none there: made from the platform's own names. Pure."""

import re
import unicodedata
from collections.abc import Collection

LONGEST = 63
# Words with a meaning of their own in a datamart set.
_TAKEN = frozenset({"all", "rest"})


def slug(text: str, longest: int) -> str:
    """A text in the letters that names have: a-z, 0-9 and '-'; empty where it has none of them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:longest].strip("-")


def name_for(text: str, identity: str, used: Collection[str], fallback: str) -> str:
    """A name for `metadata.name` or a datamart: from a text, unlike all names used; with the id where it has to be.

    Args:
        text: the platform's name or token.
        identity: the id on the platform; ids differ, so a name with its id does, too.
        used: names that stand for something else.
        fallback: what the name begins with where the text gives nothing.
    """
    plain = slug(text, LONGEST)
    if plain and plain not in used and plain not in _TAKEN:
        return plain
    tail = f"-{identity}"
    name = f"{(plain or fallback)[: LONGEST - len(tail)].strip('-')}{tail}"
    count = 2
    while name in used:  # somebody else's name is made of this id by chance
        name, count = f"{fallback}{tail}-{count}", count + 1
    return name
