"""Remove one document import or activation as planned: look again, journal, delete, see it gone from a listing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.api.answers import Answer, Verdict
from reconciler.api.client import Writer
from reconciler.api.presence import Clock, Fetch, wait_until_visible
from reconciler.api.writes import TRIES, pause_before_retry
from reconciler.control.listing_cache import ListingCache
from reconciler.kinds import paths
from reconciler.model.listing import Unlisted
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import ResourceChange
from reconciler.planning.config import preconditions
from reconciler.planning.config.preconditions import Readiness
from reconciler.planning.config.preconditions import Verdict as Check

GONE, NO_SUCH_CALL = 404, 405


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
        outcome = self._delete(change)
        self.note(change.address, "delete", outcome.status.value)
        return outcome

    def _delete(self, change: ResourceChange) -> Outcome:
        listing, check, path = self._subject(change)

        def ended(
            status: Status, message: str = "", *, stopped: bool = False, refused: bool = False
        ) -> Outcome:
            return Outcome(change.address, status, "delete", message, stopped=stopped, refused=refused)

        def fetch() -> Check | Unlisted:
            _, seen = listing(self.clock.now())
            return seen if isinstance(seen, Unlisted) else check(seen.rows)

        tried, removed, message = 0, False, ""
        verdict = fetch()
        while True:
            if isinstance(verdict, Unlisted):
                status = Status.UNKNOWN if tried else Status.FAILED
                return ended(status, verdict.reason, stopped=verdict.unauthorized)
            if verdict.readiness is Readiness.DONE:
                return (
                    ended(Status.SUCCEEDED)
                    if tried or removed
                    else ended(Status.UNCHANGED, "already removed")
                )
            if verdict.readiness is Readiness.CHANGED:
                return ended(Status.FAILED, f"stale: {verdict.why}", refused=True)
            if tried >= TRIES:
                return ended(Status.FAILED, message)
            answer = self._send(change, path(str(verdict.row_id)))
            tried, message = tried + 1, _words(answer, change)
            if answer.verdict in (Verdict.UNAUTHORIZED, Verdict.REFUSED) and answer.status != GONE:
                return ended(Status.FAILED, message, stopped=answer.verdict is Verdict.UNAUTHORIZED)
            left = wait_until_visible(listing, _without(verdict.row_id, check), self.settle, self.clock)
            if isinstance(left, Check):  # that row is gone; there may be another
                tried, removed, verdict = 0, True, left
                continue
            if answer.verdict in (Verdict.REFUSED, Verdict.CONFLICT):
                return ended(Status.FAILED, message)
            self.clock.sleep(pause_before_retry(answer, tried))
            verdict = fetch()

    def _subject(
        self, change: ResourceChange
    ) -> tuple[Fetch[Any], Callable[[tuple[Any, ...]], Check], Callable[[str], str]]:
        """Where to see what is to go, how to judge what is seen, and where one of it is."""
        before = change.change.before or {}
        datamart_id = str(before["datamart_id"])
        if change.kind == "Activation":
            return (
                self.listings.activations(datamart_id),
                lambda rows: preconditions.removal(
                    [r for r in rows if r.compartment_id == before["compartment_id"]]
                ),
                lambda row_id: paths.activation(datamart_id, row_id),
            )
        return (
            self.listings.imports(datamart_id),
            lambda rows: preconditions.document_import(
                change, next((r for r in rows if r.id == change.remote_id), None)
            ),
            lambda row_id: paths.document_import(datamart_id, row_id),
        )

    def _send(self, change: ResourceChange, path: str) -> Answer:
        self.note(change.address, "delete", "intent")
        answer = self.writer.send("DELETE", path, None)
        self.note(change.address, "delete", "answered", answer=answer.verdict.value)
        return answer


def _without(
    row_id: str | None, check: Callable[[tuple[Any, ...]], Check]
) -> Callable[[tuple[Any, ...]], Check | None]:
    """What is to be said of the rest once a row is not shown any more; None while it is."""
    return lambda rows: found if (found := check(rows)).row_id != row_id else None


def _words(answer: Answer, change: ResourceChange) -> str:
    if answer.status != NO_SUCH_CALL:
        return answer.message
    what = "activations" if change.kind == "Activation" else "imports"
    return f"{answer.message}; this platform cannot remove {what}: remove it in the console, or drop it from the spec"
