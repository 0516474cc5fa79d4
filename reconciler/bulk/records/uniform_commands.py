"""Blocks of import commands that are all of one shape, which is how programs write them: judged at the speed of a decoder.

The first line says the shape: the kind of identifier, the compartment, the dialect. A msgspec type is made for just that
shape, so that the decoder itself refuses any line that differs; a key that stands twice with one allowed value is
harmless. What is left to ask in Python is whether owners agree, and whether a free-valued key stands twice. Pure.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Union

import msgspec

from reconciler.bulk.records.commands import IDENTIFIERS

_UNSET = msgspec.UNSET
_Never = Literal["\0"]  # no line has it, so a field of this type is a field that must be absent


class Known(NamedTuple):
    """What a schema says of keys of a profile, as far as a value can be judged by itself.

    Attributes:
        schema: its digest.
        keys: with the type that only fitting values decode into, and whether the key has to be there.
    """

    schema: str
    keys: tuple[tuple[str, Any, bool], ...]

    def __hash__(self) -> int:
        return hash(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and other.schema == self.schema


_FLAGS = ("force_replace", "merge_objects", "update_strategy")


class Shape(NamedTuple):
    """What all lines of a block share; None is a field that is absent."""

    identifier: str
    compartment: str | None
    owner_compartment: str | int | None
    owned: bool
    merge_objects: bool
    strategy: str | None


class _Head(msgspec.Struct):
    operation: str
    compartment_id: str | msgspec.UnsetType = _UNSET
    user_account_id: str | msgspec.UnsetType = _UNSET
    email_hash: str | msgspec.UnsetType = _UNSET
    user_agent_id: str | msgspec.UnsetType = _UNSET
    merge_objects: bool | msgspec.UnsetType = _UNSET
    update_strategy: str | msgspec.UnsetType = _UNSET
    user_profile: "_Owner | msgspec.UnsetType" = _UNSET


class _Owner(msgspec.Struct):
    compartment: str | int | msgspec.UnsetType = msgspec.field(name="$compartment_id", default=_UNSET)
    account: str | msgspec.UnsetType = msgspec.field(name="$user_account_id", default=_UNSET)


_head = msgspec.json.Decoder(_Head).decode


def shape_of(line: bytes) -> Shape | None:
    """The shape of one command; None if it has none that is worth a type of its own."""
    try:
        head = _head(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    kinds = [k for k in IDENTIFIERS if getattr(head, k) is not _UNSET]
    profile: Any = head.user_profile
    if len(kinds) != 1:
        return None
    if head.operation == "DELETE":
        return Shape(kinds[0], _given(head.compartment_id), None, False, False, None)
    if head.operation != "UPSERT" or profile is _UNSET:
        return None
    return Shape(
        kinds[0],
        _given(head.compartment_id),
        _given(profile.compartment),
        profile.account is not _UNSET,
        head.merge_objects is not _UNSET,
        _given(head.update_strategy),
    )


def _given(value: Any) -> Any:
    return None if value is _UNSET else value


@functools.lru_cache(maxsize=256)
def decoder(shape: Shape, known: Known | None = None) -> Callable[[bytes], list[Any]]:
    """Decodes NDJSON of this shape, UPSERT and DELETE; commands have `who`, `force_replace` and `user_profile.account`.

    The returned function raises msgspec.DecodeError for any line that differs; and for any whose profile has a key that is
    not known, or a value that does not certainly fit, if it is given what is known.
    """
    agent = shape.identifier == "user_agent_id"
    limits = msgspec.Meta(pattern=r"^[^:]+:(?s:.)") if agent else msgspec.Meta(min_length=1)
    common: list[Any] = [("who", Annotated[str, limits], msgspec.field(name=shape.identifier))]
    common += [_field("compartment_id", "compartment_id", shape.compartment)]
    common += [_field(k, k, None) for k in IDENTIFIERS if k != shape.identifier]
    account: Any = ("account", str, msgspec.field(name="$user_account_id"))
    if not shape.owned:
        account = _field("account", "$user_account_id", None)
    owns = [account, _field("compartment", "$compartment_id", shape.owner_compartment)]
    owner = _struct("Owner", None, [*owns, *_fields(known)], closed=known is not None)
    flags = [
        _field("update_strategy", "update_strategy", shape.strategy),
        ("force_replace", bool) if shape.strategy is None else _field("force_replace", "force_replace", None),
        ("merge_objects", bool) if shape.merge_objects else _field("merge_objects", "merge_objects", None),
    ]
    upsert = _struct("Upsert", "UPSERT", [*common, *flags, ("user_profile", owner)])
    delete = _struct("Delete", "DELETE", [*common, *(_field(k, k, None) for k in (*_FLAGS, "user_profile"))])
    return msgspec.json.Decoder(Union[upsert, delete]).decode_lines  # noqa: UP007 - types known only here


def _struct(
    name: str, operation: str | None, fields: Sequence[Any], *, closed: bool = False
) -> type[msgspec.Struct]:
    required = [f for f in fields if len(f) == 2 or f[2].default is msgspec.NODEFAULT]
    optional = [f for f in fields if f not in required]
    return msgspec.defstruct(
        name,
        [*required, *optional],
        gc=False,
        tag_field=operation and "operation",
        tag=operation,
        forbid_unknown_fields=closed,
    )


def _fields(known: Known | None) -> list[Any]:
    """The keys of a profile, but for those of its owner."""
    made: list[Any] = []
    for n, (key, kind, required) in enumerate(known.keys if known else ()):
        if required:
            made.append((f"f{n}", kind, msgspec.field(name=key)))
        else:
            made.append((f"f{n}", kind | msgspec.UnsetType, msgspec.field(name=key, default=_UNSET)))
    return made


def _field(name: str, key: str, value: str | int | None) -> tuple[str, Any, Any]:
    """A field that is always this value, or always absent."""
    if value is None:
        return (name, Union[_Never, msgspec.UnsetType], msgspec.field(name=key, default=_UNSET))  # noqa: UP007
    return (name, Literal[value], msgspec.field(name=key))
