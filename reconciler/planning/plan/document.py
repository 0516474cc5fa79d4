"""The plan document as JSON text, and back. Pure."""

import json

import msgspec

from reconciler.errors import Refused
from reconciler.model import unchanged
from reconciler.model.foreign import plain_json
from reconciler.model.plan import FORMAT_VERSION, Plan, Unchanged
from reconciler.planning.digests import plan_digest, sealed
from reconciler.planning.plan.strict import problems

# A plan of more entries has each on one line: indented, a third of its bytes would be blanks.
INDENTED = 2_000


def encode(plan: Plan) -> str:
    """JSON with a final newline: indented, or with one entry a line where there are very many."""
    entries = len(plan.resource_changes) + len(plan.loads) + len(plan.unchanged.compartments)
    if entries <= INDENTED:
        return plain_json(_indented(plan)) + "\n"
    bare = msgspec.structs.replace(plan, resource_changes=(), unchanged=unchanged.NOTHING, loads=())
    text = _indented(bare)
    for name in ("resource_changes", "unchanged", "loads"):
        # Within a text the quotes would be escaped: it can only be the key.
        empty = f'"{name}": {_nested(getattr(bare, name))}'
        text = text.replace(empty, f'"{name}": {_lines(getattr(plan, name), "  ")}', 1)
    return plain_json(text) + "\n"


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _nested(value: object) -> str:
    """As it stands in a document that is indented."""
    return _indented(value).replace("\n", "\n  ")


def _lines(value: object, indent: str) -> str:
    """A list or an object with one entry a line; of what is unchanged, each of its parts."""
    more = indent + "  "
    if isinstance(value, Unchanged):
        parts = ((name, _lines(getattr(value, name), more)) for name in value.__struct_fields__)
        return "{\n" + ",\n".join(f'{more}"{name}": {part}' for name, part in parts) + f"\n{indent}}}"
    if isinstance(value, dict):
        pairs = (f"{more}{_json(key)}: {_json(entry)}" for key, entry in value.items())
        return "{\n" + ",\n".join(pairs) + f"\n{indent}}}" if value else "{}"
    assert isinstance(value, tuple)  # noqa: S101 - a plan has no other parts
    return "[\n" + ",\n".join(f"{more}{_json(entry)}" for entry in value) + f"\n{indent}]" if value else "[]"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def full(plan: Plan) -> Plan:
    """The same plan with an entry for each resource that is as declared, as a document of its own: its seal goes."""
    return plan if plan.unchanged == unchanged.NOTHING else sealed(unchanged.full(plan))


def decode(text: bytes, name: str) -> Plan:
    """Read a saved plan.

    Args:
        text: the file's bytes.
        name: the file, for messages.

    Raises:
        Refused: truncated, edited, or of another format.
    """
    again = "make a new plan with `reconciler plan --out FILE`"
    try:
        raw = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as e:
        words = "nested too deeply" if isinstance(e, RecursionError) else str(e)
        raise Refused(f"{name} is not a complete plan: not valid JSON ({words})", help=again) from None
    if not isinstance(raw, dict) or not isinstance(version := raw.get("format_version"), str):
        raise Refused(f"{name} is not a plan: it has no format_version", help=again)
    if version.split(".")[0] != FORMAT_VERSION.split(".", maxsplit=1)[0]:
        raise Refused(
            f"{name} has the plan format {version}; this reconciler reads {FORMAT_VERSION}",
            help=f"use the version of reconciler that wrote the plan, or {again}",
        )
    try:
        plan = msgspec.convert(raw, Plan)
        same = raw.get("plan_digest") == plan_digest(raw)
    except (msgspec.ValidationError, UnicodeError, OverflowError) as e:
        raise Refused(f"{name} is not a plan of format {FORMAT_VERSION}: {e}", help=again) from None
    if not same:
        raise Refused(
            f"{name} was changed after it was written: its contents do not match plan_digest", help=again
        )
    for words in problems(plan):
        raise Refused(f"{name} is not a plan of format {FORMAT_VERSION}: {words}", help=again)
    return plan


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is not a number in JSON")
