"""The bundled schema compiled to a predicate: is this document good? Pure.

Whether a document is good is asked ten thousand times, what is wrong with it rarely. So a document is judged here, by
closures over the schema's own text, and only one that is not good is given to jsonschema for the words
(`reconciler.spec.validate`); a test holds the two against each other. Enters: JSON Schema of the vocabulary below.
Leaves: `Check`s. A keyword that is not in the tables is refused when the schema is compiled, never skipped.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]
Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset({"description", "examples", "title", "default", "$schema", "$id", "definitions"})
_TYPES: dict[str, Check] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (
        (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer())
    ),
}


def ecma(pattern: str) -> "re.Pattern[str]":
    """A pattern as JSON Schema means it: `$` is the end of the text, never the place before a final newline."""
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


def compile_schema(schema: Schema, definitions: Mapping[str, Schema]) -> Check:
    """A predicate that is true for exactly the values that the schema accepts.

    Raises:
        ValueError: the schema uses a keyword this module does not know.
    """
    return _Compiler(definitions).check(schema)


class _Compiler:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self.definitions = definitions
        self.named: dict[str, Check] = {}

    def check(self, schema: Schema) -> Check:
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        checks = [
            *([_type(schema["type"])] if "type" in schema else ()),
            *([self._object(schema)] if _OBJECT & schema.keys() else ()),
            *([self._choice(schema)] if "if" in schema else ()),
            *(self._keyword(k, v) for k, v in schema.items() if k not in _ELSEWHERE),
        ]
        return checks[0] if len(checks) == 1 else _every(checks)

    def _reference(self, reference: str) -> Check:
        name = reference.removeprefix("#/definitions/")
        found: list[Check] = []

        def check(value: Any) -> bool:  # looked up late: definitions may refer to themselves
            if not found:
                found.append(self._definition(name))
            return found[0](value)

        return check

    def _definition(self, name: str) -> Check:
        if name not in self.named:
            self.named[name] = self.check(self.definitions[name])
        return self.named[name]

    def _object(self, schema: Schema) -> Check:
        known = {k: self.check(s) for k, s in schema.get("properties", {}).items()}
        required = tuple(schema.get("required", ()))
        extra = schema.get("additionalProperties", True)
        other = (
            self.check(extra)
            if isinstance(extra, Mapping)
            else (lambda _: True)
            if extra
            else (lambda _: False)
        )

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for key in required:
                if key not in value:
                    return False
            # Plain loops, here and in `_every`: they run for each field of each document, at twice the speed of `all`.
            for key, item in value.items():  # noqa: SIM110
                if not known.get(key, other)(item):
                    return False
            return True

        return check

    def _choice(self, schema: Schema) -> Check:
        condition = self.check(schema["if"])
        then, otherwise = self.check(schema.get("then", {})), self.check(schema.get("else", {}))
        return lambda v: then(v) if condition(v) else otherwise(v)

    def _keyword(self, keyword: str, wanted: Any) -> Check:
        if keyword in _LEAVES:
            return _LEAVES[keyword](wanted)
        if keyword in ("items", "propertyNames"):
            inner, kind = self.check(wanted), list if keyword == "items" else dict
            return lambda v: not isinstance(v, kind) or all(inner(x) for x in v)
        if keyword in ("allOf", "anyOf", "oneOf"):
            parts = [self.check(s) for s in wanted]
            if keyword == "allOf":
                return _every(parts)
            if keyword == "anyOf":
                return lambda v: any(part(v) for part in parts)
            return lambda v: sum(part(v) for part in parts) == 1
        raise ValueError(f"the schema keyword {keyword!r} is not known here")


def _every(checks: list[Check]) -> Check:
    def check(value: Any) -> bool:
        for one in checks:  # noqa: SIM110
            if not one(value):
                return False
        return True

    return check


def _type(wanted: str | list[str]) -> Check:
    if isinstance(wanted, str):
        return _TYPES[wanted]
    kinds = [_TYPES[w] for w in wanted]
    return lambda v: any(kind(v) for kind in kinds)


def _words(*allowed: Any) -> Check:
    """`enum` and `const`; strings only, so that no number is ever taken for a boolean."""
    if not all(isinstance(a, str) for a in allowed):
        raise ValueError("enum and const are known here for strings only")
    return lambda v: isinstance(v, str) and v in allowed


def _pattern(wanted: str) -> Check:
    search = ecma(wanted).search
    return lambda v: not isinstance(v, str) or search(v) is not None


def _bound(
    kind: str, good: Callable[[Any, Any], bool], measure: Callable[[Any], Any]
) -> Callable[[Any], Check]:
    applies = _TYPES[kind]
    return lambda limit: lambda v: not applies(v) or good(measure(v), limit)


_OBJECT = frozenset({"properties", "required", "additionalProperties"})
_CHOICE = frozenset({"if", "then", "else"})
_ELSEWHERE = _OBJECT | _CHOICE | _ANNOTATIONS | {"type"}
_LEAVES: dict[str, Callable[[Any], Check]] = {
    "enum": lambda allowed: _words(*allowed),
    "const": _words,
    "pattern": _pattern,
    "minimum": _bound("number", lambda n, limit: n >= limit, lambda v: v),
    "maximum": _bound("number", lambda n, limit: n <= limit, lambda v: v),
    "minLength": _bound("string", lambda n, limit: n >= limit, len),
    "maxLength": _bound("string", lambda n, limit: n <= limit, len),
    "minItems": _bound("array", lambda n, limit: n >= limit, len),
    "minProperties": _bound("object", lambda n, limit: n >= limit, len),
    "maxProperties": _bound("object", lambda n, limit: n <= limit, len),
}
