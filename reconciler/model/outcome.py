"""What became of one action of a plan."""

from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.load import Reject


class Status(StrEnum):
    """The end of an action; the order is that of severity."""

    SUCCEEDED = "succeeded"
    UNCHANGED = "unchanged"
    SENT = "sent"  # --no-wait: uploaded, not followed
    PARTIAL = "partial"
    SKIPPED = "skipped"
    CANCELED = "canceled"
    FAILED = "failed"
    DUPLICATED = "duplicated"
    UNKNOWN = "unknown"


GOOD = frozenset({Status.SUCCEEDED, Status.UNCHANGED, Status.SENT})
# Dependents may go on: the thing they need is there.
PASSABLE = GOOD | {Status.PARTIAL}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one address.

    Attributes:
        message: why, in words; the remote's own error text where it gave one.
        counts: lines by fate for a load: read, sent, rejected, succeeded, failed, unknown (sent, result unknown), not_processed.
        failed_lines: the first few lines that the remote refused, where it says which.
        stuck: chunks of a load that only `--resend` sends again, where nothing else of it is left; None where that is not so, empty
            where it is not known which they are.
        unplaced: how many more it refused, without saying which.
        locked: somebody else, whom no lock excluded, is doing the same; nothing was sent.
        answered: status of the answer that ended it, of a removal that the platform refused.
        stopped: the remote said 401; no further write may be tried in this run.
    """

    address: str
    status: Status
    action: str
    message: str = ""
    remote_id: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    failed_lines: tuple[Reject, ...] = ()
    unplaced: int = 0
    stuck: tuple[int, ...] | None = None
    answered: int | None = None
    stopped: bool = False
    refused: bool = False
    locked: bool = False
