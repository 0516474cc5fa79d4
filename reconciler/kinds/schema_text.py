"""The text of a datamart's schema -> `DatamartSchema` (contract 16.4, 16.6). Pure.

Parsed with graphql-core, which is loaded when the first text is parsed. The text is never built into an executable
schema: its directives and scalars are declared nowhere, so that would refuse every one.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from reconciler.errors import MissingExtra, SchemaUnusable
from reconciler.model.datamart_schema import PREDEFINED, DatamartSchema, Property, TypeRef

MOST_TOKENS = 500_000
PROFILE = "UserProfile"


def read_schema(text: str, origin: str) -> DatamartSchema:
    """Parse a schema.

    Args:
        text: as the platform or a file has it.
        origin: where it is from, for messages.

    Raises:
        SchemaUnusable: it cannot be parsed, or has no type for profiles.
        MissingExtra: graphql-core is not installed.
    """
    types: dict[str, tuple[Property, ...]] = {}
    enums: dict[str, tuple[str, ...]] = {}
    profile: list[Property] = []
    for node in _parsed(text, origin).definitions:
        if node.kind == "enum_type_definition":
            enums[node.name.value] = tuple(v.name.value for v in node.values or ())
        elif node.kind in ("object_type_definition", "interface_type_definition"):
            if _stands_for_profiles(node):
                profile += _fields(node, predefined=True)
            types[node.name.value] = tuple(_fields(node, predefined=False))
    if not profile:
        words = f"no type is named {PROFILE} or has @Mirror(object_type:{PROFILE!r})".replace("'", '"')
        raise SchemaUnusable(f"{origin}: {words}")
    once = {p.name: p for p in reversed(profile)}
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return DatamartSchema(origin, digest, tuple(reversed(once.values())), types, enums)


def _parsed(text: str, origin: str) -> Any:
    try:
        import graphql
    except ImportError:
        raise MissingExtra("checking profiles against the schema of a datamart", "schema") from None
    try:
        return graphql.parse(text.removeprefix("\ufeff"), no_location=True, max_tokens=MOST_TOKENS)
    except graphql.GraphQLSyntaxError as e:
        place = f":{e.locations[0].line}:{e.locations[0].column}" if e.locations else ""
        said = e.message.removeprefix("Syntax Error: ")
        raise SchemaUnusable(f"{origin}{place}: cannot be parsed: {said}") from None
    except (graphql.GraphQLError, RecursionError):
        raise SchemaUnusable(f"{origin}: cannot be parsed") from None


def _stands_for_profiles(node: Any) -> bool:
    if node.kind != "object_type_definition":
        return False
    mirrored = _texts_of(node, "Mirror", "object_type")
    return bool(node.name.value == PROFILE or PROFILE in mirrored)


def _fields(node: Any, *, predefined: bool) -> Iterator[Property]:
    for found in node.fields or ():
        name = found.name.value
        paths = tuple(
            tuple(path.split("."))
            for path in _texts_of(found, "Property", "path", "paths")
            if path and "" not in path.split(".")
        )
        if predefined and not paths and name in PREDEFINED:
            paths = (("$" + name,),)
        elif predefined and not paths and name == "id":
            continue  # made by the platform; no key of the JSON is read into it
        computed = any(d.name.value == "Function" for d in found.directives or ())
        yield Property(name, _type(found.type), paths or ((name,),), computed)


def _type(node: Any, *, mandatory: bool = False) -> TypeRef:
    if node.kind == "non_null_type":
        return _type(node.type, mandatory=True)
    if node.kind == "list_type":
        return TypeRef("", mandatory, _type(node.type))
    return TypeRef(node.name.value, mandatory)


def _texts_of(node: Any, directive: str, *arguments: str) -> list[str]:
    return [
        text
        for d in node.directives or ()
        if d.name.value == directive
        for a in d.arguments or ()
        if a.name.value in arguments
        for text in _texts(a.value)
    ]


def _texts(node: Any) -> Iterator[str]:
    if node.kind == "string_value":
        yield node.value
    for inner in getattr(node, "values", None) or ():
        yield from _texts(inner)
