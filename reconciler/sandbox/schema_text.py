"""A datamart's schema as the sandbox understands it: written from contract 16.4 and 16.5 alone, with graphql-core."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, parse

MOST_TOKENS = 500_000
# The platform fills these from keys that begin with `$`, though the schema does not say so (contract 16.4).
PREDEFINED = ("compartment_id", "user_account_id", "creation_ts", "last_modified_ts")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type.

    Attributes:
        type: as the schema writes it, such as `[LoyaltyCard!]`.
        sources: where its value is in the JSON object: each a list of keys.
        computed: it is never read from JSON.
        directives: name, and arguments as literals with their quotes.
    """

    name: str
    type: str
    sources: tuple[tuple[str, ...], ...]
    computed: bool
    directives: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Type:
    """An object type, an interface, or an enum with its values."""

    name: str
    kind: str
    fields: tuple[Field, ...] = ()
    values: tuple[str, ...] = ()
    directives: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


@functools.lru_cache(maxsize=64)
def types(text: str) -> tuple[Type, ...]:
    """All types of a schema, in its order.

    Raises:
        ValueError: it cannot be parsed.
    """
    try:
        document = parse(text.removeprefix("\ufeff"), no_location=True, max_tokens=MOST_TOKENS)
    except GraphQLError as e:
        raise ValueError(e.message) from None
    return tuple(_types(document))


def profile_fields(text: str) -> tuple[Field, ...] | None:
    """The fields of the type that stands for profiles; None without one."""
    found = [t for t in types(text) if t.kind == "OBJECT_TYPE" and _stands_for_profiles(t)]
    return tuple(f for t in found for f in t.fields) if found else None


def _stands_for_profiles(t: Type) -> bool:
    mirrors = [dict(arguments).get("object_type") for name, arguments in t.directives if name == "Mirror"]
    return t.name == "UserProfile" or '"UserProfile"' in mirrors


def _types(document: Any) -> Iterator[Type]:
    for node in document.definitions:
        extended = node.kind.replace("_definition", "_extension")
        whole = [node] + [
            n
            for n in document.definitions
            if n.kind == extended != node.kind and n.name.value == node.name.value
        ]
        match node.kind:
            case "object_type_definition" | "interface_type_definition":
                kind = "OBJECT_TYPE" if node.kind.startswith("object") else "INTERFACE_TYPE"
                fields = tuple(_field(f) for n in whole for f in n.fields or ())
                directives = tuple(d for n in whole for d in _directives(n))
                yield Type(node.name.value, kind, fields, directives=directives)
            case "enum_type_definition":
                values = tuple(v.name.value for n in whole for v in n.values or ())
                yield Type(node.name.value, "ENUM", values=values)
            case _:
                pass  # scalars, directives and unions have no fields to look at


def _field(node: Any) -> Field:
    directives = _directives(node)
    names = {name for name, _ in directives}
    paths = tuple(
        tuple(path.split("."))
        for directive in node.directives or ()
        if directive.name.value == "Property"
        for argument in directive.arguments or ()
        for path in _texts(argument.value)
    )
    return Field(
        node.name.value,
        _type_text(node.type),
        paths or ((node.name.value,),),
        "Function" in names,
        directives,
    )


def _directives(node: Any) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    return tuple(
        (d.name.value, tuple((a.name.value, _literal(a.value)) for a in d.arguments or ()))
        for d in node.directives or ()
    )


def _texts(node: Any) -> Iterator[str]:
    if node.kind == "string_value":
        yield node.value
    for inner in getattr(node, "values", None) or ():
        yield from _texts(inner)


def _literal(node: Any) -> str:
    match node.kind:
        case "string_value":
            return f'"{node.value}"'
        case "list_value":
            return f"[{', '.join(map(_literal, node.values or ()))}]"
        case _:
            return str(getattr(node, "value", "null"))


def _type_text(node: Any) -> str:
    match node.kind:
        case "non_null_type":
            return _type_text(node.type) + "!"
        case "list_type":
            return f"[{_type_text(node.type)}]"
        case _:
            return str(node.name.value)
