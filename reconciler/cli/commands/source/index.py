"""`source index`."""

from typing import Annotated

import typer

from reconciler.cli import exit_codes, selectors, session
from reconciler.cli import options as opt
from reconciler.cli.commands.source.declared import SourceName, declared
from reconciler.cli.output.console import data, out
from reconciler.cli.wiring import sent
from reconciler.reports.sent_index import json as index_json
from reconciler.reports.sent_index import text as index_text


def source_index(
    context: typer.Context,
    name: SourceName,
    drop: Annotated[
        bool, typer.Option("--drop", help="Remove the indexes; the next load sends all rows.")
    ] = False,
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the sent index of a source (send: changed). Checks that it is whole; or removes it."""
    flags = session.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        datamart=datamart,
    )
    return run_index(flags, name, drop=drop)


def run_index(flags: session.Flags, name: str, *, drop: bool) -> int:
    """Show or remove the sent indexes of a source; 1 if one is damaged.

    Args:
        flags: as given.
        name: of the source.
        drop: remove them.

    Raises:
        UsageError: there is no such source or datamart.
        SpecError: the specs have findings that stop.
        ReconcilerError: the place of the indexes cannot be read.
    """
    checked = declared(flags, name)
    datamarts = selectors.datamarts(checked, flags.datamart)
    loads = [x for x in checked.desired().loads.values() if x.source == name]
    chosen = [x for x in loads if datamarts is None or x.datamart in datamarts]
    with session.progress(flags) as shown:
        scans = session.new_scans(flags, shown)
        with sent.indexes(flags.root, checked.settings, scans) as indexes:
            found = [(x, indexes.kept(name, x.datamart_id)) for x in chosen]
            if drop:
                for load, _ in found:
                    indexes.drop(name, load.datamart_id)
    if flags.output is opt.Format.JSON:
        data(index_json.render([(str(x.address), kept) for x, kept in found]))
    else:
        out(index_text.render([(str(x.address), kept) for x, kept in found], dropped=drop))
    damaged = any(one.trouble for _, kept in found for one in kept)
    return exit_codes.FAILED if damaged and not drop else exit_codes.DONE
