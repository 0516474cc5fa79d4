"""Commands on saved plans: `show FILE`, `diff A B`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import exit_codes
from reconciler.cli import options as opt
from reconciler.cli.console import data, out, show_findings, style
from reconciler.errors import ReconcilerError
from reconciler.reports.plan.decision import ordered
from reconciler.reports.plan_diff import json as plan_diff_json

if TYPE_CHECKING:
    from reconciler.model.plan import Plan


def read(file: Path) -> "Plan":
    """A saved plan.

    Raises:
        ReconcilerError: it cannot be read.
    """
    from reconciler.planning.plan.document import decode

    try:
        return decode(file.read_bytes(), str(file))
    except OSError as e:
        raise ReconcilerError(f"cannot read the plan {file}: {e.strerror}") from None


def show(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A saved plan.")],
    output: opt.PlanOutput = opt.PlanFormat.TEXT,
    show_unmanaged: opt.ShowUnmanaged = False,
    no_color: opt.NoColor = False,
) -> int:
    """Show a saved plan: what it changes, reads, runs and sends to, its seal, and whether the specs here declare it."""
    from reconciler.cli import steps

    flags = steps.Flags(
        root=context.obj,
        no_color=no_color,
        output=steps.plain(output),
        shape=output,
        show_unmanaged=show_unmanaged,
    )
    made = read(file)
    if output is opt.PlanFormat.TEXT:
        show_findings(ordered(made.diagnostics), flags.root, style(sys.stderr, no_color=no_color))
    found = None
    if output is not opt.PlanFormat.JSON:
        from reconciler.cli.authority import standing
        from reconciler.reports.plan.reach import reach

        found = reach(made, standing(made, flags))
    steps.show_plan(made, flags, found)
    return exit_codes.DONE


def diff(
    context: typer.Context,
    a: Annotated[Path, typer.Argument(metavar="A", help="A saved plan.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="A saved plan to compare with.")],
    output: opt.Output = opt.Format.TEXT,
    no_color: opt.NoColor = False,
) -> int:
    """Compare two saved plans: what one would do that the other would not."""
    from reconciler.planning.plan.compare import compare
    from reconciler.reports.plan_diff import text as plan_diff

    one, other = read(a), read(b)
    found = compare(one, other)
    if output is opt.Format.JSON:
        data(plan_diff_json.render(one, other, found))
    else:
        out(plan_diff.render(one, other, found, style(sys.stdout, no_color=no_color)))
    return exit_codes.DONE
