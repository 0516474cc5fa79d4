"""`validate`; its body is in `cli/validating.py`, which starts without Typer."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt


def validate(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders. Default: the specs of the workspace.")
    ] = None,
    per_file: Annotated[
        bool,
        typer.Option("--per-file", help="Check each file alone: references between files are not checked."),
    ] = False,
    output: opt.FindingsOutput = opt.FindingsFormat.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Check specs offline, all findings at once. Silent on success."""
    from reconciler.cli.validating import validate as run_validate

    return run_validate(
        context.obj,
        tuple(paths or ()),
        per_file=per_file,
        output=output.value,
        environment=environment,
        no_color=no_color,
    )
