"""An accepted line of a source, or the reason why a line is not sent (contract 7). Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.kinds.counts import many
from reconciler.model.source import SourceDefinition

# Stands for the id of a compartment that is still to be created, so that a plan can count; such lines are never sent.
UNKNOWN_ID = "0"
# Stands for the id of a source's compartment where it cannot be looked up: lines may name any.
ANY_ID = "any"
# The decoder says the same of both.
_EARLY = (
    "the JSON ends early, or half of a character that takes two escapes (\\ud800 to \\udbff) stands alone"
)
AGENT = re.compile(r"[^:]+:.+", re.DOTALL)  # of a user_agent_id
_WRONG_TYPE = re.compile(r"Expected `([^`]*)`, got `([^`]*)`(?: - at `\$\.([^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `([^`]*)`.*")
# What a decoder calls a type of JSON, and what we do.
_TYPES = {
    "array": "a list", "bool": "true or false", "float": "a number", "int": "a whole number", "null": "null", "object": "an object", "str": "a text",
}  # fmt: skip
BLOCK = 256 * 1024  # bytes of lines judged at once; a processor's cache holds them
_encode = msgspec.json.Encoder().encode


class BadLine(Exception):
    """The line is not sent. Carries a code and words, never contents (G9); `column` where one is to blame."""

    def __init__(self, code: str, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.column = column

    def __reduce__(self) -> tuple[type["BadLine"], tuple[str, str, str | None]]:
        return BadLine, (self.code, self.reason, self.column)


class Line(msgspec.Struct, frozen=True):
    """An accepted line.

    Attributes:
        data: bytes to send, ending in a newline.
        delete: a DELETE command.
        replay_safe: sending it twice cannot grow anything.
        compartment_id: what it names, if it does.
        anonymous: its profile lacks an owner field.
        field: which identifier it names.
        who: the value of that.
        owner: the account that owns its profile, where the source says which; None where it says so of none.
    """

    data: bytes
    delete: bool
    replay_safe: bool
    compartment_id: str | None
    anonymous: bool
    field: str
    who: str
    owner: str | None = None


def blocks(data: bytes) -> Iterator[bytes]:
    """Lines in blocks that are judged at once."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", min(at + BLOCK, len(data)) - 1) + 1 or len(data)
        yield data[at:end]
        at = end


def bad_agent(column: str | None = None) -> BadLine:
    """An agent that is none."""
    return BadLine("line-agent", "user_agent_id must have the form prefix:rest", column)


def too_large(size: int, source: SourceDefinition) -> BadLine:
    """A line that no chunk can hold."""
    return BadLine(
        "line-too-large",
        f"the command has {many(size, 'byte')}; a chunk may have at most {source.max_bytes:,}",
    )


def json_line(command: Mapping[str, Any] | msgspec.Struct) -> bytes:
    """A command as one line of JSON."""
    data = _encode(command)
    if b"\xe2\x80" in data:  # U+2028 and U+2029 end lines for some readers (contract 12, 23)
        data = data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return data + b"\n"


def reason_of(e: Exception, whole: str = "the line") -> str:
    """What a decoder says, in words of our own; it names places and types, never contents.

    Args:
        e: of the decoder.
        whole: what was decoded.
    """
    said = str(e)[:160]
    if found := _WRONG_TYPE.fullmatch(said):
        types = [_TYPES.get(x, x) for x in found[1].split(" | ")]
        wanted = f"{', '.join(types[:-1])} or {types[-1]}" if len(types) > 1 else types[0]
        return f"{found[3] or whole} must be {wanted}, and is {_TYPES.get(found[2], found[2])}"
    if found := _MISSING.fullmatch(said):
        return f"{whole} has no '{found[1]}'"
    return _EARLY if said == "Input data was truncated" else said
