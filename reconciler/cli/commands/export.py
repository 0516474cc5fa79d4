"""`export`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import session
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import data, out, style
from reconciler.cli.wiring import connections
from reconciler.model.exit_code import Exit
from reconciler.reports.export import json as export_json
from reconciler.reports.export import text as export_text
from reconciler.workflows.export import export_workspace


class Layout(StrEnum):
    """How compartments are laid out in files."""

    PER_COMPARTMENT = "per-compartment"
    SINGLE_FILE = "single-file"


@takes(*PLATFORM, "output", "parallelism")
def export(
    flags: Flags,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where the files are written. Default: the first folder of specs."
        ),
    ] = None,
    layout: Annotated[
        Layout, typer.Option("--layout", help="One file for each compartment, or one for all.")
    ] = Layout.PER_COMPARTMENT,
) -> int:
    """Write specs for what exists and no spec declares. Never overwrites; sends only GET requests."""
    checked = session.read_workspace(flags, may_be_empty=True)
    settings = checked.settings
    target = folder if folder is not None else flags.root / settings.specs[0]
    with (
        connections.reader(session.target(flags, settings), settings.parallelism) as reader,
        connections.threads(settings.parallelism) as io,
    ):
        done = export_workspace(
            checked,
            reader,
            io,
            target,
            layout.value,
            lambda: session.read_workspace(flags, may_be_empty=True),
        )
    paths = [str(p) for p in done.written]
    if flags.output is opt.Format.JSON:
        data(export_json.render(done.export, paths, done.differing))
    else:
        out(
            export_text.render(done.export, paths, done.differing, style(sys.stdout, no_color=flags.no_color))
        )
    return Exit.DONE if not done.differing else Exit.FAILED
