"""One document against the JSON Schema: errors in words a user can act on. The only user of jsonschema.

Enters: a `Document`. Leaves: diagnostics with the position of the key or value that is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from reconciler.kinds.counts import many
from reconciler.kinds.nearest import nearest
from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error
from reconciler.settings import DURATION
from reconciler.spec import value_advice
from reconciler.spec.documents import Document
from reconciler.spec.fields import inline
from reconciler.spec.quotes import quoted
from reconciler.spec.schema import KINDS, good, schema
from reconciler.spec.shape import ecma
from reconciler.spec.yaml_advice import QUOTES_ADVICE, TYPOGRAPHIC

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_OTHER_KINDS = {
    "Activation": "a Compartment declares where it is active: activations:",
    "Deactivation": "a Compartment declares where it is not active: deactivations:",
    "Organisation": "a Workspace, in reconciler.yaml, names the organisation: organisation_id:",
    "Environment": "a Workspace, in reconciler.yaml, declares environments:",
    "Wave": "a Rollout declares its waves: waves:",
}
VARIABLE = "^[A-Za-z_][A-Za-z0-9_.-]*$"
_PATTERNS = {
    "^[0-9]+$": "an id (digits)",
    f"^{DURATION}$": "a duration such as 30s, 10m or 7d, of at most 9999d",
    value_advice.PERCENTAGE: "a count or a percentage such as 1%",
    "^[0-9]{1,15}(\\.[0-9]{1,15})?(B|kB|KB|MB)$": "a size such as 64MB",
    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$": "made of lowercase letters, digits and inner hyphens",
}


@cache
def validator(kind: str) -> Any:
    """A validator of jsonschema for one kind; patterns end where the text ends (`shape.ecma`)."""
    from jsonschema import Draft7Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not ecma(wanted).search(instance):
            yield ValidationError(f"{instance!r} does not match {wanted!r}")

    bundle = schema()
    made: Any = extend(Draft7Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    return made({"definitions": bundle["definitions"], "$ref": f"#/definitions/{kind}"})


def validate(document: Document) -> list[Diagnostic]:
    """All schema findings of one document."""
    data = document.data
    if not isinstance(data, dict):
        words = f"a document must be a mapping, this is {_kind_of(data)}"
        return [error("spec-not-mapping", words, document.span())]
    kind = data.get("kind")
    if "kind" not in data:
        hint = f"one of {', '.join(KINDS)}"
        return [error("spec-kind", "the document has no 'kind'", document.span(), help=hint)]
    if kind not in KINDS:
        near = _OTHER_KINDS.get(str(kind).title()) or nearest(str(kind), KINDS)
        hint = QUOTES_ADVICE if quoted(kind) else near or f"one of {', '.join(KINDS)}"
        return [error("spec-kind", f"unknown kind {_shown(kind)}", document.span("kind"), help=hint)]
    if good(kind)(data):
        return []
    errors = list(validator(kind).iter_errors(data))
    unknown = {
        tuple(e.absolute_path): [k for k in e.instance if k not in e.schema.get("properties", {})]
        for e in errors
        if e.validator == "additionalProperties" and e.validator_value is False
    }
    findings = {
        _advised(document, e, d)
        for e in errors
        for d in _explain(document, e, unknown.get(tuple(e.absolute_path), []))
    }
    fallback = error("spec-value", "the document does not match the schema", document.span())
    return sorted(findings or {fallback}, key=Diagnostic.order)


def _advised(document: Document, e: Any, found: Diagnostic) -> Diagnostic:
    """With something to do: quotes that are none come first, and an example where nothing nearer is known."""
    if isinstance(e.instance, str) and quoted(e.instance) and found.code != "spec-secret":
        return replace(found, help=QUOTES_ADVICE)
    near = value_advice.of_length(e.instance, e.validator_value) if e.validator == "maxLength" else found.help
    advice = near or value_advice.example(document.data["kind"], tuple(e.absolute_path))
    return found if advice is None else replace(found, help=advice)


def _explain(document: Document, e: Any, unknown: Sequence[str]) -> Iterator[Diagnostic]:
    """What one error of the schema says.

    Args:
        document: that has it.
        e: the error.
        unknown: fields that are not known there; one that is missing may be among them, with another spelling.
    """
    path = tuple(e.absolute_path)
    where = ".".join(map(str, path)) or "the document"
    span = document.span(*path)
    if "propertyNames" in e.absolute_schema_path:
        span, where = document.key_span(*path, e.instance), f"the key '{_short(e.instance)}' in {where}"
    match e.validator:
        case "additionalProperties" if e.validator_value is False:
            yield from _unknown_fields(document, e, where, path)
        case "required":
            for key in e.validator_value:
                if key not in e.instance and not _misspelt(unknown, [key]):
                    words = f"{where} lacks '{key}'"
                    hint = value_advice.example(document.data["kind"], (*path, key))
                    yield error("spec-missing-field", words, document.key_span(*path), help=hint)
        case "type":
            yield _type_error(document, e, where, path)
        case "enum" | "const":
            allowed = e.validator_value if e.validator == "enum" else [e.validator_value]
            words = f"{where} is {_shown(e.instance)}, must be {_one_of(allowed)}"
            yield error("spec-value", words, span, help=value_advice.of_choice(e.instance, allowed))
        case "pattern":
            yield _form_error(e, where, span, _accepts(document, e))
        case "anyOf" | "oneOf":
            if _misspelt(
                unknown, [name for option in e.validator_value for name in option.get("required", [])]
            ):
                return
            needs = [" and ".join(option.get("required", [])) for option in e.validator_value]
            joined = " or ".join(f"'{n}'" for n in needs)
            one = "exactly one of " if e.validator == "oneOf" else ""
            first = e.validator_value[0].get("required", [""])[0]
            hint = value_advice.example(document.data["kind"], (*path, first))
            yield error(
                "spec-missing-field", f"{where} needs {one}{joined}", document.key_span(*path), help=hint
            )
        case _:
            yield error("spec-value", f"{where}: {_bound_words(e)}", span)


def _accepts(document: Document, e: Any) -> Callable[[Any], bool]:
    """Whether a value would pass where another one did not."""
    made = validator(document.data["kind"])

    def accepts(value: Any) -> bool:
        return bool(made.evolve(schema=e.schema).is_valid(value))

    return accepts


def _form_error(e: Any, where: str, span: Span, accepts: Callable[[Any], bool]) -> Diagnostic:
    if e.validator_value == VARIABLE:  # it may be the secret itself, so it is not shown
        advice = "write the name of the environment variable that holds the secret; change the secret if it was committed"
        return error("spec-secret", f"{where} is not the name of a variable", span, help=advice)
    wanted = _PATTERNS.get(e.validator_value, f"of the form {e.validator_value}")
    hint = value_advice.of_form(e.instance, accepts)
    return error("spec-value", f"{where} is {_shown(e.instance)}, which is not {wanted}", span, help=hint)


def _misspelt(unknown: Sequence[str], missing: Sequence[str]) -> bool:
    """Whether a field that is missing is there with another spelling, which is an error of its own."""
    return any(nearest(str(key), missing) for key in unknown)


def _unknown_fields(
    document: Document, e: Any, where: str, path: tuple[str | int, ...]
) -> Iterator[Diagnostic]:
    known = list(e.schema.get("properties", {}))
    for key in e.instance:
        if key not in known:
            plain = TYPOGRAPHIC.sub("", str(key))
            hint = QUOTES_ADVICE if plain != key and plain in known else None
            hint = hint or value_advice.of_field(str(key), known)
            words = f"unknown field '{_short(key)}' in {where}"
            yield error("spec-unknown-field", words, document.key_span(*path, key), help=hint)


def _type_error(document: Document, e: Any, where: str, path: tuple[str | int, ...]) -> Diagnostic:
    types = [e.validator_value] if isinstance(e.validator_value, str) else list(e.validator_value)
    wanted = " or ".join(_WORDS[t] for t in types)
    span = document.span(*path)
    if path[-1:] == ("token",) and document.data.get("kind") == "Workspace" and isinstance(e.instance, str):
        advice = "write token: {env: NAME} or token: {file: PATH}; revoke the token if it was committed"
        return error("spec-secret", f"{where} contains the token itself", span, help=advice)
    hint: str | None = None
    number = isinstance(e.instance, int | float) and not isinstance(e.instance, bool)
    if near := value_advice.of_type(e.instance, types, document.written(*path), _accepts(document, e)):
        hint = near
    elif "object" in types and (only := _only_field(e)):
        hint = f"write {{{only}: {inline(e.instance)}}}"
    elif e.instance is None and "#" in document.line(*path):
        hint = "# begins a comment; put quotes around a value that begins with it"
    is_id = number and path and (path[-1] == "id" or str(path[-1]).endswith("_id"))
    words = f"{where} must be {wanted}, this is {_kind_of(e.instance)}"
    return error("spec-id-number" if is_id else "spec-type", words, span, help=hint)


def _only_field(e: Any) -> str | None:
    """The field of a mapping for which its value may have been given, where it has one field only."""
    match list(e.schema.get("properties", {}).items()):
        case [(name, schema)] if e.instance is not None and validator("Workspace").evolve(
            schema=schema
        ).is_valid(e.instance):
            return str(name)
    return None


def _bound_words(e: Any) -> str:
    """Lengths and limits; jsonschema's own words quote the whole value."""
    limit = e.validator_value
    match e.validator:
        case "minLength" | "minItems" | "minProperties" if limit == 1:
            return "must not be empty"
        case "maxLength":
            return f"has {many(len(e.instance), 'character')}; at most {limit} are allowed"
        case "maxProperties":
            return f"has {many(len(e.instance), 'field')}; exactly one of them is allowed"
        case "minimum":
            return f"is {e.instance}, must be at least {limit}"
        case "maximum":
            return f"is {e.instance}, must be at most {limit}"
        case _:
            return _short(e.message)


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _one_of(allowed: list[Any]) -> str:
    return repr(allowed[0]) if len(allowed) == 1 else "one of " + ", ".join(map(str, allowed))


def _shown(value: Any) -> str:
    return _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
