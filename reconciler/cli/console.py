"""Where output goes, and how it looks: stdout carries data, stderr everything else."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.model.diagnostic import Diagnostic
from reconciler.origin import masked_line
from reconciler.reports.style import COLOUR, PLAIN, Style

WORKSPACE_FILE = "reconciler.yaml"
# A token in clear text is a finding of its own (spec-secret); the line it stands in is shown without it.
_CLEAR = r"(\btoken['\"]?\s*:\s*)(?![{\s])[^,}]*"


def style(stream: object, *, no_color: bool) -> Style:
    """Colours on a terminal, unless NO_COLOR or --no-color; FORCE_COLOR anywhere."""
    if no_color or os.environ.get("NO_COLOR"):
        return PLAIN
    terminal = getattr(stream, "isatty", lambda: False)()
    return COLOUR if terminal or os.environ.get("FORCE_COLOR") else PLAIN


def out(text: str) -> None:
    """Data, to stdout; characters that it cannot carry are written as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    safe = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(safe if safe.endswith("\n") or not safe else safe + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Anything else, to stderr."""
    sys.stderr.write(text if text.endswith("\n") else text + "\n")
    sys.stderr.flush()


def source_lines(root: Path) -> Callable[[str, int], str | None]:
    """Lines of files as shown beside a finding: by path relative to the workspace and number, without secrets."""
    cache: dict[str, list[str]] = {}

    def line(path: str, number: int) -> str | None:
        if path not in cache:
            try:
                text = (root / path).read_text("utf-8-sig", "replace")
                cache[path] = re.split("\r\n|\r|\n", text)
            except OSError:
                cache[path] = []
        if not 0 < number <= len(cache[path]):
            return None
        found = masked_line(cache[path][number - 1])
        return re.sub(_CLEAR, r"\1…", found) if Path(path).name == WORKSPACE_FILE else found

    return line


def show_findings(found: Sequence[Diagnostic], root: Path, marks: Style, *, summed: bool = False) -> None:
    """Findings, to stderr, with their source lines; and, if wanted, a line that sums them up."""
    if not found:
        return
    from reconciler.reports.findings.text import render, summary

    text = render(found, source_lines(root), marks)
    say(f"{text}\n{summary(found)}\n" if summed else f"{text}\n")


def show_error(message: str, help_text: str | None, marks: Style) -> None:
    """One error that ends the command, to stderr."""
    say(f"{marks.red('error')}: {message}" + (f"\n  = help: {help_text}" if help_text else ""))
