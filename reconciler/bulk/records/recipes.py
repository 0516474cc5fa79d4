"""Identifiers that a source hashes, by the recipe in its spec and no other (contract 7.6). Pure."""

import hashlib
from collections.abc import Callable

from reconciler.model.source import Identifier

_NORMAL: dict[str, Callable[[str], str]] = {"trim": str.strip, "lowercase": str.lower, "uppercase": str.upper}


def normalised(value: str, identifier: Identifier) -> str:
    """The text that is hashed."""
    for step in identifier.normalise:
        value = _NORMAL[step](value)
    return value


def hashed(value: str, identifier: Identifier) -> str | None:
    """The hash of a value; nothing that is left of a value is no value."""
    text = normalised(value, identifier)
    return hashlib.new(str(identifier.hash), text.encode()).hexdigest() if text else None
