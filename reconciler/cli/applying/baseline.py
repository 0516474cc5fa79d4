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
            ledger.learn_compartments(made.workspace, _there(made))
            ledger.keep_look(made.workspace, list(found(made).values()), made.listed_datamarts, at)
            ledger.keep_baseline(made.workspace, left_after(made, outcomes))
    except LedgerFailed as e:
        say(f"the ledger does not have what this apply left, so drift does not compare with it: {e}")


def _there(made: Plan) -> dict[str, str]:
    """Remote ids of the compartments that are as declared, by address."""
    return {
        c.address: c.remote_id
        for c in made.resource_changes
        if c.kind == "Compartment" and c.remote_id is not None and c.change.actions == ("no-op",)
    }
