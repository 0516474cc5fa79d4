"""Which names a pattern means, and in which order names come: one rule for files and objects. Pure.

`*`, `?` and `[…]` match within a name, `**` any number of folders. A wildcard at the beginning of a name does not match a
leading dot. A name in brackets that exists as it is written is taken as it is.
"""

import fnmatch
import functools
import re
from collections.abc import Callable, Sequence

_WILD, _OPEN = re.compile(r"[*?[]"), re.compile(r"[*?]")
_DIGITS = re.compile(r"([0-9]+)")


def has_wildcard(text: str) -> bool:
    """True if a pattern, or a part of one, may match other names than itself."""
    return bool(_WILD.search(text))


def may_be_literal(text: str) -> bool:
    """True if its only wildcards are brackets: such a name exists more often than it is meant as a set of characters."""
    return "[" in text and not _OPEN.search(text)


def accepts(part: str, name: str) -> bool:
    """Whether one part of a pattern matches one name."""
    if not has_wildcard(part):
        return part == name
    if name.startswith(".") and not part.startswith("."):
        return False
    return bool(_compiled(part)(name))


@functools.lru_cache(maxsize=1024)
def _compiled(part: str) -> Callable[[str], object]:
    return re.compile(fnmatch.translate(part)).match


def matches(parts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a pattern, split at `/`, matches a key, split likewise."""
    if not parts:
        return not names
    if parts[0] == "**":
        if matches(parts[1:] or ("*",), names):
            return True
        return len(names) > 1 and accepts("*", names[0]) and matches(parts, names[1:])
    return bool(names) and accepts(parts[0], names[0]) and matches(parts[1:], names[1:])


def holds_no_rows(name: str, size: int) -> bool:
    """True for what is put beside data to mark it: empty, and `_SUCCESS` or the like, or without a suffix as folders are."""
    last = name.rpartition("/")[2]
    return size == 0 and (last.startswith("_") or "." not in last)


def natural(name: str) -> tuple[list[str | int], str]:
    """A key that sorts numbers in names by their value: part-2 before part-10."""
    parts: list[str | int] = list(_DIGITS.split(name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, name
