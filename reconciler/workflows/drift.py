"""What moved on the remote since the last apply, from what the ledger has of it and a plan of the configuration. Reads only."""

from collections.abc import Iterator

from reconciler.errors import Refused
from reconciler.ledger.history import History
from reconciler.model.plan import Plan
from reconciler.planning.plan import document
from reconciler.planning.plan.drift import audit, with_runs

RUNS = 50  # among so many, the newest, are runs looked for that were cut off


def audited(plan: Plan, history: History) -> Plan:
    """The document of what drifted.

    Raises:
        LedgerFailed: the ledger cannot be read.
    """
    return audit(plan, with_runs(history.baseline(plan.workspace), _interrupted(history, plan.workspace)))


def _interrupted(history: History, workspace: str) -> Iterator[tuple[float, Plan, dict[str, str]]]:
    """Runs that did not come to record what they left, oldest first."""
    for run in reversed([r for r in history.runs(RUNS) if r.state == "running"]):
        try:
            theirs = document.decode(run.plan.encode(), f"the plan of run {run.id}")
        except Refused:  # of another format: too old to say anything
            continue
        if theirs.workspace == workspace:
            yield run.started, theirs, {e.address: e.state for e in history.journal(run.id)}
