"""What came late of loads that are finished: told by the first apply that sees it, which ends with 3."""

from collections.abc import Collection
from contextlib import suppress

from reconciler.cli.applying.carrying import Means
from reconciler.cli.output.console import say
from reconciler.cli.remembered import WATCHED_S
from reconciler.cli.wiring import connections, destination, ledgers, real_clock
from reconciler.errors import LedgerFailed, ReadFailed, ReconcilerError
from reconciler.ledger.open_writes import written
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange, Plan
from reconciler.settings import Settings
from reconciler.workflows.late import Look, Looks, look_at_loads, told


def tell(made: Plan, done: Collection[Outcome], means: Means) -> tuple[Outcome, ...]:
    """Look at finished loads at which nobody has looked since, and tell what came late; outcomes of what no run reported before.

    Args:
        made: a plan, perhaps carried out.
        done: what this run did of it, at once or in waves; a load has looked for itself before its end.
        means: of the apply.
    """
    flags, settings = means.flags, means.settings
    looks, reported = Looks({}, settings.settle, WATCHED_S), frozenset[tuple[str, str]]()
    with suppress(ReconcilerError):  # nothing is known, so everything is looked at
        history = ledgers.expendable_history(flags.root, settings)
        reported = history.reported()
        looks = Looks(history.looks(), settings.settle, WATCHED_S)
    now, writes = real_clock.CLOCK.wall(), written(made)
    acted = {o.address for o in done if o.status is not Status.UNCHANGED}
    due = {
        x.address: numbers
        for x in made.loads
        if (numbers := looks.due(x, writes[x.address], acted=x.address in acted))
    }
    loads = [(x, {n for _, n in due[x.address]}) for x in made.loads if x.address in due]
    if not loads:
        return ()
    seen = _looks(loads, settings, means.where)
    found = told(seen, reported)
    for line in found.before:
        say(line)
    for outcome in found.outcomes:
        means.shown.finished(outcome)
    try:
        with ledgers.noting(flags.root, settings) as ledger:
            for datamart_id, ids in found.executions.items():
                ledger.report(datamart_id, ids)
            for load, look in seen:
                for number in due[load.address]:
                    ledger.look(*number, now, now if looks.over(number, now, look) else 0.0)
    except LedgerFailed as e:
        if found.outcomes:
            say(f"this could not be recorded, so the next apply reports it again: {e}")
    return found.outcomes


def _looks(
    due: list[tuple[LoadChange, set[int]]], settings: Settings, where: destination.Target
) -> list[tuple[LoadChange, Look]]:
    """Nothing where the platform cannot be read: then the next apply looks."""
    with (
        suppress(ReadFailed),
        connections.reader(where, settings.parallelism) as reader,
        connections.threads(settings.parallelism) as io,
    ):
        return look_at_loads(due, reader, io)
    return []
