"""One document against the JSON Schema: errors in words a user can act on. The only user of jsonschema.

Enters: a `Document`. Leaves: diagnostics with the position of the key or value that is wrong.
"""

import difflib
import functools
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

from reconciler.model.diagnostic import Diagnostic, error
from reconciler.spec.documents import Document

KINDS = ("Workspace", "Datamarts", "Compartment", "ProfileSource", "Rollout")
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@functools.cache
def schema() -> dict[str, Any]:
    """The bundled schema, draft-07 vocabulary, dispatching on `kind`."""
    text = (
        resources.files("reconciler.kinds").joinpath("schemas", "reconciler.schema.json").read_text("utf-8")
    )
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@functools.cache
def _validator(kind: str) -> Any:
    from jsonschema import Draft7Validator

    bundle = schema()
    return Draft7Validator({"definitions": bundle["definitions"], "$ref": f"#/definitions/{kind}"})


def nearest(word: str, known: Iterable[str]) -> str | None:
    """'did you mean' text for a misspelt word, or None."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else None


def validate(document: Document) -> list[Diagnostic]:
    """All schema findings of one document."""
    data = document.data
    if not isinstance(data, dict):
        return [
            error(
                "spec-not-mapping", f"a document must be a mapping, this is {_kind_of(data)}", document.span()
            )
        ]
    kind = data.get("kind")
    if "kind" not in data:
        return [
            error(
                "spec-kind", "the document has no 'kind'", document.span(), help=f"one of {', '.join(KINDS)}"
            )
        ]
    if kind not in KINDS:
        hint = nearest(str(kind), KINDS) or f"one of {', '.join(KINDS)}"
        return [error("spec-kind", f"unknown kind '{kind}'", document.span("kind"), help=hint)]
    findings = [d for e in _validator(kind).iter_errors(data) for d in _explain(document, e)]
    return sorted(set(findings), key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0))


def _explain(document: Document, e: Any) -> Iterator[Diagnostic]:
    path = tuple(e.absolute_path)
    where = ".".join(map(str, path)) or "the document"
    span = document.span(*path)
    match e.validator:
        case "additionalProperties" if e.validator_value is False:
            known = list(e.schema.get("properties", {}))
            for key in e.instance:
                if key not in known:
                    hint = nearest(key, known) or (f"known here: {', '.join(known)}" if known else None)
                    yield error(
                        "spec-unknown-field",
                        f"unknown field '{key}' in {where}",
                        document.key_span(*path, key),
                        help=hint,
                    )
        case "required":
            missing = [k for k in e.validator_value if k not in e.instance]
            yield error("spec-missing-field", f"{where} lacks '{missing[0]}'", document.key_span(*path))
        case "type":
            yield _type_error(document, e, where, path)
        case "enum" | "const":
            allowed = e.validator_value if e.validator == "enum" else [e.validator_value]
            hint = nearest(str(e.instance), map(str, allowed))
            yield error(
                "spec-value", f"{where} is {e.instance!r}, must be {_one_of(allowed)}", span, help=hint
            )
        case "pattern":
            yield error("spec-value", f"{where} is {e.instance!r}, which is not {_pattern_words(e)}", span)
        case "anyOf" | "oneOf":
            needs = [" and ".join(option.get("required", [])) for option in e.validator_value]
            joined = " or ".join(f"'{n}'" for n in needs)
            yield error(
                "spec-missing-field",
                f"{where} needs {'exactly one of ' if e.validator == 'oneOf' else ''}{joined}",
                document.key_span(*path),
            )
        case _:
            yield error("spec-value", f"{where}: {_short(e.message)}", span)


def _type_error(document: Document, e: Any, where: str, path: tuple[str | int, ...]) -> Diagnostic:
    types = [e.validator_value] if isinstance(e.validator_value, str) else list(e.validator_value)
    wanted = " or ".join(_WORDS[t] for t in types)
    hint = None
    if "string" in types and isinstance(e.instance, int | float) and not isinstance(e.instance, bool):
        hint = f'quote it: "{e.instance}"'
    elif "array" in types and isinstance(e.instance, str):
        hint = f"write a list: [{e.instance}]"
    code = (
        "spec-id-number"
        if hint and path and (path[-1] == "id" or str(path[-1]).endswith("_id"))
        else "spec-type"
    )
    return error(
        code, f"{where} must be {wanted}, this is {_kind_of(e.instance)}", document.span(*path), help=hint
    )


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the string {_short(repr(value))}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _pattern_words(e: Any) -> str:
    words = {
        "^[0-9]+$": "an id (digits)",
        "^[0-9]+(\\.[0-9]+)?(ms|s|m|h)?$": "a duration such as 30s or 10m",
        "^[0-9]+(\\.[0-9]+)?%$": "a count or a percentage such as 1%",
        "^[0-9]+(\\.[0-9]+)?(B|kB|KB|MB)$": "a size such as 64MB",
        "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$": "made of lowercase letters, digits and inner hyphens",
    }
    return words.get(e.validator_value, f"of the form {e.validator_value}")


def _one_of(allowed: list[Any]) -> str:
    return repr(allowed[0]) if len(allowed) == 1 else "one of " + ", ".join(map(str, allowed))


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
