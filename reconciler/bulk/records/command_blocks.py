"""Many import commands at once: the decision of `reconciler.bulk.records.commands`, for blocks in which nothing is doubtful. Pure.

A block that is not certainly good gets no verdict, and its lines are then asked one by one; so what stands here may be
stricter than the rule, never laxer. `tests/laws/test_blocks.py` holds the two against each other.
"""

import contextlib
from typing import Any

import msgspec

from reconciler.bulk.records.commands import ESCAPED_LETTERS, MAX_DEPTH, STRATEGIES
from reconciler.bulk.records.exact_json import openings
from reconciler.bulk.records.lines import ANY_ID, UNKNOWN_ID
from reconciler.bulk.records.uniform_commands import Known, Shape, decoder, shape_of
from reconciler.model.source import SourceDefinition

_DEEP = b"[" * (MAX_DEPTH + 1)


class Verdict(msgspec.Struct, frozen=True):
    """What good lines are.

    Attributes:
        lines: how many.
        deletes: how many are no UPSERT.
        anonymous: how many profiles lack an owner field.
        safe: all may be sent twice.
        compartments: those that they name.
        field: which identifier they name.
        who: the value of that in each line.
        fits: nothing in their profiles is odd, by what is known of a schema.
    """

    lines: int
    deletes: int
    anonymous: int
    safe: bool
    compartments: frozenset[str]
    field: str
    who: list[str]
    fits: bool = False


def judge(data: bytes, source: SourceDefinition, known: Known | None = None) -> Verdict | None:
    """Judge lines that each end in a newline; None where one of them may be bad, or would not be sent as it is.

    Args:
        data: the lines.
        source: their definition.
        known: of the schema that their profiles are compared with.
    """
    shape = None if b"\r" in data else shape_of(data[: data.find(b"\n")])
    if shape is None or not _fits(shape, source):
        return None
    try:
        if not data.isascii():
            data.decode()
        commands, fits = _decoded(data, shape, known)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None
    lines, marks = len(commands), openings(data)
    if lines != marks.count(b"\n") or _DEEP in marks:  # a blank line, a command over two lines, one too deep
        return None
    if len(data) > source.max_bytes and max(map(len, data.split(b"\n"))) >= source.max_bytes:
        return None
    upserts = [c for c in commands if c.user_profile is not msgspec.UNSET]
    account = shape.owned and shape.identifier == "user_account_id"
    who = [c.who for c in commands]
    named = who if len(upserts) == lines else [c.who for c in upserts]
    if account and [c.user_profile.account for c in upserts] != named:
        return None
    if _may_repeat(data, shape, lines, len(upserts)):
        return None
    orphan = not shape.owned or (shape.owner_compartment is None and shape.compartment is not None)
    return Verdict(
        lines,
        lines - len(upserts),
        len(upserts) if orphan else 0,
        _safe(shape, upserts),
        frozenset() if shape.compartment is None else frozenset({shape.compartment}),
        shape.identifier,
        who,
        fits,
    )


def _decoded(data: bytes, shape: Shape, known: Known | None) -> tuple[list[Any], bool]:
    """The commands, and whether all of their profiles certainly fit.

    Raises:
        msgspec.DecodeError: a line is of another shape.
    """
    if known is not None:
        with contextlib.suppress(msgspec.DecodeError):
            return decoder(shape, known)(data), True
    return decoder(shape)(data), False


def _safe(shape: Shape, upserts: list[msgspec.Struct]) -> bool:
    if shape.strategy is not None:
        return shape.strategy == "FORCE_REPLACE"
    return {c.force_replace for c in upserts} <= {True}  # type: ignore[attr-defined]


def _fits(shape: Shape, source: SourceDefinition) -> bool:
    """Whether lines of this shape obey the rules that concern the shape alone."""
    account = shape.identifier == "user_account_id"
    if shape.compartment == "" or (shape.compartment is not None and not account):
        return False
    if shape.strategy is not None and (shape.merge_objects or shape.strategy not in STRATEGIES):
        return False
    owner = None if shape.owner_compartment is None else str(shape.owner_compartment)
    if account and owner is not None and shape.compartment is not None and owner != shape.compartment:
        return False
    if not account:
        return True
    if source.compartment is not None:
        wanted = source.compartments.get(source.compartment) or UNKNOWN_ID
        if shape.compartment is None or wanted not in (ANY_ID, shape.compartment):
            return False
    filled = shape.owned and (owner is not None or shape.compartment is None)
    return filled or not source.fill_identity  # what is to be filled is filled line by line


def _may_repeat(data: bytes, shape: Shape, lines: int, upserts: int) -> bool:
    """True if a key whose value is free may stand twice in a line: it is there more often than it was decoded.

    Keys with one allowed value are harmless, and a key that no line has was refused by the decoder.
    """
    if b"\\" in data and b"\\u00" in data and any(x in data for x in ESCAPED_LETTERS):  # letters of a key
        return True
    expected = {
        b'"' + shape.identifier.encode() + b'"': lines,
        # Each profile decoded has an account, where the shape has: then a second one has one, too.
        b'"user_profile"': 0 if shape.owned else upserts,
        b'"$user_account_id"': upserts if shape.owned else 0,
        b'"force_replace"': upserts if shape.strategy is None else 0,
        b'"merge_objects"': upserts if shape.merge_objects else 0,
    }
    if shape.owned and shape.identifier == "user_account_id":  # one search for two keys
        del expected[b'"$user_account_id"'], expected[b'"user_account_id"']
        expected[b'user_account_id"'] = lines + upserts
    return any(n and data.count(key) != n for key, n in expected.items())
