"""`show`."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import audits, plan_pages
from reconciler.cli import options as opt
from reconciler.cli.applying.authority import standing
from reconciler.cli.flags import Flags, takes
from reconciler.cli.plan_files import read
from reconciler.model.exit_code import Exit


@takes("show_unmanaged", "details", "full", "no_color")
def show(
    flags: Flags,
    file: Annotated[Path, typer.Argument(help="A saved plan.")],
    output: opt.PlanOutput = opt.PlanFormat.TEXT,
) -> int:
    """Show a saved plan. Says what it changes, reads, runs and sends to, and whether the specs here declare it."""
    flags = flags.with_plan_format(output)
    made = read(file)
    if flags.full and output is opt.PlanFormat.JSON:
        from reconciler.planning.plan.document import full

        made = full(made)
    if made.audit is not None:
        audits.show(made, flags)
        return Exit.DONE
    found = None
    if output is not opt.PlanFormat.JSON:
        from reconciler.reports.plan.condensed import condensed
        from reconciler.reports.plan.reach import reach

        found = reach(made, standing(made, flags))
        found = found if flags.full else condensed(found, made)
    plan_pages.show(made, flags, found)
    if output is opt.PlanFormat.TEXT:
        plan_pages.tell_findings(made, flags, file)
    return Exit.DONE
