"""A command to show: field by field, each value in words (its type and length), or as JSON where values are wanted. Pure.

In words, a command holds nothing of the source but the names of its properties: no value, and no key within a value, as maps
have data for keys. The operation and the flags are words of the platform.
"""

from typing import NamedTuple

import msgspec

from reconciler.kinds.counts import many

_PLAIN = ("operation", "force_replace", "merge_objects", "update_strategy")
_PROFILE = "user_profile"
_COMPARTMENT = ("compartment_id", "$compartment_id")
_NOT_KNOWN = (
    b'"0"',
    b'"any"',
)  # what stands for an id that the specs do not pin, where a source is read offline
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode


class Field(NamedTuple):
    """One field of a command: its name, what to show for its value, and whether it stands within the profile."""

    name: str
    shown: str
    in_profile: bool = False


def fields(command: bytes, *, values: bool) -> list[Field]:
    """The fields in order.

    Args:
        command: as it will be sent.
        values: show values as JSON; else in words.
    """
    made: list[Field] = []
    for name, raw in _fields(command).items():
        value = bytes(raw).strip()
        if name == _PROFILE and value.startswith(b"{"):
            made += [
                Field(inner, _shown(inner, bytes(x).strip(), values=values), in_profile=True)
                for inner, x in _fields(value).items()
            ]
        else:
            made.append(Field(name, _shown(name, value, values=values or name in _PLAIN)))
    return made


def masked(command: bytes) -> dict[str, object]:
    """The command as an object in which words stand for values."""
    whole: dict[str, object] = {}
    profile: dict[str, str] = {}
    for field in fields(command, values=False):
        if field.in_profile:
            whole[_PROFILE] = profile
            profile[field.name] = field.shown
        else:
            whole[field.name] = msgspec.json.decode(field.shown) if field.name in _PLAIN else field.shown
    return whole


def _shown(name: str, raw: bytes, *, values: bool) -> str:
    if name in _COMPARTMENT and raw in _NOT_KNOWN:
        return "known after plan"
    return raw.decode() if values else _words(raw)


def _words(raw: bytes) -> str:
    match raw[:1]:
        case b'"':
            return f"text, {many(len(_text(raw)), 'character')}"
        case b"{":
            return f"object, {many(len(_fields(raw)), 'field')}"
        case b"[":
            return f"list, {many(len(_items(raw)), 'value')}"
        case b"t" | b"f":
            return "boolean"
        case b"n":
            return "null"
        case _:
            return "number" if any(mark in raw for mark in (b".", b"e", b"E")) else "integer"
