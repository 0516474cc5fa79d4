"""One profile against the schema of a datamart: what does not fit, by the tables of contract 16.5. Pure.

This is the rule; `reconciler.bulk.records.schema_blocks` decides the same for many profiles at once. What the platform documents
as a clash is one; where nothing is documented, the finding says so. Nothing is converted, and nothing leaves but paths and types.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.datamart_schema import (
    CLASH,
    COMPUTED,
    DATE_NUMBER,
    NULL,
    PREDEFINED,
    SECONDS,
    SYSTEM,
    UNKNOWN,
    UNTOLD,
    DatamartSchema,
    Property,
    TypeRef,
)
from reconciler.model.profile import OWNER, SYSTEM_KEYS

INT_MAX = 2**31
SECONDS_FROM, SECONDS_TO = (
    10**8,
    10**10,
)  # nine or ten digits: 1973 to 2286 as seconds, January to April 1970 as milliseconds
_ISO_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_NUMERIC = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
ABSENT: Any = object()

# kind, path, type in the schema, JSON type of the value
Odd = tuple[str, str, str, str]


@dataclass(slots=True)
class Node:
    """What the schema says of one key: types of the fields that read it, and the keys within it."""

    refs: list[TypeRef] = field(default_factory=list)
    computed: str = ""
    inner: "dict[str, Node]" = field(default_factory=dict)


class Fit:
    """A schema, ready to be asked about profiles."""

    def __init__(self, schema: DatamartSchema) -> None:
        self._schema = schema
        self._trees: dict[str, dict[str, Node]] = {}
        self.tree = self._tree(schema.profile)
        self._names = {p.name for p in schema.profile}
        self.mandatory = tuple(
            p for p in schema.profile if p.type.mandatory and not p.computed and p.name not in PREDEFINED
        )
        self.alternatives = tuple(p for p in schema.profile if len(p.sources) > 1 and not p.computed)

    def odd(self, profile: Mapping[str, Any], *, whole: bool) -> list[Odd]:
        """Everything that does not fit.

        Args:
            profile: `user_profile` of an UPSERT.
            whole: it replaces what is stored, so what is absent will be absent.
        """
        found = [o for key, value in profile.items() for o in self.key(key, value)]
        return [*found, *self.doubled(profile), *(self.lacking(profile) if whole else ())]

    def key(self, key: str, value: Any) -> Iterator[Odd]:
        """What does not fit at one key of a profile."""
        if key in OWNER:
            return
        if key in SYSTEM_KEYS:
            yield SYSTEM, key, "Timestamp", ""
        else:
            yield from self._key(self.tree, key, value, "")

    def lacking(self, profile: Mapping[str, Any]) -> list[Odd]:
        """Mandatory fields without a value in a profile that replaces what is stored."""
        return [
            (NULL, ".".join(p.sources[0]), str(p.type), "absent")
            for p in self.mandatory
            if all(_at(profile, s) is ABSENT for s in p.sources)
        ]

    def doubled(self, profile: Mapping[str, Any]) -> Iterator[Odd]:
        """Fields that two keys of the profile feed: which one counts is not documented."""
        for p in self.alternatives:
            given = [s for s in p.sources if _at(profile, s) is not ABSENT]
            if len(given) > 1:
                yield UNTOLD, ".".join(given[1]), str(p.type), "second source"

    # -- within ---------------------------------------------------------------------------------------------------

    def _tree(self, fields: Sequence[Property]) -> dict[str, Node]:
        made: dict[str, Node] = {}
        for p in fields:
            for source in p.sources:
                level, node = made, Node()
                for key in source:
                    node = level.setdefault(key, Node())
                    level = node.inner
                if p.computed:
                    node.computed = str(p.type)
                else:
                    node.refs.append(p.type)
        return made

    def inside(self, name: str) -> dict[str, Node]:
        """What the schema says of the keys of an object type."""
        if name not in self._trees:
            self._trees[name] = self._tree(self._schema.types[name])
        return self._trees[name]

    def _key(self, tree: Mapping[str, Node], key: str, value: Any, at: str) -> Iterator[Odd]:
        node, path = tree.get(key), at + key
        if node is None:
            yield UNKNOWN, path, "", ""
        elif node.refs:
            for ref in node.refs:
                yield from self._value(value, ref, path, node.inner)
        elif node.computed:
            yield COMPUTED, path, node.computed, ""
        elif isinstance(value, Mapping):
            for inner, found in value.items():
                yield from self._key(node.inner, inner, found, path + ".")
        elif value is not None:
            yield UNKNOWN, path, "", ""

    def _value(self, value: Any, ref: TypeRef, path: str, more: Mapping[str, Node]) -> Iterator[Odd]:
        if value is None:
            if ref.mandatory:
                yield NULL, path, str(ref), "null"
        elif ref.of is not None:
            yield from self._list(value, ref, path)
        elif ref.name in self._schema.types:
            yield from self._object(value, ref, path, more)
        elif kind := self._scalar(ref.name)(value):
            yield kind, path, str(ref), json_type(value)

    def _list(self, value: Any, ref: TypeRef, path: str) -> Iterator[Odd]:
        of = ref.of
        if of is None or not isinstance(value, list):
            yield UNTOLD, path, str(ref), json_type(value)
            return
        for element in value:
            if isinstance(element, list) and of.of is None:
                yield UNTOLD, path + "[]", str(of), "list"
            elif isinstance(element, Mapping) and of.of is None and of.name not in self._schema.types:
                yield CLASH, path + "[]", str(of), "object"
            else:
                yield from self._value(element, of, path + "[]", {})

    def _object(self, value: Any, ref: TypeRef, path: str, more: Mapping[str, Node]) -> Iterator[Odd]:
        if not isinstance(value, Mapping):
            yield UNTOLD if isinstance(value, list) else CLASH, path, str(ref), json_type(value)
            return
        tree = self.inside(ref.name)
        for key, inner in value.items():
            where = more if key in more and key not in tree else tree
            yield from self._key(where, key, inner, path + ".")
        for p in self._schema.types[ref.name]:
            if p.type.mandatory and not p.computed and all(_at(value, s) is ABSENT for s in p.sources):
                yield UNTOLD, f"{path}.{'.'.join(p.sources[0])}", str(p.type), "absent"

    def _scalar(self, name: str) -> Callable[[Any], str | None]:
        if name in self._schema.enums:
            values = frozenset(self._schema.enums[name])
            return lambda value: _enum(value, values)
        return SCALARS.get(name, _unheard)


def _at(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def json_type(value: Any) -> str:
    """The name of a JSON type."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "text"
        case int():
            return "whole number"
        case float():
            return "number"
        case list():
            return "list"
        case _:
            return "object"


