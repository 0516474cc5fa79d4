"""What came late of loads about which an apply has nothing to do: told by the first apply that sees it, which ends with 3."""

import os
from contextlib import suppress

from reconciler.cli import session
from reconciler.cli.output.console import say
from reconciler.cli.output.progress import Display
from reconciler.cli.remembered import APPLIES, keep_looked, watched
from reconciler.cli.wiring import connections, destination, ledgers, real_clock
from reconciler.errors import LedgerFailed, ReadFailed, ReconcilerError
from reconciler.model.outcome import Outcome
from reconciler.model.plan import LoadChange, Plan
from reconciler.settings import Settings
from reconciler.workflows.late import Look, look_at_loads, told
from reconciler.workspace.cache import cache_folder


def tell(
    made: Plan, flags: session.Flags, settings: Settings, where: destination.Target, shown: Display
) -> tuple[Outcome, ...]:
    """Look at loads that ended a short time ago, and tell what came late; outcomes of what no run reported before.

    Args:
        made: a plan, perhaps carried out.
        flags: as given.
        settings: of the workspace.
        where: endpoint and token.
        shown: what shows outcomes.
    """
    history, folder = ledgers.expendable_history(flags.root, settings), cache_folder(flags.root, os.environ)
    ended: dict[str, float] = {}
    with suppress(ReconcilerError):
        ended, reported = watched(history, folder, APPLIES), history.reported()
    loads = [x for x in made.loads if x.actions == ("no-op",) and x.address in ended]
    if not loads:
        return ()
    since = real_clock.CLOCK.wall()
    looks = _looks(loads, settings, where)
    found = told(looks, reported)
    clean = {x.address: ended[x.address] for x, look in looks if look.whole and not look.found}
    keep_looked(clean, since, settings.settle, folder, APPLIES)
    for line in found.before:
        say(line)
    for outcome in found.outcomes:
        shown.finished(outcome)
    if found.outcomes:
        try:
            ledgers.report(flags.root, settings, found.executions)
        except LedgerFailed as e:
            say(f"this could not be recorded, so the next apply reports it again: {e}")
    return found.outcomes


def _looks(
    loads: list[LoadChange], settings: Settings, where: destination.Target
) -> list[tuple[LoadChange, Look]]:
    """Nothing where the platform cannot be read: then the next apply looks."""
    with (
        suppress(ReadFailed),
        connections.reader(where, settings.parallelism) as reader,
        connections.threads(settings.parallelism) as io,
    ):
        return look_at_loads(loads, reader, io)
    return []
