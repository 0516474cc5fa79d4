"""What a file of JSON looks like where its lines are no objects; nothing is ever read by it. Pure."""

import json
import re

from reconciler.bulk.sources import csv_looks

_OPEN = re.compile(r"\s*[\[{]")
_decode = json.JSONDecoder(strict=False).raw_decode


def hint(sample: bytes) -> str | None:
    """What to do, if bytes that begin with a line that is rejected are of another form as a whole."""
    if said := csv_looks.no_text(sample):
        return said
    text = sample.decode("utf-8", "replace").lstrip("\ufeff")
    line = text.partition("\n")[0].rstrip("\r,")
    if text.lstrip().startswith("[") and _is_list(text):
        return "this looks like a list of JSON: write each of its objects on a line, such as with jq -c '.[]'"
    if _takes_lines(text, line):
        return "this looks like objects of several lines: write each on one line, such as with jq -c ."
    if _has_several(line):
        return (
            "this looks like several objects on a line: write each on a line of its own, such as with jq -c ."
        )
    if not _OPEN.match(line) and re.search("[,;\t|]", line) and not line.lstrip().startswith(('"', "}", "]")):
        return "this looks like CSV: set format: csv"
    return None


def _is_list(text: str) -> bool:
    """A list of objects, as far as it is there."""
    return text.lstrip()[1:].lstrip().startswith("{")


def _takes_lines(text: str, line: str) -> bool:
    """An object begins on the first line, and ends on another one."""
    if not text.startswith("{"):
        return False
    if line.strip() == "{":
        return True
    try:
        _, end = _decode(text)
    except (ValueError, RecursionError):
        return False
    return end > len(line)


def _has_several(line: str) -> bool:
    """Something begins behind the object of a line."""
    try:
        _, end = _decode(line.lstrip())
    except (ValueError, RecursionError):
        return False
    return line.lstrip().startswith("{") and line.lstrip()[end:].lstrip().startswith("{")