# -- scalars: None fits ------------------------------------------------------------------------------------------------


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return None
    return CLASH if isinstance(value, Mapping | list) else UNTOLD


def _boolean(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return UNTOLD if value.lower() in ("true", "false") else CLASH
    return CLASH if isinstance(value, Mapping | list) else UNTOLD


def _whole(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and -INT_MAX <= value < INT_MAX:
        return None
    return _numeric(value)


def _number(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None
    return _numeric(value)


def _numeric(value: Any) -> str:
    """What is no number of the wanted kind: text that is none clashes."""
    if isinstance(value, str):
        return UNTOLD if _NUMERIC.fullmatch(value) else CLASH
    return CLASH if isinstance(value, Mapping | list) else UNTOLD


def _timestamp(value: Any) -> str | None:
    if isinstance(value, bool | float):
        return UNTOLD
    if isinstance(value, int):
        return SECONDS if SECONDS_FROM <= value < SECONDS_TO else None
    if isinstance(value, str):
        return UNTOLD if value.isascii() and value.isdecimal() else CLASH
    return CLASH


def _date(value: Any) -> str | None:
    if isinstance(value, str):
        return None if _ISO_DATE.fullmatch(value) else UNTOLD
    if isinstance(value, bool):
        return UNTOLD
    return DATE_NUMBER if isinstance(value, int | float) else CLASH


def _enum(value: Any, values: frozenset[str]) -> str | None:
    if not isinstance(value, str):
        return UNTOLD if isinstance(value, bool) else CLASH
    if value in values:
        return None
    return UNTOLD if value.casefold() in {v.casefold() for v in values} else CLASH


def _built_in_enum(value: Any) -> str | None:
    """Which texts are allowed is not all documented."""
    if isinstance(value, str):
        return None
    return UNTOLD if isinstance(value, bool) else CLASH


def _unheard(value: Any) -> str | None:
    """A scalar that no document names: text is taken to fit, and objects too."""
    return None if isinstance(value, str | Mapping) else UNTOLD


SCALARS: dict[str, Callable[[Any], str | None]] = {
    "String": _text,
    "ID": _text,
    "Bool": _boolean,
    "Boolean": _boolean,
    "Int": _whole,
    "Float": _number,
    "Double": _number,
    "BigDecimal": _number,
    "Number": _number,
    "Timestamp": _timestamp,
    "Date": _date,
    **dict.fromkeys(
        ("FormFactor", "BrowserFamily", "OperatingSystemFamily", "UserAgentType", "HashFunction", "ActivitySource", "UserActivityType"),
        _built_in_enum,
    ),
}  # fmt: skip
