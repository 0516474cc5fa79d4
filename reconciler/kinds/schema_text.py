"""The text of a datamart's schema -> `DatamartSchema` (contract 16.4, 16.6). Pure.

Parsed with graphql-core, which is loaded when the first text is parsed. The text is never built into an executable
schema: its directives and scalars are declared nowhere, so that would refuse every one.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.errors import MissingExtra, SchemaUnusable
from reconciler.model.datamart_schema import PREDEFINED, DatamartSchema, Property, TypeRef

MOST_TOKENS = 500_000
PROFILE = "UserProfile"
# What extends a type, and how that type is defined.
_EXTENDS = {
    "object_type_extension": "object_type_definition",
    "interface_type_extension": "interface_type_definition",
    "enum_type_extension": "enum_type_definition",
}


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
    for nodes in _by_type(_parsed(text, origin).definitions, origin):
        name = nodes[0].name.value
        if nodes[0].kind == "enum_type_definition":
            enums[name] = tuple(v.name.value for node in nodes for v in node.values or ())
            continue
        if any(map(_stands_for_profiles, nodes)):
            profile += (p for node in nodes for p in _fields(node, predefined=True))
        types[name] = tuple(p for node in nodes for p in _fields(node, predefined=False))
    if not profile:
        words = f"no type is named {PROFILE} or has @Mirror(object_type:{PROFILE!r})".replace("'", '"')
        raise SchemaUnusable(f"{origin}: {words}")
    once = {p.name: p for p in reversed(profile)}
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return DatamartSchema(origin, digest, tuple(reversed(once.values())), types, enums)


def _by_type(definitions: Sequence[Any], origin: str) -> list[list[Any]]:
    """Each type with what extends it, which may stand before it; fields and directives of all of them are the type's."""
    found: dict[str, list[list[Any]]] = {}
    extensions = []
    for node in definitions:
        if node.kind in _EXTENDS:
            extensions.append(node)
        elif node.kind in _EXTENDS.values():
            # As without extensions: of a type that is defined twice, the last one counts, and each stands for profiles.
            found.setdefault(node.name.value, []).append([node])
    for node in extensions:
        for nodes in reversed(found.get(node.name.value, [])):
            if nodes[0].kind == _EXTENDS[node.kind]:
                nodes.append(node)
                break
        else:
            raise SchemaUnusable(
                f"{origin}: `extend` of {node.name.value}, which is not defined as such a type"
            )
    return [nodes for same in found.values() for nodes in same]


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
    if node.kind not in ("object_type_definition", "object_type_extension"):
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
