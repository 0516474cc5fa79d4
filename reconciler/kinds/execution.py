"""States of an execution (contract 6.3), as a table."""

from enum import StrEnum

from reconciler.model.remote import Execution


class Phase(StrEnum):
    """What a status means for us."""

    PENDING = "pending"
    LIVE = "live"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELED = "canceled"


# Statuses never seen are taken as in progress until the deadline (contract 12, 25).
PHASES: dict[str, Phase] = {
    "WAITING_DEPENDENT_JOB": Phase.LIVE,
    "SCHEDULED": Phase.LIVE,
    "PENDING": Phase.PENDING,
    "RUNNING": Phase.LIVE,
    "EXECUTOR_NOT_RESPONDING": Phase.LIVE,
    "SUCCEEDED": Phase.SUCCEEDED,
    "SUCCESS": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "LOST": Phase.FAILED,
    "CANCELED": Phase.CANCELED,
}

TERMINAL = frozenset({Phase.SUCCEEDED, Phase.PARTIAL, Phase.FAILED, Phase.CANCELED})


def phase(execution: Execution) -> Phase:
    """Classify one execution; success with failed lines is PARTIAL, an outcome of its own (contract 6.3)."""
    found = PHASES.get(execution.status, Phase.LIVE)
    if found is Phase.SUCCEEDED and (execution.total_failure or 0) > 0:
        return Phase.PARTIAL
    return found
