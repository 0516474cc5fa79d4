"""Schemas of datamarts that are others than when a saved plan was made: told before it is applied, and no reason to stop."""

from contextlib import suppress

from reconciler.cli import session
from reconciler.cli.output.console import say
from reconciler.cli.wiring import connections, destination
from reconciler.errors import ReadFailed
from reconciler.model.plan import Plan
from reconciler.settings import Settings


def tell(made: Plan, flags: session.Flags, settings: Settings, where: destination.Target) -> None:
    """Look at the schemas that the plan's profiles were compared with, and say which are others now.

    Args:
        made: the plan.
        flags: as given.
        settings: of the workspace.
        where: endpoint and token.
    """
    from reconciler.workflows.datamart_schemas import moved

    if not any(load.schema is not None and load.actions != ("no-op",) for load in made.loads):
        return
    with (
        suppress(ReadFailed),
        connections.reader(where, settings.parallelism) as reader,
        connections.threads(settings.parallelism) as io,
    ):
        for words in moved(flags.root, made.loads, reader, io):
            say(f"Note: {words}.")
