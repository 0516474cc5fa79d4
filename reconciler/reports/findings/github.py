"""Findings as annotations of GitHub Actions: workflow commands, one a line. Pure.

The runner reads a line that begins with `::` as a command, so nothing here starts a line of its own: every text is
percent-encoded, line breaks included. Of a step, GitHub shows ten annotations of each severity and drops the rest
without a word; the last of them says here how many there are and where.
"""

from collections.abc import Sequence

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.reports.style import safe

SHOWN = 10
_LISTED = 50
_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(findings: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """At most `SHOWN` lines for each severity, in the order of the findings; nothing where there is no finding."""
    del files
    lines: list[str] = []
    for severity, command in _COMMAND.items():
        mine = [d for d in findings if d.severity is severity]
        whole = mine if len(mine) <= SHOWN else mine[: SHOWN - 1]
        lines += [_annotation(command, d) for d in whole]
        if rest := mine[len(whole) :]:
            lines.append(_aggregate(command, rest))
    return "".join(line + "\n" for line in lines)


def _annotation(command: str, d: Diagnostic) -> str:
    place = ""
    if d.span is not None:
        place = (
            f"file={_property(d.span.path)},line={d.span.line},col={d.span.column},"
            f"endColumn={d.span.column + d.span.length},"
        )
    also = [f"{safe(str(s))}: {safe(label)}" for s, label in d.secondary]
    more = [
        *also,
        *([f"note: {line}" for line in map(safe, d.note.splitlines())] if d.note else []),
        *([f"help: {safe(d.help)}"] if d.help else []),
    ]
    text = "\n".join([(f"{safe(d.address)}: " if d.address else "") + safe(d.message), *more])
    return f"::{command} {place}title={_property(d.code)}::{_data(text)}"


def _aggregate(command: str, rest: Sequence[Diagnostic]) -> str:
    lines = [
        (f"{safe(str(d.span))}: " if d.span else "") + f"[{d.code}] {safe(d.message)}" for d in rest[:_LISTED]
    ]
    if len(rest) > _LISTED:
        lines.append(f"and {len(rest) - _LISTED:,} more")
    text = "\n".join(
        [f"{len(rest):,} more {command}s than GitHub shows; `reconciler validate` lists all:", *lines]
    )
    return f"::{command} title=and {len(rest)} more::{_data(text)}"


def _data(text: str) -> str:
    text = text.replace("##", "# #")  # begins a command of an older form, anywhere in a line
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(safe(text)).replace(":", "%3A").replace(",", "%2C")
