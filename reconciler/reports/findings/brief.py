"""Findings in a few lines: by code and source, errors last, counted. For what may have hundreds of them, such as a plan. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.reports.findings.text import SourceLine
from reconciler.reports.findings.text import render as in_full
from reconciler.reports.folded import wrapped
from reconciler.reports.grouping import LAST_IS_WORST, about, by_code_and_source, counted
from reconciler.reports.style import Style, safe

MOST = 24  # lines that are shown as they are
_SAID = 240  # characters of a message
_EACH = {Severity.NOTE: 1, Severity.WARNING: 4, Severity.ERROR: 6}  # groups that are shown


def render(
    findings: Sequence[Diagnostic], source_line: SourceLine, style: Style, command: str = "plan --full"
) -> str:
    """All of them as `text` has them where that is short; else a line or two for each code and source. Errors come last.

    Args:
        findings: what was found.
        source_line: a line of a file, by path and number.
        style: how to mark text.
        command: that shows each of them.
    """
    lines, shortened, room = list[str](), False, MOST
    for severity in reversed(LAST_IS_WORST):
        found = [d for d in findings if d.severity is severity]
        whole = in_full(found, source_line, style).splitlines()
        short = len(whole) > room
        part = _grouped(found, severity, style) if short else whole
        if found and not short:
            part.append("")
        lines[:0] = part
        shortened, room = shortened or short, max(0, room - len(part))
    told = "\n".join([*lines, *_counted(findings, command if shortened else "")])
    return f"\n{told.rstrip()}\n"


def _grouped(found: Sequence[Diagnostic], severity: Severity, style: Style) -> list[str]:
    groups = by_code_and_source(found)
    shown = groups[: _EACH[severity]]
    lines = [line for same in shown for line in _one(same, style)]
    left = [d for same in groups[len(shown) :] for d in same]
    if left:
        codes = Counter(d.code for d in left)
        words = ", ".join(f"{code} {n:,}" for code, n in codes.most_common(3))
        more = f"{words}{', …' if len(codes) > 3 else ''}"
        lines.append(style.dim(f"… and {many(len(left), severity.value)} more: {more}"))
    return lines


def _one(same: Sequence[Diagnostic], style: Style) -> list[str]:
    """Findings of one code and source, by the first of them."""
    d = same[0]
    subject, message = about(same)
    colour = style.red if d.severity is Severity.ERROR else style.yellow
    head = f"{d.severity.value}[{d.code}]"
    said = f"{head}: {f'{safe(subject)}: ' if subject else ''}{safe(_cut(message))}"
    first, *rest = wrapped(said, style.width, subsequent_indent="    ")
    return [colour(head) + first.removeprefix(head), *rest, *_help(d, style)]


def _help(d: Diagnostic, style: Style) -> list[str]:
    """What to do about it; of a note, which asks for nothing, none."""
    if not d.help or d.severity is Severity.NOTE:
        return []
    return wrapped(f"= help: {safe(d.help)}", style.width, initial_indent="  ", subsequent_indent="    ")


def _cut(message: str) -> str:
    return message if len(message) <= _SAID else message[:_SAID].rpartition(" ")[0] + " …"


def _counted(findings: Sequence[Diagnostic], command: str) -> list[str]:
    return [f"{counted(findings)} (`reconciler {command}` shows each)."] if command else []
