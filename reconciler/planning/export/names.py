"""Names in the repository for what has none there: made from the platform's own names. Pure."""

import re
import unicodedata
from collections.abc import Collection

LONGEST = 63
# Words with a meaning of their own in a datamart set.
_TAKEN = frozenset({"all", "rest"})


def name_for(text: str, identity: str, used: Collection[str], fallback: str) -> str:
    """A name for `metadata.name` or a datamart: from a text, unlike all names used; with the id where it has to be.

    Args:
        text: the platform's name or token.
        identity: the id on the platform; ids differ, so a name with its id does, too.
        used: names that stand for something else.
        fallback: what the name begins with where the text gives nothing.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
    if slug and slug not in used and slug not in _TAKEN:
        return slug
    tail = f"-{identity}"
    name = f"{(slug or fallback)[: LONGEST - len(tail)].strip('-')}{tail}"
    count = 2
    while name in used:  # somebody else's name is made of this id by chance
        name, count = f"{fallback}{tail}-{count}", count + 1
    return name
