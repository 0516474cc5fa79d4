"""`source diff`."""

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
from reconciler.reports.source_diff import json as diff_json
from reconciler.reports.source_diff import text as diff_text

MAX_SAMPLED = 1000


@takes(*PLATFORM, "datamart", "parallelism")
def source_diff(
    flags: Flags,
    name: SourceName,
    sample: Annotated[
        int,
        typer.Option(
            "--sample",
            metavar="N",
            min=1,
            max=MAX_SAMPLED,
            help="How many identities to look at, chosen by a hash.",
        ),
    ] = 20,
    values: Annotated[bool, typer.Option("--values", help="Show profile values, too.")] = False,
    output: opt.SourceOutput = opt.SourceFormat.TEXT,
) -> int:
    """Show what a load would change in stored profiles. Looks at some identities and at all rows; sends nothing."""
    return run_diff(flags, name, sample, output, values=values)


def run_diff(flags: Flags, name: str, sample: int, output: opt.SourceFormat, *, values: bool) -> int:
    """Show what a load would change for some identities, on each datamart of the source.

    Args:
        flags: as given.
        name: of the source.
        sample: how many identities to look at.
        output: its format.
        values: show profile values.

    Raises:
        UsageError: there is no such source or datamart.
        SpecError: the specs have findings that stop.
        ReconcilerError: the source or the platform cannot be read.
    """
    from reconciler.workflows.preview import compartment_ids
    from reconciler.workflows.source_diff import differences

    checked = declared(flags, name)
    wanted = chosen(flags, checked, name)
    where = session.seeded_target(flags, checked)
    with (
        session.progress(flags) as shown,
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
    ):
        ids = compartment_ids(checked.desired(), reader, checked.settings.organisation_id)
        scans = session.new_scans(flags, shown)
        found = differences(wanted, ids, sample, reader, io, scans)
    match output:
        case opt.SourceFormat.JSON:
            data(diff_json.render(found, values=values))
        case opt.SourceFormat.HTML:
            from reconciler.reports.source_diff import html as diff_html

            data(diff_html.render(name, found, values=values))
        case opt.SourceFormat.TEXT:
            marks = style(sys.stdout, no_color=flags.no_color)
            out("\n\n".join(diff_text.render(one, marks, values=values) for one in found))
    return Exit.DONE
