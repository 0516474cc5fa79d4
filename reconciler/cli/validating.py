"""`reconciler validate`, however it was called: look it up or work it out, and show it."""

import gc
import os
import sys
from dataclasses import replace
from pathlib import Path

from reconciler.cli.output.console import annotations, data, show_findings, style
from reconciler.errors import UsageError
from reconciler.model.address import Span
from reconciler.model.exit_code import Exit
from reconciler.workspace.verdict_cache import Verdict, VerdictCache


def validate(
    root: Path,
    paths: tuple[Path, ...],
    *,
    per_file: bool = False,
    output: str = "text",
    environment: str | None = None,
    no_color: bool = False,
) -> int:
    """Show all findings; the exit code.

    Args:
        root: folder of the workspace.
        paths: files or folders; empty is the whole workspace.
        per_file: check each file alone.
        output: the format.
        environment: name of the environment; None where none is chosen.
        no_color: without colours.

    Raises:
        UsageError: --per-file without paths.
        ReconcilerError: there is no workspace file, or no such environment.
    """
    gc.disable()  # this process ends soon, its trees have no cycles, and looking for some takes a third of the time
    if per_file and not paths:
        raise UsageError("--per-file needs PATHS", help="name files or folders, or remove --per-file")
    verdict = _verdict(root, paths, per_file=per_file, environment=environment)
    if output == "text":
        show_findings(verdict.diagnostics, root, style(sys.stderr, no_color=no_color), summed=True)
    else:
        from reconciler.reports.findings import render

        moved = verdict if output == "json" else _from_here(verdict, root)
        write = annotations if output == "github" else data
        write(render(output, moved.diagnostics, moved.files))
    return Exit.DONE if verdict.ok else Exit.FAILED


def _verdict(root: Path, paths: tuple[Path, ...], *, per_file: bool, environment: str | None) -> Verdict:
    flags = {"environment": environment}
    if not paths and (known := VerdictCache(root, os.environ, environment).load()):
        return known
    from reconciler.workflows import validate as workflow  # reads YAML: not needed where nothing changed

    if per_file:
        return workflow.validate_each(root, flags, os.environ, paths)
    return workflow.validate(root, flags, os.environ, paths)


def _from_here(verdict: Verdict, root: Path) -> Verdict:
    """With paths relative to the current folder, as the services that show them beside a change expect."""
    prefix = os.path.relpath(root)
    if prefix == "." or prefix.startswith(".."):
        return verdict

    def moved(span: Span) -> Span:
        return replace(span, path=f"{prefix}/{span.path}")

    return Verdict(
        tuple(
            replace(
                d,
                span=moved(d.span) if d.span else None,
                secondary=tuple((moved(s), label) for s, label in d.secondary),
            )
            for d in verdict.diagnostics
        ),
        tuple(f"{prefix}/{f}" for f in verdict.files),
    )
