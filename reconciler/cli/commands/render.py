"""`render`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import completing
from reconciler.cli import options as opt
from reconciler.cli.output.console import data, out, style
from reconciler.errors import SpecError
from reconciler.kinds.selectors import nothing, require_form, selects
from reconciler.model.exit_code import Exit
from reconciler.reports.specs import json as specs_json
from reconciler.reports.specs import text as specs_text
from reconciler.spec.rendering import render as render_specs
from reconciler.workflows.check import check


def render(
    context: typer.Context,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ADDRESS",
            help="For example Compartment/loyalty, or Compartment/*. Default: all.",
            autocompletion=completing.documents,
        ),
    ] = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show specs after overlays and sets, with origins of values."""
    return run_render(context.obj, addresses or [], environment, output.value, no_color=no_color)


def run_render(
    root: Path, addresses: list[str], environment: str | None, output: str, *, no_color: bool
) -> int:
    """Specs after overlays and sets.

    Args:
        root: folder of the workspace.
        addresses: what to show; empty is all.
        environment: name of the environment; None where none is chosen.
        output: the format.
        no_color: without colours.

    Raises:
        SpecError: they have findings that stop.
        UsageError: one is no address.
        ReconcilerError: one selects nothing.
    """
    checked = check(root, {"environment": environment}, os.environ, any_environment=True)
    if not checked.ok:
        raise SpecError(checked.diagnostics)
    found = render_specs(checked.documents, checked.specs, checked.settings.environment)
    known = sorted(d.address for d in found)
    for address in addresses:
        require_form("render", address, known)
        if not any(selects({address}, x) for x in known):
            raise nothing(f"no spec declares {address}", address, known)
    chosen = [d for d in found if not addresses or selects(addresses, d.address)]
    if output == "json":
        data(specs_json.render(chosen, checked.settings.environment))
    else:
        out(specs_text.render(chosen, style(sys.stdout, no_color=no_color)))
    return Exit.DONE
