"""`schema`, `schema fetch`."""

from typing import Annotated

import typer

from reconciler.cli import selectors, session
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import data, out
from reconciler.cli.wiring import connections
from reconciler.model.exit_code import Exit

schema_app = typer.Typer(
    help="Print the JSON Schema of all kinds; fetch datamarts' schemas.",
    invoke_without_command=True,
)


@schema_app.callback()
def schema(context: typer.Context) -> int | None:
    """Print the JSON Schema of all kinds; `schema fetch` writes the schemas of datamarts."""
    if context.invoked_subcommand is not None:
        return None
    from reconciler.spec.schema import schema_text

    data(schema_text())
    return Exit.DONE


@schema_app.command("fetch")
@takes(*PLATFORM, "datamart")
def schema_fetch(
    flags: Flags,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that differ from the platform.")
    ] = False,
) -> int:
    """Write the live schema of every declared datamart to its file: the one the spec names, else schemas/NAME.gql."""
    return run_fetch(flags, overwrite=overwrite)


def run_fetch(flags: Flags, *, overwrite: bool) -> int:
    """Write the files; 1 if one could not be had or written, or differs.

    Args:
        flags: as given.
        overwrite: replace files that differ.

    Raises:
        SpecError: the specs have findings that stop.
        UsageError: there is no such datamart.
    """
    from reconciler.workflows.fetch_schemas import fetch

    checked = session.read_workspace(flags)
    chosen = selectors.datamarts(checked, flags.datamart)
    where = session.seeded_target(flags, checked)
    failed = False
    with connections.reader(where, checked.settings.parallelism) as reader:
        for fetched in fetch(flags.root, checked, chosen, reader, overwrite=overwrite):
            out(f"{fetched.path}: {fetched.words}")
            failed = failed or fetched.failed
    return Exit.FAILED if failed else Exit.DONE
