"""`source index`."""

from dataclasses import replace
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import plan_pages, session
from reconciler.cli.commands.source.declared import SourceName, chosen, declared
from reconciler.cli.flags import WORKSPACE, Flags, takes
from reconciler.cli.output.console import data, out
from reconciler.cli.wiring import connections, sent
from reconciler.errors import ReadFailed, Refused, UsageError
from reconciler.model.diagnostic import Severity
from reconciler.model.exit_code import Exit
from reconciler.reports.sent_index import json as index_json
from reconciler.reports.sent_index import text as index_text


@takes(*WORKSPACE, "datamart", "output", "token_file")
def source_index(
    flags: Flags,
    name: SourceName,
    drop: Annotated[
        bool, typer.Option("--drop", help="Remove the indexes; the next load sends all rows.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Make the index of the newest load again from the source, without sending anything.",
        ),
    ] = False,
) -> int:
    """Show the sent index of a source (send: changed). Checks that it is whole; or removes it, or makes it again."""
    flags = replace(flags, only=opt.Only.LOADS)
    if rebuild and drop:
        raise UsageError("--rebuild and --drop exclude each other")
    if rebuild:
        run_rebuild(flags, name)
    return run_index(flags, name, drop=drop)


def run_rebuild(flags: Flags, name: str) -> None:
    """Make the sent index of each newest load of a source again.

    Args:
        flags: as given.
        name: of the source.

    Raises:
        UsageError: there is no such source or datamart.
        Refused: it is not certain what was sent.
        ReadFailed: the platform could not be read.
        ReconcilerError: the source cannot be read, or an index not written.
    """
    from reconciler.workflows.rebuild_index import rebuild

    checked = declared(flags, name)
    where = session.seeded_target(flags, checked)
    with (
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
        session.progress(flags) as shown,
    ):
        scans = session.new_scans(flags, shown)
        targets = [str(x.address) for x in chosen(flags, checked, name)]
        made = session.plan(replace(flags, target=targets), checked, where, lambda: scans)
        if made.errored:  # what a plan says beside that is of no concern here: nothing is sent
            errors = tuple(d for d in made.diagnostics if d.severity is Severity.ERROR)
            plan_pages.tell_findings(replace(made, diagnostics=errors), flags)
            plan_pages.exit_code(made, detailed=False)
            raise ReadFailed("the platform could not be read; no index was made")
        if missing := sorted(set(targets) - {x.address for x in made.loads}):
            words = f"{missing[0]} cannot be planned, so it is not known what was loaded"
            raise Refused(words, help="`reconciler plan` says why")
        with sent.indexes(flags.root, checked.settings, scans) as indexes:
            for load in made.loads:
                rebuild(load, reader, io, indexes)


def run_index(flags: Flags, name: str, *, drop: bool) -> int:
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
    with session.progress(flags) as shown:
        scans = session.new_scans(flags, shown)
        with sent.indexes(flags.root, checked.settings, scans) as indexes:
            found = [(x, indexes.kept(x.definition, x.datamart_id)) for x in chosen(flags, checked, name)]
            if drop:
                for load, _ in found:
                    indexes.drop(load.definition, load.datamart_id)
    if flags.output is opt.Format.JSON:
        data(index_json.render([(str(x.address), kept) for x, kept in found]))
    else:
        out(index_text.render([(str(x.address), kept) for x, kept in found], dropped=drop))
    damaged = any(one.trouble for _, kept in found for one in kept)
    return Exit.FAILED if damaged and not drop else Exit.DONE
