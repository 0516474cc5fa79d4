"""A file that is not YAML: which line is to be corrected, and how. By what libyaml says, and by the lines above. Pure.

The parser stops where it cannot continue. The mistake is often above: a quote that opens there and is not closed, a
key without its colon, a line that lost its indentation.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

_HINTS = (  # by part of what libyaml says
    (
        "mapping values are not allowed",
        'put quotes around text with a colon, for example "sandbox:"; or add the missing colon on a line above',
    ),
    ("cannot start any token", "put quotes around text that begins with @, ` or %"),
    ("could not find expected ':'", "put a colon and a space after the key; or close a quote above it"),
    ("did not find expected ',' or", "put a comma here, or close the bracket or brace that is open"),
    (
        "block mapping did not find expected key",
        "indent the line as the lines that belong with it; or close a quote or a bracket above it",
    ),
)
_MERGE_MARKS = re.compile(r"^(<{7}|>{7})( |$)|^={7}$")
_NO_BLANK = re.compile(r"^[\s-]*[A-Za-z_][\w.-]*:(?=[^\s:/])")
_NO_BLANK_AFTER_DASH = re.compile(r"^\s*-(?=[A-Za-z\"'{\[])")
_NO_COLON = re.compile(r"^[\s-]*[A-Za-z_][\w.-]*(?= +[^\s:#][^:]*$| *[{\[])")
TYPOGRAPHIC = re.compile(
    "[\u201c-\u201f\u00ab\u00bb]"
)  # quotes that programs for texts make; to YAML they are letters
QUOTES_ADVICE = "typographic quotes are letters to YAML: write plain quotes (\" or ') instead"
_FIELD = re.compile(r"^\s*[A-Za-z_][\w.-]*: *\S")
_NAMED = {"\u00a0": "a no-break space", "\u3000": "an ideographic space", "\u200b": "a zero-width space"}
_LEADING = re.compile(r"[\s\u200b]*(-[\s\u200b]*)*([A-Za-z_][\w.-]*:[\s\u200b]*)?")
_QUOTED = {'"': re.compile(r'(?:[:,\[{-]\s*|^\s*)(")'), "'": re.compile(r"(?:[:,\[{-]\s*|^\s*)(')")}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped, and what it said. Lines and columns count from 1.

    Attributes:
        line: where it stopped.
        column: in that line.
        context: line and column of what it was reading: a quoted text, a bracket, a key. None, where it does not say.
        what: it said.
    """

    line: int
    column: int
    context: tuple[int, int] | None
    what: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """The place that is to be corrected, and how.

    Attributes:
        line: from 1.
        column: from 1.
        length: in characters.
        help: what to do, if that is known.
    """

    line: int
    column: int
    length: int
    help: str | None


_Lines = dict[int, str]  # those of the document up to where the parser stopped, by number
_Rule = Callable[[_Lines, Stop], Mistake | None]


def mistake(text: list[str], stop: Stop) -> Mistake:
    """The mistake because of which the parser stopped.

    Args:
        text: the lines of the file.
        stop: where, and what it said.
    """
    for n, line in enumerate(text, 1):
        if _MERGE_MARKS.match(line):
            words = "the file holds the marks of a merge conflict: keep what is right, and remove the lines of <, = and >"
            return Mistake(n, 1, 7, words)
    last = min(stop.line, len(text))
    first = next((n + 1 for n in range(last - 1, 0, -1) if text[n - 1].startswith("---")), 1)
    read = {n: text[n - 1] for n in range(first, last + 1)}
    for rule in _RULES:
        if found := rule(read, stop):
            return found
    return Mistake(stop.line, stop.column, 1, next((w for part, w in _HINTS if part in stop.what), None))


def _tab(read: _Lines, stop: Stop) -> Mistake | None:
    if "\t" not in read.get(stop.line, ""):
        return None
    return Mistake(stop.line, stop.column, 1, "YAML indents with spaces; this line holds a tab")


def _blank(read: _Lines, stop: Stop) -> Mistake | None:
    """A character that looks like a space, before the value of a line: in a text it is right."""
    for n, line in read.items():
        before_the_value = _LEADING.match(line)
        for column, c in enumerate(before_the_value[0] if before_the_value else "", 1):
            if c != " " and (c in _NAMED or unicodedata.category(c) == "Zs"):
                name = f"{_NAMED.get(c, 'a character that looks like a space')} (U+{ord(c):04X})"
                return Mistake(n, column, 1, f"this line holds {name}; write a plain space instead")
    return None


