"""Make one resource as planned: check again, journal, write, see it in a listing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.api.answers import Answer, Verdict
from reconciler.api.client import Writer
from reconciler.api.presence import FRESH_S, Clock, prove_absent_or_find
from reconciler.api.write_policy import Seen, Write
from reconciler.api.writes import (
    Done,
    Eyes,
    Failed,
    Moved,
    Result,
    Sight,
    Unknown,
    carry_out,
    eyes,
    finding,
)
from reconciler.control.listing_cache import ListingCache
from reconciler.model.absence import Absence
from reconciler.model.address import Address
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import ResourceChange
from reconciler.planning.config import preconditions
from reconciler.planning.config.preconditions import Readiness
from reconciler.planning.config.preconditions import Verdict as Check
from reconciler.planning.requests import Request, needed, referring_to, refers_to_new, request_of

Note = Callable[..., None]


@dataclass(slots=True)
class Changer:
    """Carries out resource changes.

    Attributes:
        visibility: absence evidence to begin with: from when, and how long, an earlier run's writes could still show.
        single_datamart: id of the organisation's only live datamart, where the platform may activate by itself.
        ids: remote id by compartment key, filled in as they become known.
        created: when this run created a compartment, by its id: an activation may follow by itself until `settle` later.
    """

    writer: Writer
    listings: ListingCache
    organisation_id: str
    clock: Clock
    settle: float
    visibility: Callable[[str], Absence]
    note: Note
    single_datamart: str | None = None
    ids: dict[str, str] = field(default_factory=dict)
    created: dict[str, float] = field(default_factory=dict)

    def perform(self, change: ResourceChange) -> Outcome:
        """Carry out one change; never raises for what the remote did."""
        name = Address.parse(change.address).name
        known = self.ids.get(name)
        if refers_to_new(change):
            if known is None:
                return _outcome(change, Status.FAILED, f"the id of Compartment/{name} is not known")
            change = referring_to(change, known)
        step = change.change.actions[0]
        outcome = self._update(change) if step == "update" else self._create(change)
        if change.kind == "Compartment" and outcome.status in (Status.SUCCEEDED, Status.UNCHANGED):
            self._remember(
                name, str(outcome.remote_id), created=outcome.status is Status.SUCCEEDED and step == "create"
            )
        return outcome

    def _remember(self, name: str, identity: str, *, created: bool) -> None:
        """What changes that refer to a compartment have to know."""
        self.ids[name] = identity
        if created:
            self.created[identity] = self.clock.now()

    def _create(self, change: ResourceChange) -> Outcome:
        """Create what is proven to be absent. What is there already is taken as it is declared, or made so, or refused."""
        fetch = self.listings.of(change)

        def there(listed: Listed[Any]) -> Check | None:
            found = preconditions.judge(change, listed, self.organisation_id)
            return None if found == Check(Readiness.READY) else found

        found = prove_absent_or_find(fetch, there, self._visibility(change), self.clock)
        if isinstance(found, Unlisted):
            return _unread(change, found)
        if found is None:
            result = self._send(
                Write.CREATE,
                change,
                needed(request_of(change)),
                eyes(fetch, finding(there), self.settle, self.clock),
            )
            if not isinstance(result, Done):
                return _from_result(change, result)
            if result.row.readiness is not Readiness.READY:
                return _created(change, result.row)
        elif found.readiness is not Readiness.READY:
            return _as_it_is(change, found)
        return self._update(change)  # there, but not the default: somebody's, or the platform's own

    def _update(self, change: ResourceChange) -> Outcome:
        """Write only if it still is as planned."""
        fetch = self.listings.of(change)

        def check(listed: Listed[Any]) -> Check:
            found = preconditions.judge(change, listed, self.organisation_id)
            gone = found == Check(Readiness.READY)
            return Check(Readiness.CHANGED, why="it no longer exists") if gone else found

        _, listing = fetch(self.clock.now() - FRESH_S)
        if isinstance(listing, Unlisted):
            return _unread(change, listing)
        before = check(listing)
        if before.readiness is not Readiness.READY:
            return _as_it_is(change, before)
        look = eyes(fetch, lambda listed: _sight(check(listed)), self.settle, self.clock)
        result = self._send(Write.UPDATE, change, needed(request_of(change, before.row_id)), look)
        return _from_result(change, result)

    def _visibility(self, change: ResourceChange) -> Absence:
        after = change.change.after or {}
        created = self.created.get(str(after.get("compartment_id")))
        if created is not None and after["datamart_id"] == self.single_datamart:
            return Absence(created, self.settle)
        return self.visibility(change.address)

    def _send(
        self, write: Write, change: ResourceChange, request: Request, look: Eyes[Check]
    ) -> Result[Check]:
        """Send one write; before it and after it the journal says so."""
        step = change.change.actions[0]

        def send() -> Answer:
            self.note(change.address, step, "intent", request=str(request))
            answer = self.writer.send(request.method, request.path, request.body)
            answer = _as_stored(answer, request.body or {})
            self.note(change.address, step, "answered", answer=answer.verdict.value)
            return answer

        return carry_out(
            write,
            send,
            look,
            self.settle,
            self.clock,
            retrying=self.writer.retrying(request.method, request.path),
        )


_SEEN = {Readiness.DONE: Seen.THERE, Readiness.READY: Seen.NOT_YET, Readiness.CHANGED: Seen.CHANGED}


def _sight(check: Check) -> Sight[Check]:
    return Sight(_SEEN[check.readiness], row=check, why=check.why)


def _as_stored(answer: Answer, body: dict[str, Any]) -> Answer:
    """The answer, or ALTERED where the platform says that it stored something else than what was sent."""
    stored = answer.data or {}
    for key, sent in body.items():
        if answer.verdict is Verdict.DONE and key in stored and not _same(stored[key], sent):
            shown = f"the platform stored {key} {stored[key]!r} instead of {sent!r}"
            words = f"{shown} (id {stored.get('id')}); write it in the spec as the platform does"
            return Answer(Verdict.ALTERED, words, answer.data, answer.status)
    return answer


def _same(stored: Any, sent: Any) -> bool:
    """Ids come as numbers or as text (contract 1.8)."""
    if isinstance(stored, bool) or isinstance(sent, bool) or stored is None:
        return stored is None or stored == sent
    return str(stored) == str(sent)


def _outcome(
    change: ResourceChange,
    status: Status,
    message: str,
    *,
    remote_id: str | None = None,
    stopped: bool = False,
    refused: bool = False,
) -> Outcome:
    return Outcome(
        change.address, status, change.change.actions[0], message, remote_id, stopped=stopped, refused=refused
    )


def _unread(change: ResourceChange, unlisted: Unlisted) -> Outcome:
    return _outcome(
        change,
        Status.FAILED,
        f"nothing was written, because the list could not be read: {unlisted.reason}",
        stopped=unlisted.unauthorized,
    )


def _as_it_is(change: ResourceChange, found: Check) -> Outcome:
    """Nothing was written: it is there as it should be, or it moved."""
    if found.readiness is Readiness.DONE:
        return _outcome(change, Status.UNCHANGED, "already exists", remote_id=found.row_id)
    return _outcome(change, Status.FAILED, f"stale: {found.why}", refused=True)


def _created(change: ResourceChange, found: Check) -> Outcome:
    """What a listing shows after a create."""
    if found.twins:
        twins = " and ".join(found.twins)
        return _outcome(change, Status.DUPLICATED, f"created, but two rows now have this token: {twins}")
    if found.readiness is Readiness.CHANGED:
        return _outcome(
            change, Status.FAILED, f"it exists after the request, but {found.why}", remote_id=found.row_id
        )
    return _outcome(change, Status.SUCCEEDED, "", remote_id=found.row_id)


def _from_result(change: ResourceChange, result: Result[Check]) -> Outcome:
    match result:
        case Done(row=found):
            return _outcome(change, Status.SUCCEEDED, "", remote_id=found.row_id)
        case Moved(why=why):
            return _outcome(change, Status.FAILED, f"stale: {why}", refused=True)
        case Failed(message=message, stopped=stopped):
            return _outcome(change, Status.FAILED, message, stopped=stopped)
        case Unknown(message=message, stopped=stopped):
            return _outcome(change, Status.UNKNOWN, message, stopped=stopped)
