"""A plan, printed in each format; and the exit code of a command that made one."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.flags import Flags
from reconciler.cli.options import Format, PlanFormat
from reconciler.cli.output.console import annotations, data, out, show_findings, style
from reconciler.cli.output.output_file import is_stdout
from reconciler.cli.wiring import actor
from reconciler.model.exit_code import Exit
from reconciler.model.plan import Plan
from reconciler.planning.plan.guards import refused
from reconciler.reports.plan import json as plan_json
from reconciler.reports.plan import text as plan_text
from reconciler.reports.plan.decision import ordered
from reconciler.reports.style import Style

if TYPE_CHECKING:
    from reconciler.reports.plan.reach import Reach


def tell_findings(made: Plan, flags: Flags, file: Path | None = None) -> None:
    """Print what a plan says beside its changes, to stderr; all of it with `--full`.

    Args:
        made: the plan.
        flags: say how.
        file: in which the plan is saved; to look at it again reads no source.
    """
    if flags.output is Format.TEXT:
        marks = style(sys.stderr, no_color=flags.no_color)
        saved = file is not None and not is_stdout(file)
        command = f"show {shlex.quote(str(file))} --full" if saved else "plan --full"
        show_findings(ordered(made.diagnostics), flags.root, marks, brief="" if flags.full else command)


def show(made: Plan, flags: Flags, found: "Reach | None" = None) -> None:
    """Print a plan; in text its findings come after it, errors last.

    Args:
        made: the plan.
        flags: say how.
        found: what it reads, runs and sends to, where that is shown.
    """
    match flags.shape:
        case PlanFormat.MARKDOWN:
            from reconciler.reports.plan import markdown as plan_markdown

            data(plan_markdown.render(made, found))
        case PlanFormat.HTML:
            from reconciler.reports.plan import html as plan_html

            data(plan_html.render(made, found, None if found is not None else actor.this()))
        case PlanFormat.GITHUB:
            from reconciler.reports.findings import github

            annotations(github.render(ordered(made.diagnostics), ()))
        case PlanFormat.TERRAFORM:
            from reconciler.reports.plan import terraform

            data(terraform.render(made))
        case _ if flags.output is Format.JSON:
            data(plan_json.render(made))
        case _:
            marks = style(sys.stdout, no_color=flags.no_color)
            if flags.details or flags.full:
                out(_details(made, flags, marks))
            if flags.details and not flags.full:
                return
            out(plan_text.render(made, marks, show_unmanaged=flags.show_unmanaged, full=flags.full))
            if found is not None:
                from reconciler.reports.plan import reach

                out(reach.render(found, marks))


def _details(made: Plan, flags: Flags, marks: Style) -> str:
    """All that a plan says of some addresses.

    Raises:
        UsageError: one is no address.
        ReconcilerError: an address is not in it.
    """
    from reconciler.kinds.selectors import nothing, require_form
    from reconciler.reports.plan import details

    for pattern in flags.details or ():
        if not details.chosen(made, [pattern]):
            known = [x.address for x in details.chosen(made, ["*"])]
            require_form("--details", pattern, known)
            raise nothing(f"--details: the plan has no {pattern}", pattern, known)
    return details.render(made, details.chosen(made, [] if flags.full else flags.details or []), marks)


def exit_code(made: Plan, *, detailed: bool) -> int:
    """1 for a failed read or a finding, 4 for a plan that is refused, 2 for changes if asked."""
    if made.errored:
        return Exit.FAILED
    if not made.applyable:
        return Exit.REFUSED if refused(made.diagnostics) else Exit.FAILED
    return Exit.CHANGES if detailed and made.has_changes else Exit.DONE
