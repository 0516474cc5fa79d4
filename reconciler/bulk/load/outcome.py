"""What a load came to, as the report has it: its status, counts and words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.bulk.load.listings import LoadStopped
from reconciler.bulk.load.results.collect import Aftermath
from reconciler.kinds.counts import many
from reconciler.model.load import Scan
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange
from reconciler.planning.loads import protocol
from reconciler.planning.loads.outcome_findings import chunks_named, unsent_words
from reconciler.planning.loads.protocol import LoadView

# Refused lines that are named in reports; the journal has more, and `source retry` finds all of them.
SHOWN_FAILURES = 10
_OF_CHUNK = re.compile(r"chunk (\d+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the steps of a load ended.

    Attributes:
        totals: lines that succeeded and that failed, where an earlier run ended the load.
    """

    status: Status
    message: str
    stopped: bool = False
    refused: bool = False
    locked: bool = False
    totals: tuple[int, int] | None = None


def in_order(errors: Iterable[str]) -> str:
    """What is said of a load and of its chunks, in the order of the chunks, whichever ended first; what is said of several is said once."""
    of_load, of_chunks = dict[str, None](), dict[str, set[int]]()
    for words in errors:
        if found := _OF_CHUNK.fullmatch(words):
            of_chunks.setdefault(found[2], set()).add(int(found[1]))
        else:
            of_load[words] = None
    ordered = sorted(of_chunks.items(), key=lambda said: min(said[1]))
    return "; ".join([*of_load, *(f"{chunks_named(sorted(numbers))}{words}" for words, numbers in ordered)])


def stopped_by(stop: LoadStopped) -> Ended:
    """It ended by stopping."""
    return Ended(stop.status, str(stop), stop.stopped, stop.refused, stop.locked, stop.totals)


def outcome_of(
    change: LoadChange, ended: Ended, view: LoadView, scan: Scan | None, after: Aftermath | None
) -> Outcome:
    """The outcome of a load.

    Args:
        change: from the plan.
        ended: how its steps ended.
        view: what was seen of it.
        scan: what was read of its source, if it was.
        after: what was looked at after its executions, if it came so far.
    """
    status, message = ended.status, ended.message
    if any(c.unclear and not c.executions for c in view.chunks):
        status = Status.UNKNOWN  # whatever else ended this load, a write of it may still be on its way
    if old := change.unfinished.get("superseded_generation"):
        gone = f"load {old} was superseded: {unsent_words(change.unfinished)}"
        message = f"{message}; {gone}" if message else gone
    counts: dict[str, int] = {}
    if scan is not None:
        sent = sum(c.lines for c in view.chunks if c.executions)
        ok, failed = ended.totals or protocol.totals(view)
        unknown = 0 if ended.totals else protocol.result_unknown(view)
        counts = {
            "read": scan.lines,
            "rejected": scan.rejected,
            "sent": sent,
            "succeeded": ok,
            "failed": failed,
            "unknown": unknown,
            "not_processed": max(0, scan.lines + scan.removed - scan.unchanged - ok - failed - unknown),
            **({"unchanged": scan.unchanged} if scan.unchanged else {}),
            **({"gone": scan.removed} if scan.removed else {}),
            **(after.verified if after else {}),
        }
        if status is Status.SUCCEEDED and counts.get("differing"):
            status = Status.PARTIAL
        dropped = sent - ok - failed - unknown
        if status is Status.SUCCEEDED and dropped > 0:
            status = Status.PARTIAL
            message = f"the platform accounts for {many(dropped, 'command')} as neither accepted nor failed"
        if status is Status.PARTIAL and not message:
            message = f"{failed:,} of {many(scan.sent, 'command')} failed"
    return Outcome(
        change.address,
        status,
        change.actions[0],
        message,
        counts=counts,
        failed_lines=tuple(after.failed[:SHOWN_FAILURES]) if after else (),
        unplaced=after.unplaced if after else 0,
        stuck=(protocol.only_resent(view, replay_safe=scan.replay_safe) or None) if scan else None,
        stopped=ended.stopped,
        refused=ended.refused,
        locked=ended.locked,
    )
