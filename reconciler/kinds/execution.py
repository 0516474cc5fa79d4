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


def ending(execution: Execution) -> str:
    """How an execution ended badly, to be put behind its chunk's number; empty where there is nothing to say.

    A status that ends badly is one of the table's own words; the reason is the platform's.
    """
    bad = phase(execution) in (Phase.FAILED, Phase.CANCELED)
    ended = f" ended {execution.status}" if bad else ""
    return f"{ended}: {execution.error}" if execution.error else ended


def phase(execution: Execution) -> Phase:
    """Classify one execution; success with failed lines is PARTIAL, an outcome of its own (contract 6.3)."""
    found = PHASES.get(execution.status, Phase.LIVE)
    if found is Phase.SUCCEEDED and (execution.total_failure or 0) > 0:
        return Phase.PARTIAL
    return found
