"""What an apply found and left is kept in the ledger, so that `drift` can say what changed since; also where nothing was to be done."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from reconciler.api.resources import compartments as listed
from reconciler.cli.flags import Flags
from reconciler.cli.output.console import say
from reconciler.cli.wiring import connections, destination, ledgers
from reconciler.errors import LedgerFailed
from reconciler.model.listing import Listed
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.model.remote import Observed
from reconciler.model.unchanged import compartments
from reconciler.planning.plan.baseline import found
from reconciler.settings import Settings
from reconciler.workflows.applying.outcomes import compartments_of, left_after


def keep(made: Plan, outcomes: Sequence[Outcome], flags: Flags, settings: Settings) -> None:
    """Keep it; an apply does without.

    Args:
        made: the plan.
        outcomes: of what was to be done.
        flags: as given.
        settings: of the workspace.
    """
    at = datetime.fromisoformat(made.created_at).timestamp()
    try:
        with ledgers.noting(flags.root, settings) as ledger:
            ledger.keep_look(made.workspace, list(found(made).values()), made.listed_datamarts, at)
            ledger.keep_baseline(made.workspace, left_after(made, outcomes))
    except LedgerFailed as e:
        say(f"the ledger does not have what this apply left, so drift does not compare with it: {e}")


def learn(made: Plan, flags: Flags, settings: Settings, where: destination.Target | None) -> None:
    """Keep which compartment each address is, where a plan has nothing to do.

    A plan of a file is not believed: an id that is remembered decides whose token a later plan changes.

    Args:
        made: the plan.
        flags: as given.
        settings: of the workspace.
        where: endpoint and token, to look at the compartments once more; None where this process has seen them.
    """
    if where is None:
        known = {c.address: c.remote_id for c in compartments(made) if c.remote_id is not None}
    else:
        with connections.reader(where, settings.parallelism) as reader:
            seen = Observed(Listed(()), listed(reader, made.organisation_id))
        known = compartments_of(made, (), seen)
    with suppress(LedgerFailed), ledgers.noting(flags.root, settings) as ledger:  # `keep` has said so
        ledger.learn_compartments(made.workspace, known)
