"""Findings as text in the manner of rustc. Pure; source lines are handed in."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from reconciler.kinds.counts import many
from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.reports.grouping import few_of_each, findings_alike
from reconciler.reports.style import Style, safe

SourceLine = Callable[[str, int], str | None]
_WIDTH = 110
_BEFORE = 30


def render(
    findings: Sequence[Diagnostic], source_line: SourceLine, style: Style, *, few: bool = False
) -> str:
    """All findings, in their order; what many datamarts have in common is said once.

    Args:
        findings: what was found.
        source_line: a line of a file, by path and number.
        style: how to mark text.
        few: of very many warnings of one code only the first are shown, and how many more there are.
    """
    said = findings_alike(findings)
    shown = few_of_each(said) if few else [(found, 0) for found in said]
    return "\n".join(
        _one(found[0], source_line, style, len(found) - 1) + _more(found[0], left, style)
        for found, left in shown
    )


def _more(d: Diagnostic, left: int, style: Style) -> str:
    return style.dim(f"\n… and {left:,} more of {d.code}; -o json has all\n") if left else ""


def summary(findings: Sequence[Diagnostic]) -> str:
    """One line: how many, in how many files, and where to read more."""
    counts = Counter(d.severity for d in findings)
    words = [many(n, s.value) for s in Severity if (n := counts[s])]
    files = len({d.span.path for d in findings if d.span})
    codes = {d.code for d in findings}
    more = f"`reconciler explain {min(codes)}`" if len(codes) == 1 else "`reconciler explain CODE`"
    where = f" in {many(files, 'file')}" if files else ""
    return f"{' and '.join(words)}{where}; {more} explains."


def _one(d: Diagnostic, source_line: SourceLine, style: Style, others: int) -> str:
    colour = style.red if d.severity is Severity.ERROR else style.yellow
    also = f" and {many(others, 'other datamart')}" if others else ""
    subject = f"{safe(d.address)}{also}: " if d.address else ""
    lines = [f"{colour(f'{d.severity.value}[{d.code}]')}: {style.bold(subject + safe(d.message))}"]
    gutter = max((len(str(s.line)) for s in [d.span, *(s for s, _ in d.secondary)] if s), default=1)
    if d.span is not None:
        lines += _snippet(d.span, "", gutter, source_line, style, first=True)
    for span, label in d.secondary:
        lines += _snippet(span, label, gutter, source_line, style, first=False)
    if d.note:
        first, *more = d.note.splitlines()
        lines += [f"  = note: {safe(first)}", *(f"          {safe(line)}" for line in more)]
    if d.help:
        lines.append(f"  = help: {safe(d.help)}")
    return "\n".join(lines) + "\n"


def _snippet(
    span: Span, label: str, gutter: int, source_line: SourceLine, style: Style, *, first: bool
) -> list[str]:
    pad = " " * gutter
    head = f" {pad}{style.dim('-->' if first else ':::')} {safe(str(span))}"
    text = source_line(span.path, span.line)
    if text is None or span.column > len(text) + 1:
        return [head + (f" {safe(label)}" if label else "")]
    shown, before, width = _window(text, span.column - 1, span.length)
    mark = style.red("^" * width) if first else style.dim("-" * width)
    bar = style.dim("|")
    return [
        head,
        f" {pad} {bar}",
        f" {span.line:>{gutter}} {bar} {shown}",
        f" {pad} {bar} {' ' * before}{mark}" + (f" {safe(label)}" if label else ""),
    ]


def _window(text: str, start: int, length: int) -> tuple[str, int, int]:
    """The part of a line around a place, how many cells stand before the place, and how many it takes."""
    cut = max(0, start - _BEFORE) if len(text) > _WIDTH else 0
    left = "…" if cut else ""
    part = text[cut : cut + _WIDTH]
    right = "…" if cut + _WIDTH < len(text) else ""
    marked = part[start - cut : start - cut + length]
    return left + safe(part) + right, _cells(left + part[: start - cut]), max(1, _cells(marked))


def _cells(text: str) -> int:
    """Terminal cells: East Asian characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
