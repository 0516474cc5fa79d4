"""Rendered specs as YAML with origins as comments. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.reports.style import Style, safe
from reconciler.spec.documents import Path, core_scalar
from reconciler.spec.rendering import Rendered, nested

_COLUMN = 44
_SPECIAL = frozenset("!&*-?:,[]{}#|>@`\"'%~ ")

Line = tuple[str, Path | None]


def render(documents: Sequence[Rendered], style: Style) -> str:
    """One YAML document each; a comment says where a value was written, and how, if that is not how it reads here."""
    return "---\n".join(_document(d, style) for d in documents)


def _document(document: Rendered, style: Style) -> str:
    lines: list[str] = []
    for text, path in _block(document.data, (), ""):
        if path is None:
            lines.append(text + "\n")
            continue
        written = f" {_scalar(document.written[path])}" if path in document.written else ""
        lines.append(
            f"{text:<{_COLUMN}} {style.dim(f'# {safe(str(document.origins[path]))}{safe(written)}')}\n"
        )
    return "".join(lines)


def _block(data: Any, path: Path, indent: str) -> list[Line]:
    lines: list[Line] = []
    if isinstance(data, dict):
        for key, value in data.items():
            head = f"{indent}{_scalar(key)}:"
            if nested(value):
                lines += [(head, None), *_block(value, (*path, key), indent + "  ")]
            else:
                lines.append((f"{head} {_scalar(value)}", (*path, key)))
        return lines
    for i, value in enumerate(data):
        inner = indent + "  "
        item = _block(value, (*path, i), inner) if nested(value) else [(inner + _scalar(value), (*path, i))]
        lines += [(f"{indent}- {item[0][0][len(inner) :]}", item[0][1]), *item[1:]]
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_scalar(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and _reads_as_itself(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _reads_as_itself(text: str) -> bool:
    """True if the text needs no quotes, not even inside brackets."""
    bare = text.isprintable() and not _SPECIAL.intersection(text[:1] + text[-1:]) and bool(text)
    return bare and not any(c in text for c in ",[]{}#\"'") and ": " not in text and core_scalar(text) == text
