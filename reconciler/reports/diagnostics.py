"""Findings as text in the manner of rustc, or as JSON. Pure; source lines are handed in."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.reports.style import Style

SourceLine = Callable[[str, int], str | None]


def as_text(diagnostics: Sequence[Diagnostic], source_line: SourceLine, style: Style) -> str:
    """All findings, errors last so that they are what one sees."""
    ordered = sorted(diagnostics, key=lambda d: d.severity is Severity.ERROR)
    return "\n".join(_one(d, source_line, style) for d in ordered)


def _one(d: Diagnostic, source_line: SourceLine, style: Style) -> str:
    colour = style.red if d.severity is Severity.ERROR else style.yellow
    subject = f"{d.address}: " if d.address else ""
    lines = [f"{colour(f'{d.severity.value}[{d.code}]')}: {style.bold(subject + d.message)}"]
    if d.span is not None:
        lines += _snippet(d.span, "", source_line, style, first=True)
    for span, label in d.secondary:
        lines += _snippet(span, label, source_line, style, first=False)
    if d.note:
        first, *more = d.note.splitlines()
        lines += [f"  = note: {first}", *(f"          {line}" for line in more)]
    if d.help:
        lines.append(f"  = help: {d.help}")
    return "\n".join(lines) + "\n"


def _snippet(span: Span, label: str, source_line: SourceLine, style: Style, *, first: bool) -> list[str]:
    head = f"  {'-->' if first else ':::'} {span.path}:{span.line}:{span.column}"
    text = source_line(span.path, span.line)
    if text is None:
        return [head]
    number = str(span.line)
    gutter = " " * len(number)
    shown = text.expandtabs(1)[:200]
    carets = ("^" if first else "-") * max(1, min(span.length, len(shown) - span.column + 1))
    under = (
        " " * (span.column - 1) + (style.red(carets) if first else carets) + (f" {label}" if label else "")
    )
    return [head, f"   {gutter} |", f"   {number} | {shown}", f"   {gutter} | {under}"]


def as_json(diagnostics: Sequence[Diagnostic], **extra: Any) -> str:
    """In Terraform's shape: valid, counts, and the findings."""
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    document = {
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": sum(d.severity is Severity.WARNING for d in diagnostics),
        **extra,
        "diagnostics": [plain(d) for d in diagnostics],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def plain(d: Diagnostic) -> dict[str, Any]:
    """One finding as plain data, without empty fields."""

    def place(span: Span) -> dict[str, Any]:
        return {"path": span.path, "line": span.line, "column": span.column, "length": span.length}

    found = {
        "code": d.code,
        "severity": d.severity.value,
        "message": d.message,
        "address": d.address,
        "span": place(d.span) if d.span else None,
        "secondary": [{**place(s), "label": label} for s, label in d.secondary],
        "help": d.help,
        "note": d.note,
    }
    return {k: v for k, v in found.items() if v}
