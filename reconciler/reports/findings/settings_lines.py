"""A line of reconciler.yaml beside a finding, without what may be a secret in it. Pure.

A token that was written down where only a reference to it may stand is a finding, and so is a misspelt name; the job's log must not
show it for that. Only values of fields that are known to hold no secret are shown; in the file as it is, which may be no YAML at all.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from reconciler.spec.schema import schema
from reconciler.spec.validate import VARIABLE

SECRETS = frozenset({"token", "plan_key", "index_key"})
_REFERENCES = frozenset({"env", "file"})
_KEY = r"(?:^|(?<=[\s{,\[-]))(?P<quote>['\"]?)(?P<name>[A-Za-z_][\w.-]*)(?P=quote)\s*:(?=\s|$)"
_OF_USERS = frozenset(
    {"environments", "labels", "rules"}
)  # what stands in these has names that users give, or codes
_STRUCTURE = " \t{}[],&*|>-'\""
_LEAST = 6  # characters of text; less is no secret


def shown(lines: Sequence[str], number: int) -> str:
    """The line, each value that may be a secret as `…`.

    Args:
        lines: of the file.
        number: of the line, from 1.
    """
    line, above = lines[number - 1], list(_above(lines, number))
    keys = list(re.finditer(_KEY, line))
    ends = [*(k.start() for k in keys[1:]), len(line)]
    told = [line[: keys[0].start() if keys else len(line)]]
    if _may_be_secret(told[0], above):
        return _hidden(told[0])
    within: list[str] = []  # fields of this line whose braces are open
    for key, end in zip(keys, ends, strict=False):
        rest = line[key.end() : end]
        told.append(line[key.start() : key.end()])
        if _may_be_secret(rest, [key["name"], *reversed(within), *above]):
            # What follows is hidden, too: where a text ends, only a parser can tell.
            return "".join(told) + _hidden(rest)
        told.append(rest)
        deeper = rest.count("{") - rest.count("}")
        within = [*within, key["name"]] if deeper > 0 else within[: len(within) + deeper]
    return "".join(told)


def _above(lines: Sequence[str], number: int) -> Iterator[str]:
    """Names of the fields that a line stands within, the nearest first."""
    least = _indent(lines[number - 1])
    for line in reversed(lines[: number - 1]):
        if line.strip() and _indent(line) < least:
            least = _indent(line)
            if keys := list(re.finditer(_KEY, line)):
                yield keys[-1]["name"]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" -"))


def _may_be_secret(text: str, inside: Sequence[str]) -> bool:
    """Whether a value, of the fields that it stands within, the nearest first, has to be hidden."""
    doubtful = any(n not in _names() and above not in _OF_USERS for n, above in pairwise([*inside, ""]))
    names = _REFERENCES if doubtful else _names()
    bare = text.strip(_STRUCTURE)
    if inside[:1] == ["env"] and not re.fullmatch(VARIABLE, bare.partition(" #")[0].rstrip(_STRUCTURE)):
        return bool(bare)
    if not bare or bare.startswith("#") or (inside and inside[0] in names):
        return False
    return len(bare) >= _LEAST or any(text.count(quote) % 2 for quote in "\"'")


def _hidden(text: str) -> str:
    return text[: len(text) - len(text.lstrip(_STRUCTURE))] + "…"


@cache
def _names() -> frozenset[str]:
    """Fields of the workspace's file that hold no secret."""
    definitions, found, seen = schema()["definitions"], set[str](), set[str]()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for x in value:
                walk(x)
        elif isinstance(value, dict):
            if (name := str(value.get("$ref", "")).rpartition("/")[2]) and name not in seen:
                seen.add(name)
                walk(definitions.get(name))
            if isinstance(fields := value.get("properties"), dict):
                found.update(fields)
            for x in value.values():
                walk(x)

    walk(definitions["Workspace"])
    return frozenset(found) - SECRETS
