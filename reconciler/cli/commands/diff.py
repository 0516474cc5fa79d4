"""`diff`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli.output.console import data, out, style
from reconciler.cli.plan_files import read
from reconciler.model.exit_code import Exit
from reconciler.planning.plan.compare import compare
from reconciler.reports.plan_diff import json as plan_diff_json
from reconciler.reports.plan_diff import text as plan_diff


def diff(
    context: typer.Context,
    a: Annotated[Path, typer.Argument(metavar="A", help="A saved plan.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="A saved plan to compare with.")],
    output: opt.Output = opt.Format.TEXT,
    no_color: opt.NoColor = False,
) -> int:
    """Compare two saved plans."""
    one, other = read(a), read(b)
    found = compare(one, other)
    if output is opt.Format.JSON:
        data(plan_diff_json.render(one, other, found))
    else:
        out(plan_diff.render(one, other, found, style(sys.stdout, no_color=no_color)))
    return Exit.DONE
