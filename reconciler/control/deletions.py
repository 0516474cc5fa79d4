"""Remove one document import or activation as planned: look again, journal, delete, see it gone from a listing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from reconciler.api.answers import Answer
from reconciler.api.client import Writer
from reconciler.api.presence import Clock
from reconciler.api.write_policy import Seen, Write
from reconciler.api.writes import Done, Failed, Moved, Sight, Unknown, carry_out, eyes
from reconciler.control.listing_cache import ListingCache
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import ResourceChange
from reconciler.model.removal import NO_SUCH_CALL
from reconciler.planning.config import preconditions
from reconciler.planning.config.preconditions import Readiness
from reconciler.planning.config.preconditions import Verdict as Check
from reconciler.planning.requests import needed, request_of


@dataclass(frozen=True, slots=True)
class Deleter:
    """Deletes; deleting twice does no harm, and what is gone already is done (contract 12, 14)."""

    writer: Writer
    listings: ListingCache
    clock: Clock
    settle: float
    note: Callable[..., None]

    def perform(self, change: ResourceChange) -> Outcome:
        """Carry out one deletion; never raises for what the remote did."""
        listing = self.listings.of(change)

        def check(listed: Listed[Any]) -> Check:
            return preconditions.judge(change, listed, self.listings.organisation_id)

        def ended(status: Status, message: str = "", **rest: Any) -> Outcome:
            return Outcome(change.address, status, "delete", message, **rest)

        def gone(row_id: str) -> Callable[[Listed[Any]], Sight[Check]]:
            return lambda listed: _without(row_id, check(listed))

        _, seen = listing(self.clock.now())
        if isinstance(seen, Unlisted):
            return ended(Status.FAILED, seen.reason, stopped=seen.unauthorized)
        left, removed = check(seen), False
        while left.readiness is Readiness.READY:  # each row of it; there may be more than one
            row_id = str(left.row_id)
            path = needed(request_of(change, row_id)).path
            result = carry_out(
                Write.DELETE,
                lambda: self._send(change, row_id),  # noqa: B023 - called in this round only
                eyes(listing, gone(row_id), self.settle, self.clock),
                self.settle,
                self.clock,
                retrying=self.writer.retrying("DELETE", path),
            )
            match result:
                case Done(row=rest):
                    left, removed = rest, True
                case Moved(why=why):
                    return ended(Status.FAILED, f"stale: {why}", refused=True)
                case Failed(message=message, stopped=stopped, status=answered):
                    return ended(Status.FAILED, message, stopped=stopped, answered=answered)
                case Unknown(message=message, stopped=stopped):
                    return ended(Status.UNKNOWN, message, stopped=stopped)
        if left.readiness is Readiness.CHANGED:
            return ended(Status.FAILED, f"stale: {left.why}", refused=True)
        return ended(Status.SUCCEEDED) if removed else ended(Status.UNCHANGED, "already removed")

    def _send(self, change: ResourceChange, row_id: str) -> Answer:
        request = needed(request_of(change, row_id))
        self.note(change.address, "delete", "intent", request=str(request))
        answer = self.writer.send(request.method, request.path, request.body)
        self.note(change.address, "delete", "answered", answer=answer.verdict.value)
        return replace(answer, message=_words(answer, change))


def _without(row_id: str, left: Check) -> Sight[Check]:
    """Whether the row with this id is gone, and what is to be said of the rest."""
    if left.row_id != row_id:
        return Sight(Seen.THERE, row=left)
    return Sight(Seen.CHANGED if left.readiness is Readiness.CHANGED else Seen.NOT_YET, why=left.why)


def _words(answer: Answer, change: ResourceChange) -> str:
    if answer.status != NO_SUCH_CALL:
        return answer.message
    what = "activations" if change.kind == "Activation" else "imports"
    return f"{answer.message}; this platform cannot remove {what}: remove it in the console, or drop it from the spec"
