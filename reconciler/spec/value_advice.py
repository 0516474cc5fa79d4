"""What to write in place of a value that the schema refuses. Pure.

What is proposed would pass there: a proposal that is refused when it is followed costs more than none.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from typing import Any

from reconciler.kinds.nearest import nearest, proposal
from reconciler.spec.exported import scalar
from reconciler.spec.fields import Field, fields, inline

Accepts = Callable[[Any], bool]

PERCENTAGE = "^[0-9]{1,15}(\\.[0-9]{1,15})?%$"
_YES_NO = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}
_CHARACTERS = {"\\t": '"\\t"', "tab": '"\\t"', "comma": '","', "semicolon": '";"', "pipe": '"|"'}
# Names that other tools have for a field.
_FIELDS = {
    "delim": "delimiter",
    "file": "files",
    "has_header": "header",
    "max": "range",
    "min": "range",
    "null": "required",
    "not_null": "required",
    "path": "files",
    "paths": "files",
    "pattern": "matches",
    "query": "sql",
    "regex": "matches",
    "regexp": "matches",
    "sep": "delimiter",
    "separator": "delimiter",
    "values": "in",
}


def of_field(typed: str, known: Sequence[str]) -> str | None:
    """The field that an unknown one may be meant to be, or those that there are."""
    if (meant := _FIELDS.get(typed.lower())) in known and meant is not None:
        return proposal(meant)
    return nearest(typed, known) or (f"known here: {', '.join(known)}" if known else None)


def of_choice(value: Any, allowed: Sequence[Any]) -> str | None:
    """Which of the values that are allowed may be meant; None where none is near."""
    texts = [str(x) for x in allowed]
    typed = str(value)
    if "off" in texts and typed.lower() in ("false", "no", "none", "never", "ignore", "disable", "disabled"):
        return "write off"
    if same := next((x for x in texts if x.casefold() == typed.casefold()), None):
        return proposal(same)
    if known := _encoding(typed):
        same = next((x for x in texts if _encoding(x) == known), None)
        if same is not None:
            return proposal(same)
    return nearest(typed, texts)


def of_form(value: Any, accepts: Accepts) -> str | None:
    """A value near one of the wrong form; None where there is none."""
    text = str(value).strip()
    meant = [text.replace(",", "."), text.replace(" ", ""), text.lower(), re.sub(r"[\W_]+", "-", text.lower()).strip("-")]  # fmt: skip
    share = _share(text)
    if share is not None and accepts(share):
        return f"write {share}"
    if re.fullmatch("[0-9]{1,15}", text) and accepts(int(text)):
        return f"remove the quotes: {text}"
    return next((f"write {scalar(x)}" for x in meant if x != text and accepts(x)), None)


def of_type(value: Any, types: Sequence[str], written: str, accepts: Accepts) -> str | None:
    """A value of the right type, where one is near; None else.

    Args:
        value: of the wrong type.
        types: that are right, as JSON Schema calls them.
        written: the value as it stands in the file.
        accepts: whether the schema of the field takes a value.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = str(value).lower()
    share = _share(written) if number else None
    if share is not None and accepts(share):
        return f"write {share}"
    if "string" in types and number and accepts(written):
        return f'quote it: "{written}"'
    if value is False and accepts("off"):
        return "write off"
    if "boolean" in types and text in _YES_NO:
        return f"write {_YES_NO[text]}"
    if isinstance(value, str) and text in _YES_NO and accepts(_YES_NO[text] == "true"):
        return f"write {_YES_NO[text]}"
    if isinstance(value, str) and re.fullmatch("[0-9]{1,15}", value) and accepts(int(value)):
        return f"remove the quotes: {value}"
    if "array" in types and isinstance(value, str | int):
        return f"write a list: [{inline(value)}]" if accepts([value]) else "write a list, in square brackets"
    if isinstance(value, list) and len(value) == 1 and accepts(value[0]):
        return f"write {inline(value[0])}, without brackets"
    return None


def of_length(value: Any, limit: int) -> str | None:
    """What one character is written like, where its name or its escape was given."""
    return f"write {_CHARACTERS[value.lower()]}" if limit == 1 and value.lower() in _CHARACTERS else None


def example(kind: str, path: Sequence[str | int]) -> str | None:
    """An example of a field, and the command that explains it; None where there is none.

    Args:
        kind: of the document.
        path: of the value in the document.
    """
    found = next((f for n in range(len(path), 0, -1) if (f := _field(kind, path[:n])) and f.examples), None)
    if found is None:
        return None
    name = found.path.rpartition(".")[2]
    return f"for example `{name}: {inline(found.examples[0])}`; `reconciler explain {found.path}` explains it"


def _field(kind: str, path: Sequence[str | int]) -> Field | None:
    """The field of the table at a path; a list's element is told of by its list."""
    names = [str(x) for x in path if not isinstance(x, int)]
    names = names[1:] if names[:1] == ["spec"] else names
    for field in fields():
        parts = field.path.replace("[]", "").split(".")
        if parts[0] != kind or len(parts) != len(names) + 1 or parts[-1] == "*":
            continue
        if all(mine in ("*", its) for mine, its in zip(parts[1:], names, strict=True)):
            return field
    return None


def _share(text: str) -> str | None:
    """A share such as 0.01 as a percentage."""
    if not re.fullmatch(r"0?\.[0-9]{1,6}", text):
        return None
    hundredths = f"{float(text) * 100:.4f}".rstrip("0").rstrip(".")
    return f"{hundredths}%"


def _encoding(name: str) -> str | None:
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
