"""`explain`."""

import sys
from typing import Annotated

import typer

from reconciler.cli import exit_codes
from reconciler.cli import options as opt
from reconciler.cli.output.console import data, out, style
from reconciler.errors import UsageError
from reconciler.reports.rules import json as rules_json
from reconciler.reports.rules import text as rules_text
from reconciler.spec.catalogue import catalogue
from reconciler.spec.nearest import nearest


def explain(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="A code. Default: all codes.")] = None,
    output: opt.ReferenceOutput = opt.ReferenceFormat.TEXT,
    no_color: opt.NoColor = False,
) -> int:
    """Explain a finding's code, with examples."""
    return run_explain(code, output.value, no_color=no_color)


def run_explain(code: str | None, output: str, *, no_color: bool) -> int:
    """One rule, or all of them.

    Raises:
        UsageError: there is no such code.
    """
    rules = catalogue()
    if code is not None and code not in rules:
        raise UsageError(
            f"there is no code '{code}'", help=nearest(code, rules) or "`reconciler explain` lists all"
        )
    chosen = [rules[code]] if code is not None else list(rules.values())
    marks = style(sys.stdout, no_color=no_color)
    match output:
        case "json":
            data(rules_json.render(chosen))
        case "markdown":
            data(rules_text.markdown(chosen))
        case _:
            out(rules_text.one(chosen[0], marks) if code is not None else rules_text.table(chosen, marks))
    return exit_codes.DONE
