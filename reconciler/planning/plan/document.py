"""The plan document as JSON text, and back. Pure."""

import json

import msgspec

from reconciler.errors import Refused
from reconciler.model.foreign import plain_json
from reconciler.model.plan import FORMAT_VERSION, Plan
from reconciler.planning.digests import plan_digest
from reconciler.planning.plan.strict import problems

# A plan of more entries has each on one line: indented, a third of its bytes would be blanks.
INDENTED = 2_000


def encode(plan: Plan) -> str:
    """JSON with a final newline: indented, or with one entry a line where there are very many."""
    if len(plan.resource_changes) + len(plan.loads) <= INDENTED:
        return plain_json(_indented(plan)) + "\n"
    text = _indented(msgspec.structs.replace(plan, resource_changes=(), loads=()))
    for name, entries in (("resource_changes", plan.resource_changes), ("loads", plan.loads)):
        lines = ",\n".join(f"    {msgspec.json.encode(entry).decode()}" for entry in entries)
        # Within a text the quotes would be escaped: it can only be the key.
        text = text.replace(f'"{name}": []', f'"{name}": [\n{lines}\n  ]' if lines else f'"{name}": []', 1)
    return plain_json(text) + "\n"


def _indented(plan: Plan) -> str:
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()


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