def _typographic(read: _Lines, stop: Stop) -> Mistake | None:
    for n in (stop.line, stop.line - 1):
        if m := TYPOGRAPHIC.search(read.get(n, "")):
            return Mistake(n, m.start() + 1, 1, QUOTES_ADVICE)
    return None


def _quote(read: _Lines, stop: Stop) -> Mistake | None:
    """A quote that is not closed, or only by the next one in a line below."""
    if "quoted scalar" in stop.what and stop.context:
        return Mistake(*stop.context, 1, "close the quote that opens here")
    before = read.get(stop.line, "")[: stop.column - 1].rstrip()
    if "did not find expected" not in stop.what or before[-1:] not in _QUOTED:
        return None
    mark = before[-1]
    for n, line in read.items():
        opens = _QUOTED[mark].search(line)
        if opens and line.count(mark) % 2 and not line.lstrip().startswith("#"):
            where = "" if n == stop.line else f"; it ends in line {stop.line} only"
            return Mistake(n, opens.start(1) + 1, 1, f"close the quote that opens here{where}")
    return None


def _bracket(read: _Lines, stop: Stop) -> Mistake | None:
    if "parsing a flow" not in stop.what or not stop.context or stop.context[0] == stop.line:
        return None
    line, column = stop.context
    kind = "brace" if read.get(line, "")[column - 1 : column] == "{" else "bracket"
    return Mistake(line, column, 1, f"close the {kind} that opens here, or check for a comma that is missing")


def _separator(read: _Lines, stop: Stop) -> Mistake | None:
    """A key without its colon, or a colon or a dash without its space: in the line that was read, or in the one above."""
    here = stop.line
    if "could not find expected ':'" in stop.what and stop.context:
        lines = [stop.context[0]]
    elif "mapping values are not allowed" in stop.what:
        above = _above(read, here)
        lines = [here] if above is None or _indent(read[above]) != _indent(read[here]) else [above, here]
    else:
        return None
    for n in lines:
        line = read.get(n, "")
        start = len(line) - len(line.lstrip(" -")) + 1
        if m := _NO_BLANK.match(line):
            return Mistake(n, start, m.end() - start + 1, f"put a space after the colon in line {n}")
        if m := _NO_BLANK_AFTER_DASH.match(line):
            return Mistake(n, m.end(), 1, f"put a space after the dash in line {n}")
        if m := _NO_COLON.match(line):
            return Mistake(
                n, start, m.end() - start + 1, f"put a colon and a space after the key in line {n}"
            )
    return None


def _indentation(read: _Lines, stop: Stop) -> Mistake | None:
    """A line that lost its indentation: the lines around it have more."""
    if stop.line not in read:
        return None
    here = _indent(read[stop.line])
    if "<document start>" in stop.what:
        above = _above(read, stop.line)
        if above and _indent(read[above]):
            return Mistake(
                above, 1, _indent(read[above]), "a document begins at the left: remove these spaces"
            )
        return None
    at_key = "did not find expected key" in stop.what and stop.column == here + 1
    if not at_key and "mapping values are not allowed" not in stop.what:
        return None
    less = next((n for n in _upwards(read, stop.line) if _indent(read[n]) < here), None)
    if less is None:
        return None
    above = _above(read, less)
    if above is not None:
        sibling = next((n for n in _upwards(read, less) if _indent(read[n]) <= here), None)
        lost = sibling is not None and _indent(read[sibling]) == here
        opened = read[above].rstrip().endswith(":") and _indent(read[less]) <= _indent(read[above]) < here
        if lost or opened:
            column = _indent(read[less]) + 1
            words = "indent this line as the lines that belong with it"
            return Mistake(less, column, len(read[less].strip()), words)
    over = _above(read, stop.line)
    if (
        over == less
        and "mapping values" in stop.what
        and _FIELD.match(read[stop.line])
        and _FIELD.match(read[over])
    ):
        words = (
            "indent this line as the one above it; or, where it belongs to that one, remove the value there"
        )
        return Mistake(stop.line, here + 1, len(read[stop.line].strip()), words)
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _upwards(read: _Lines, line: int) -> list[int]:
    """The lines above it with more than a comment, the nearest first."""
    return [
        n for n in sorted(read, reverse=True) if n < line and read[n].strip() and read[n].lstrip()[0] != "#"
    ]


def _above(read: _Lines, line: int) -> int | None:
    return next(iter(_upwards(read, line)), None)


_RULES: tuple[_Rule, ...] = (_blank, _tab, _typographic, _quote, _bracket, _separator, _indentation)
