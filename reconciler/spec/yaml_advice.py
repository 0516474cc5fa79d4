"""What to do about a file that is not YAML: by what libyaml says, and by what stands where it stopped. Pure."""

import re

_HINTS = (  # by part of what libyaml says
    (
        "mapping values are not allowed",
        'put quotes around text with a colon, for example "sandbox:"; or add the missing colon on a line above',
    ),
    ("cannot start any token", "put quotes around text that begins with @, ` or %"),
    (
        "could not find expected ':'",
        "check the lines above for a missing colon or a quote that is not closed",
    ),
    ("did not find expected ',' or", "check the lines above for a bracket or brace that is not closed"),
    ("found unexpected end of stream", "check for a quote that is not closed"),
    (
        "block mapping did not find expected key",
        "indent the line as the lines that belong with it; or close a quote or a bracket above it",
    ),
)
_MERGE_MARKS = re.compile(r"^(<{7}|>{7})( |$)|^={7}$", re.MULTILINE)
_NO_BLANK = re.compile(r"^[\s-]*[A-Za-z_][\w.-]*:[^\s:/]")
TYPOGRAPHIC = re.compile(
    "[\u201c-\u201f\u00ab\u00bb]"
)  # quotes that programs for texts make; to YAML they are letters
QUOTES_ADVICE = "typographic quotes are letters to YAML: write plain quotes (\" or ') instead"
_FIELD = re.compile(r"^\s*[A-Za-z_][\w.-]*: *\S")


def advice(text: str, lines: list[str], what: str) -> str | None:
    """What to do about text that is not YAML.

    Args:
        text: of the file.
        lines: up to the one where the parser stopped.
        what: it said.
    """
    if _MERGE_MARKS.search(text):
        return "the file holds the marks of a merge conflict: keep what is right, and remove the lines of <, = and >"
    here = lines[-1] if lines else ""
    if "\t" in here:
        return "YAML indents with spaces; this line holds a tab"
    if "\u00a0" in here:
        return "this line holds a no-break space (U+00A0); write a plain space instead"
    if TYPOGRAPHIC.search("".join(lines[-2:])):
        return QUOTES_ADVICE
    above = lines[-2] if len(lines) > 1 else ""
    deeper = len(here) - len(here.lstrip()) > len(above) - len(above.lstrip())
    if "mapping values are not allowed" in what and deeper and _FIELD.match(here) and _FIELD.match(above):
        return (
            "indent this line as the one above it; or, where it belongs to that one, remove the value there"
        )
    if "could not find expected ':'" in what:
        for number in range(len(lines) - 1, max(0, len(lines) - 4), -1):
            if _NO_BLANK.match(lines[number - 1]):
                return f"put a space after the colon in line {number}"
    return next((words for part, words in _HINTS if part in what), None)
