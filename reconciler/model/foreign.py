"""Words that the platform said, after everything was taken out of them that nobody may see: of this type and no other.

Only `reconciler.api` makes them, where the request is known: its token, and whether it carried profile data (G9). Names of what the
platform lists are not of this type, as they are compared, letter by letter, with those that specs declare: each output makes text of them.
"""

import json
import re
from typing import NewType

ForeignText = NewType("ForeignText", str)
# All are compiled by `re` when first needed, which is not at every start.
# C1 controls, and characters that turn the direction of writing, end lines or are not seen; JSON escapes no others by itself.
_MOVING = "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
# What a CI job obeys where it reads it in a log: a command at the beginning of a line, a logging command anywhere.
_COMMAND = r"(?m)^((?:[^\S\n]|\x1b\[[0-9]+m)*)::(?=[A-Za-z])"
# Of a page or a comment: without those that a text of ours has itself, such as the space without width that breaks a mention.
_MOVING_ON_PAGES = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_LOGGING = r"##(?=\[|vso\[)"


def plain_json(document: str) -> str:
    """JSON of the same content in which what moves a cursor or gives an order to a CI job, wherever it is shown, is an escape."""
    if "##" in document:
        document = re.sub(_LOGGING, r"\\u0023#", document)
    if document.isascii() and "\x7f" not in document:
        return document
    return re.sub(_MOVING, lambda m: json.dumps(m[0])[1:-1], document)


def plain_page(document: str) -> str:
    """A page, a comment or XML of the same content, with a blank for each character that moves a cursor or turns text around."""
    return without_orders(re.sub(_MOVING_ON_PAGES, " ", document))


def without_orders(text: str) -> str:
    """Text with a blank within what a CI job would obey: `::error::`, `##[error]`."""
    if "::" in text:
        text = re.sub(_COMMAND, r"\1: :", text)
    return re.sub(_LOGGING, "# #", text) if "##" in text else text
