"""What an apply found and left is kept in the ledger, so that `drift` can say what changed since; also where nothing was to be done."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.cli.flags import Flags
from reconciler.cli.output.console import say
from reconciler.cli.wiring import ledgers
from reconciler.errors import LedgerFailed
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.planning.plan.baseline import found
from reconciler.settings import Settings
from reconciler.workflows.applying.outcomes import left_after


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
