"""`adopt`."""

import os
import sys
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import session
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import data, out, show_findings, style
from reconciler.cli.remembered import remembered
from reconciler.cli.wiring import connections
from reconciler.model.exit_code import Exit
from reconciler.reports.adopt import json as adopt_json
from reconciler.reports.adopt import text as adopt_text
from reconciler.reports.plan.decision import ordered
from reconciler.workflows.adopt import adopt_workspace
from reconciler.workspace.cache import cache_folder


@takes(*PLATFORM, "output", "parallelism")
def adopt(
    flags: Flags,
    write: Annotated[
        bool, typer.Option("--write", help="Change the spec files; comments, order and quotes stay.")
    ] = False,
) -> int:
    """Match specs with what exists. With --write they say what the platform has; sends only GET requests."""
    checked = session.read_workspace(flags)
    settings = checked.settings
    known = remembered(flags.root, settings, cache_folder(flags.root, os.environ)).compartments
    with (
        connections.reader(session.target(flags, settings), settings.parallelism) as reader,
        connections.threads(settings.parallelism) as io,
    ):
        done = adopt_workspace(checked, reader, io, known, lambda: session.read_workspace(flags), write=write)
    shown = (done.found, done.edits, done.by_hand, done.unmanaged, done.written, done.differing)
    if flags.output is opt.Format.JSON:
        data(adopt_json.render(*shown))
    else:
        findings = [
            d
            for d in done.diagnostics
            if d.code in ("unmanaged-look-alike", "similar-token", "archived-compartment")
        ]
        show_findings(ordered(findings), flags.root, style(sys.stderr, no_color=flags.no_color))
        out(adopt_text.render(*shown, style(sys.stdout, no_color=flags.no_color)))
    return Exit.FAILED if done.found.ambiguous or done.differing else Exit.DONE
