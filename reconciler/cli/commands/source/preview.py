"""`source preview`."""

import sys
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import session
from reconciler.cli.commands.source.declared import SourceName, chosen, declared
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import data, out, style
from reconciler.cli.wiring import connections
from reconciler.model.exit_code import Exit
from reconciler.reports.preview import json as preview_json
from reconciler.reports.preview import text as preview_text


@takes(*PLATFORM, "datamart", "output")
def source_preview(
    flags: Flags,
    name: SourceName,
    line: Annotated[
        str, typer.Option("--line", metavar="[PATH:]N", help="A line number of the source, or FILE:LINE.")
    ],
) -> int:
    """Show what one row would change in its stored profile. Merges as the platform documents it; shows profile values."""
    return run_preview(flags, name, line)


def run_preview(flags: Flags, name: str, line: str) -> int:
    """Show what one line would do, on each datamart of the source.

    Raises:
        UsageError: the line is not written as one.
        ReconcilerError: there is no such source, datamart, file or line, it is not sent, or what it does is not public.
    """
    from reconciler.workflows.preview import compartment_ids, previews

    checked = declared(flags, name)
    wanted = chosen(flags, checked, name)
    where = session.seeded_target(flags, checked)
    marks = style(sys.stdout, no_color=flags.no_color)
    with connections.reader(where, checked.settings.parallelism) as reader:
        ids = compartment_ids(checked.desired(), reader, checked.settings.organisation_id)
        scans = session.new_scans(flags, session.progress(flags))
        found = previews(wanted, ids, line, reader, scans)
    if flags.output is opt.Format.JSON:
        data(preview_json.render(found))
    else:
        out("\n\n".join(preview_text.render(one, marks) for one in found))
    return Exit.DONE
