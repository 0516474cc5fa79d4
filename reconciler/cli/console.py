"""Where output goes, and how it looks: stdout carries data, stderr everything else."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.model.diagnostic import Diagnostic
from reconciler.reports import diagnostics as diagnostics_report
from reconciler.reports.style import COLOUR, PLAIN, Style


def style(stream: object, *, no_color: bool) -> Style:
    """Colours on a terminal, unless NO_COLOR or --no-color; FORCE_COLOR anywhere."""
    if no_color or os.environ.get("NO_COLOR"):
        return PLAIN
    terminal = getattr(stream, "isatty", lambda: False)()
    return COLOUR if terminal or os.environ.get("FORCE_COLOR") else PLAIN


def out(text: str) -> None:
    """Data, to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Anything else, to stderr."""
    sys.stderr.write(text if text.endswith("\n") else text + "\n")
    sys.stderr.flush()


def show_findings(found: Sequence[Diagnostic], root: Path, marks: Style) -> None:
    """Findings, to stderr, with their source lines."""
    cache: dict[str, list[str]] = {}

    def source_line(path: str, line: int) -> str | None:
        if path not in cache:
            try:
                cache[path] = (root / path).read_text("utf-8", "replace").splitlines()
            except OSError:
                cache[path] = []
        return cache[path][line - 1] if 0 < line <= len(cache[path]) else None

    if found:
        say(diagnostics_report.as_text(found, source_line, marks) + "\n")


def show_error(message: str, help_text: str | None, marks: Style) -> None:
    """One error that ends the command, to stderr."""
    say(f"{marks.red('error')}: {message}" + (f"\n  = help: {help_text}" if help_text else ""))
