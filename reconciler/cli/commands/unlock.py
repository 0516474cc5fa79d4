"""`unlock`."""

from typing import Annotated

import typer

from reconciler.cli import exit_codes, session
from reconciler.cli import options as opt
from reconciler.cli.output.console import out
from reconciler.cli.session import Flags
from reconciler.cli.wiring import ledgers


def unlock(
    context: typer.Context,
    lock: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the lock; the message about the lock shows it.")
    ],
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Release the lock of a dead run. If the run is alive, it stops writing."""
    flags = session.Flags(root=context.obj, no_color=no_color, environment=environment, endpoint=endpoint)
    return run_unlock(flags, lock)


def run_unlock(flags: Flags, identity: str) -> int:
    """`unlock ID`."""
    out(ledgers.unlock(flags.root, session.settings_only(flags).settings, identity))
    return exit_codes.DONE
