"""Where the lines of NDJSON and of commands begin and end, and which are too long to be rows. Pure, and linear in the bytes.

LF and CRLF each end a line; the last may lack its end, or be left with a CR. What a line is follows from its own bytes, so it
is the same however a file is cut.
"""

import re
from collections.abc import Iterator

from reconciler.model.source import SourceDefinition

LONGEST_END = 2  # bytes


def longest(source: SourceDefinition) -> int:
    """Bytes of a line, without its end, that can be a row."""
    return source.max_bytes + 1


def content(line: bytes) -> bytes:
    """A line without its end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def contents(data: bytes) -> Iterator[bytes]:
    """Each line, without its end."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return (line.removesuffix(b"\r") for line in lines)


def stretches(data: bytes, limit: int) -> Iterator[tuple[int, int, bool]]:
    """Data in stretches of lines that may be rows, and lines that are too long; each with its begin, its end, and whether it is too long.

    Args:
        data: lines; if the last one is not whole, it is too long already.
        limit: bytes of a line without its end.
    """
    at = 0
    while at < len(data):
        end = _short(data, limit, at)
        if end > at:
            yield at, end, False
        if end < len(data):
            at = data.find(b"\n", end) + 1 or len(data)
            yield end, at, True
        else:
            at = end


def _short(data: bytes, limit: int, at: int) -> int:
    """Where the first line from `at` on begins that is too long."""
    if len(data) - at <= limit:
        return len(data)
    found = re.compile(b"(?:[^\\n]{0,%d}+\\r?\\n)*+" % limit).match(data, at)
    end = found.end() if found else at
    last = data.find(b"\n", end) < 0 and len(content(data[end:])) <= limit
    return len(data) if last else end
