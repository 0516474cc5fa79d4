"""What drifted, printed in each format: by `drift`, and by `show` of a file that `drift` saved."""

import sys

from reconciler.cli import options as opt
from reconciler.cli.flags import Flags
from reconciler.cli.output.console import annotations, data, out, style
from reconciler.model.actor import Actor
from reconciler.model.plan import Plan
from reconciler.reports.plan import json as plan_json
from reconciler.reports.plan.decision import ordered


def show(found: Plan, flags: Flags, made_by: Actor | None = None, *, accepting: bool = False) -> None:
    """Print what drifted.

    Args:
        found: an audit.
        flags: say how.
        made_by: who made it, where that is known.
        accepting: it is being written into the specs.
    """
    match flags.shape:
        case opt.PlanFormat.JSON:
            data(plan_json.render(found))
        case opt.PlanFormat.MARKDOWN:
            from reconciler.reports.drift import markdown

            data(markdown.render(found, accepting=accepting))
        case opt.PlanFormat.HTML:
            from reconciler.reports.drift import html

            data(html.render(found, made_by, accepting=accepting))
        case opt.PlanFormat.GITHUB:
            from reconciler.reports.findings import github

            annotations(github.render(ordered(found.diagnostics), ()))
        case opt.PlanFormat.TERRAFORM:
            from reconciler.reports.plan import terraform

            data(terraform.render(found))
        case opt.PlanFormat.TEXT:
            from reconciler.reports.drift import text

            marks = style(sys.stdout, no_color=flags.no_color)
            out(text.render(found, marks, show_unmanaged=flags.show_unmanaged, accepting=accepting))
