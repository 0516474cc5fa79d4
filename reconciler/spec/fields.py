"""Every field of the specs, read from the JSON Schema: for `explain` and the reference page. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.spec.exported import scalar
from reconciler.spec.schema import KINDS, schema

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}
_DEFAULT = re.compile(r"\s*Default: (.+?)\.(?=\s|$)")
_DEEPEST = 6  # a set of datamarts may hold a set of datamarts
_TOLD_ELSEWHERE = (
    "environments",
    "labels",
    "rules",
)  # environments have the settings of the workspace once more
_Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        path: kind and names with dots, without `spec`: `ProfileSource.csv.delimiter`; `*` stands for any name, `[]` for an element.
        type: in words.
        required: a document without it is an error.
        default: in words; empty where there is none.
        about: what it does.
        examples: values.
        allowed: all values it can have, where they can be listed.
    """

    path: str
    type: str
    required: bool
    default: str
    about: str
    examples: tuple[Any, ...] = ()
    allowed: tuple[Any, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of document it stands in."""
        return self.path.partition(".")[0]


def fields() -> list[Field]:
    """All, in the order of the schema."""
    definitions = schema()["definitions"]
    found = []
    for kind in KINDS:
        properties = definitions[kind]["properties"]
        for part, path in (("metadata", f"{kind}.metadata"), ("spec", kind)):
            found += list(_beneath(properties[part], path, definitions, 0))
    return list({f.path: f for f in found}.values())


def _beneath(schema: _Schema, path: str, definitions: _Schema, depth: int) -> Iterator[Field]:
    """The fields within a value."""
    if depth > _DEEPEST:
        return
    required = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        yield from _field(child, f"{path}.{name}", definitions, depth, required=name in required)
    every, elements = schema.get("additionalProperties"), schema.get("items")
    if isinstance(every, Mapping) and not path.endswith(_TOLD_ELSEWHERE):
        yield from _beneath(_resolved(every, definitions), f"{path}.*", definitions, depth + 1)
    if isinstance(elements, Mapping) and "object" not in schema.get("type", ()):
        yield from _beneath(_resolved(elements, definitions), f"{path}[]", definitions, depth + 1)
    branches = [schema[x] for x in ("then", "else") if x in schema]
    for branch in branches:
        yield from _beneath(_resolved(branch, definitions), path, definitions, depth + 1)


def _field(
    schema: _Schema, path: str, definitions: _Schema, depth: int, *, required: bool
) -> Iterator[Field]:
    whole = _resolved(schema, definitions)
    said = str(schema.get("description") or whole.get("description", ""))
    default = _DEFAULT.search(said)
    yield Field(
        path=path,
        type=_type(whole),
        required=required,
        default=default[1] if default else "",
        about=_DEFAULT.sub("", said).strip(),
        examples=tuple(schema.get("examples") or whole.get("examples", ())),
        allowed=tuple(whole.get("enum", ())),
    )
    if path == "Workspace.rules":
        rule = definitions["rule"]
        yield from _field(rule, f"{path}.*", definitions, depth, required=False)
    elif {"$ref": "#/definitions/datamart_set"} not in schema.get("allOf", ()):  # told of in its own words
        yield from _beneath(whole, path, definitions, depth + 1)


def _resolved(schema: _Schema, definitions: _Schema) -> _Schema:
    """With what its references say."""
    found: dict[str, Any] = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
    for part in [schema] if "$ref" in schema else schema.get("allOf", ()):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        found = {**_resolved(definitions[name], definitions), **found} if name else {**part, **found}
    return found


def _type(schema: _Schema) -> str:
    kinds = schema.get("type", ())
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    words = [_TYPES.get(n, n) for n in names if n != "null"]
    if not words and (values := schema.get("enum", ())):
        words = sorted({"text" if isinstance(v, str) else "value" for v in values})
    elements = schema.get("items")
    if words == ["list"] and isinstance(elements, Mapping) and isinstance(elements.get("type"), str):
        return f"list of {_TYPES.get(elements['type'], 'value')}s".replace("true or falses", "true or false")
    return " or ".join(words) or "value"


def inline(value: Any) -> str:
    """A value as one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(x) for x in value) + "]"
    return scalar(value) if isinstance(value, str) else json.dumps(value)
