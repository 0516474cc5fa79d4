"""What moved on the remote since the last apply, from the ledger's runs and a plan of the configuration. Reads only."""

from collections.abc import Iterable, Iterator

from reconciler.errors import Refused
from reconciler.ledger.history import History, Recorded
from reconciler.model.plan import Plan
from reconciler.planning.plan import document
from reconciler.planning.plan.drift import audit, baseline

RUNS = 50  # how far back a resource may have been applied for the last time


def audited(plan: Plan, history: History) -> tuple[Plan, float | None]:
    """The plan with what moved, and when the last run was (seconds since 1970; None where there is none on record).

    Raises:
        LedgerFailed: the ledger cannot be read.
    """
    runs = history.runs(RUNS)
    left = baseline(_ended(runs, history), {c.address for c in plan.resource_changes})
    return audit(plan, left), runs[0].started if runs else None


def _ended(runs: Iterable[Recorded], history: History) -> Iterator[tuple[Plan, dict[str, str]]]:
    for run in runs:
        try:
            theirs = document.decode(run.plan.encode(), f"the plan of run {run.id}")
        except Refused:  # of another format: too old to say anything
            continue
        yield theirs, {e.address: e.state for e in history.journal(run.id)}
