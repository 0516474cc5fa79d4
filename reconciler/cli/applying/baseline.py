"""What an apply found and left is kept in the ledger, so that `drift` can say what changed since; also where nothing was to be done.

A plan of a file is not believed: of what it says that was there, only what the platform shows is kept, as it shows it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from reconciler.api import resources
from reconciler.cli.flags import Flags
from reconciler.cli.output.console import say
from reconciler.cli.wiring import connections, destination, ledgers, real_clock
from reconciler.errors import LedgerFailed, ReadFailed
from reconciler.model.listing import Listed
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.remote import Observed
from reconciler.model.unchanged import compartments
from reconciler.planning.plan.baseline import as_shown, found
from reconciler.settings import Settings
from reconciler.workflows.applying.outcomes import compartments_of, left_after

MOST_PINS = 50  # compartments that are in no list and are read one by one


def keep(
    made: Plan,
    outcomes: Sequence[Outcome],
    flags: Flags,
    settings: Settings,
    where: destination.Target | None,
    *,
    learn: bool = False,
) -> None:
    """Keep it; an apply does without.

    Args:
        made: the plan.
        outcomes: of what was to be done.
        flags: as given.
        settings: of the workspace.
        where: endpoint and token, to look again; None where this process has seen what the plan says.
        learn: remember which compartment each address is, too: an id that is remembered decides whose token a later plan changes.
    """
    try:
        seen = None if where is None else _seen(made, settings, where)
        said, left = list(found(made).values()), left_after(made, outcomes)
        datamarts: Collection[str] = made.listed_datamarts
        if seen is not None:
            recorded = ledgers.history(flags.root, settings).baseline(made.workspace).rows.values()
            said, left = as_shown(said, recorded, seen), as_shown(left, (), seen)
            datamarts = [i for i in datamarts if isinstance(seen.activations.get(i), Listed)]
        with ledgers.noting(flags.root, settings) as ledger:
            ledger.keep_look(made.workspace, said, datamarts, _when(made, seen))
            ledger.keep_baseline(made.workspace, left)
            if learn:
                ledger.learn_compartments(made.workspace, _known(made, seen))
    except (LedgerFailed, ReadFailed) as e:
        say(f"the ledger does not have what this apply left, so drift does not compare with it: {e}")


def _seen(made: Plan, settings: Settings, where: destination.Target) -> Observed:
    """What the platform shows of the compartments and activations that a plan names.

    Raises:
        ReadFailed: the platform could not be read.
    """
    declared = compartments(made)
    pins = [c.remote_id for c in declared if c.remote_id is not None and c.change.actions == ("no-op",)]
    with (
        connections.reader(where, settings.parallelism) as reader,
        connections.threads(settings.parallelism) as io,
    ):
        listed = io.submit(resources.compartments, reader, made.organisation_id)
        active = {
            i: io.submit(resources.activations, reader, i) for i in dict.fromkeys(made.listed_datamarts)
        }
        own = {c.id for c in listed.result().require(then="the rest was done").rows}
        others = [i for i in pins if i not in own][:MOST_PINS]
        seen = Observed(
            Listed(()),
            listed.result(),
            {i: f.result() for i, f in active.items()},
            pinned={i: resources.one_compartment(reader, i) for i in others},
        )
    for listing in seen.activations.values():
        listing.require(then="the rest was done")
    return seen


def _when(made: Plan, seen: Observed | None) -> float:
    """When the platform was looked at; no plan is from a time that is still to come."""
    now = real_clock.CLOCK.wall()
    return now if seen is not None else min(datetime.fromisoformat(made.created_at).timestamp(), now)


def _known(made: Plan, seen: Observed | None) -> dict[str, str]:
    """Which compartment each address is."""
    if seen is not None:
        return compartments_of(made, (), seen)
    return {c.address: c.remote_id for c in compartments(made) if c.remote_id is not None}
