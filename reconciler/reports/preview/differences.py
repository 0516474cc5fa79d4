"""What differs between two profiles, property by property. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.model.profile import Profile


class Difference(NamedTuple):
    """One property that differs: `+` is new, `-` is gone, `~` has another value."""

    sign: str
    path: str
    old: Any
    new: Any


def differences(old: Profile, new: Profile, path: str = "") -> Iterator[Difference]:
    """What differs between two profiles, by path, in the order of the new one."""
    for key in (*new, *(k for k in old if k not in new)):
        where = f"{path}.{key}" if path else str(key)
        if key not in old:
            yield Difference("+", where, None, new[key])
        elif key not in new:
            yield Difference("-", where, old[key], None)
        elif isinstance(old[key], Mapping) and isinstance(new[key], Mapping):
            yield from differences(old[key], new[key], where)
        elif old[key] != new[key] or isinstance(old[key], bool) is not isinstance(new[key], bool):
            yield Difference("~", where, old[key], new[key])
