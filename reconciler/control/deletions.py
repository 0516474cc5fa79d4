"""Delete one document import as planned: look again, journal, delete, see it gone from a listing."""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.api import resources
from reconciler.api.answers import Verdict
from reconciler.api.client import Writer
from reconciler.api.presence import Clock, confirm, direct
from reconciler.api.writes import TRIES, pause_before_retry
from reconciler.kinds import paths
from reconciler.model.listing import Listing, Unlisted
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Import
from reconciler.planning import preconditions
from reconciler.planning.preconditions import Now


@dataclass(frozen=True, slots=True)
class Deleter:
    """Deletes imports; deleting twice does no harm, and what is gone already is done (contract 12, 14)."""

    writer: Writer
    clock: Clock
    settle: float
    note: Callable[..., None]

    def perform(self, change: ResourceChange) -> Outcome:
        """Carry out one deletion; never raises for what the remote did."""
        outcome = self._delete(change)
        self.note(change.address, "delete", outcome.status.value)
        return outcome

    def _delete(self, change: ResourceChange) -> Outcome:
        datamart_id, identity = str((change.change.before or {})["datamart_id"]), str(change.remote_id)

        def listing() -> Listing[Import]:
            return resources.imports(self.writer, datamart_id)

        def row(rows: tuple[Import, ...]) -> Import | None:
            return next((r for r in rows if r.id == identity), None)

        tried, message = 0, ""
        while True:
            seen = listing()
            if isinstance(seen, Unlisted):
                status = Status.UNKNOWN if tried else Status.FAILED
                return Outcome(change.address, status, "delete", seen.reason, stopped=seen.unauthorized)
            verdict = preconditions.document_import(change, row(seen.rows))
            if verdict.now is Now.DONE:
                status = Status.SUCCEEDED if tried else Status.UNCHANGED
                return Outcome(change.address, status, "delete", "" if tried else "gone already")
            if verdict.now is Now.MOVED:
                return Outcome(change.address, Status.FAILED, "delete", verdict.why, refused=True)
            if tried >= TRIES:
                return Outcome(change.address, Status.FAILED, "delete", message)
            self.note(change.address, "delete", "intent")
            answer = self.writer.send("DELETE", paths.document_import(datamart_id, identity), None)
            self.note(change.address, "delete", "answered", answer=answer.verdict.value)
            tried += 1
            message = answer.message
            if answer.verdict is Verdict.UNAUTHORIZED:
                return Outcome(change.address, Status.FAILED, "delete", message, stopped=True)
            gone = confirm(
                direct(listing, self.clock),
                lambda rows: True if row(rows) is None else None,
                self.settle,
                self.clock,
            )
            if gone is True:
                return Outcome(change.address, Status.SUCCEEDED, "delete")
            if answer.verdict in (Verdict.REFUSED, Verdict.CONFLICT):
                return Outcome(change.address, Status.FAILED, "delete", message)
            self.clock.sleep(pause_before_retry(answer, tried))
