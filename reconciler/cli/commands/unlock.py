"""`unlock`."""

from typing import Annotated

import typer

from reconciler.cli import session
from reconciler.cli.flags import WORKSPACE, Flags, takes
from reconciler.cli.output.console import out
from reconciler.cli.wiring import ledgers
from reconciler.model.exit_code import Exit


@takes(*WORKSPACE)
def unlock(
    flags: Flags,
    lock: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the lock; the message about the lock shows it.")
    ],
) -> int:
    """Release the lock of a dead run. If the run is alive, it stops writing."""
    return run_unlock(flags, lock)


def run_unlock(flags: Flags, identity: str) -> int:
    """`unlock ID`."""
    out(ledgers.unlock(flags.root, session.settings_only(flags).settings, identity))
    return Exit.DONE
