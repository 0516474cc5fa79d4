"""Make one compartment or activation as planned: check again, journal, write, see it in a listing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.api.answers import Answer, Verdict
from reconciler.api.client import Writer
from reconciler.api.presence import FRESH_S, Clock, Fetch, prove_absent_or_find
from reconciler.api.write_policy import Seen, Write
from reconciler.api.writes import (
    Done,
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
from reconciler.model.listing import Listing, Unlisted
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Activation, Compartment
from reconciler.planning.config import lookup, preconditions
from reconciler.planning.config.preconditions import Readiness
from reconciler.planning.config.preconditions import Verdict as Check
from reconciler.planning.requests import Request, activation_request, needed, promotion, request_of

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
        address = Address.parse(change.address)
        outcome = (
            self._compartment(change, address)
            if change.kind == "Compartment"
            else self._activation(change, address)
        )
        if outcome.action != "no-op":
            self.note(change.address, outcome.action, outcome.status.value)
        return outcome

    # -- compartments ---------------------------------------------------------------------------------------------

    def _compartment(self, change: ResourceChange, address: Address) -> Outcome:
        after = change.change.after or {}

        fetch = self.listings.compartments()

        def find(rows: tuple[Compartment, ...]) -> Compartment | lookup.Ambiguous | None:
            token = str(after.get("token"))
            exact = lookup.compartment(rows, self.organisation_id, token, change.remote_id)
            return exact or lookup.similar(rows, self.organisation_id, token)

        if change.remote_id is not None:
            return self._rename(change, address)
        found = prove_absent_or_find(fetch, find, self.visibility(change.address), self.clock)
        if isinstance(found, Unlisted):
            return _unread(change, found)
        if isinstance(found, lookup.Ambiguous):
            return _outcome(
                change,
                Status.FAILED,
                f"the token is used by the compartments {' and '.join(found.ids)}",
                refused=True,
            )
        if isinstance(found, Compartment) and found.token != after["token"]:
            words = lookup.similar_words(found, after["token"])
            return _outcome(change, Status.FAILED, f"{words}; nothing was created", refused=True)
        if isinstance(found, Compartment):
            return self._adopt(change, address, preconditions.compartment(change, found))
        result = self._create(change, needed(request_of(change)), fetch, find)
        if isinstance(result, Done) and isinstance(result.row, Compartment):
            if result.row.token != after["token"]:
                words = f"created, but {lookup.similar_words(result.row, after['token'])}"
                return _outcome(change, Status.FAILED, words, remote_id=result.row.id)
            self.ids[address.name] = result.row.id
            self.created[result.row.id] = self.clock.now()
        return _from_result(change, result)

    def _adopt(self, change: ResourceChange, address: Address, check: Check) -> Outcome:
        """Something is there where nothing was planned to be: ours from before, or somebody else's."""
        if check.readiness is Readiness.DONE and check.row_id is not None:
            self.ids[address.name] = check.row_id
            return _outcome(change, Status.UNCHANGED, "already exists", remote_id=check.row_id)
        return _outcome(change, Status.FAILED, f"stale: {check.why}", refused=True)

    def _rename(self, change: ResourceChange, address: Address) -> Outcome:
        assert change.remote_id is not None  # noqa: S101 - the caller's case
        identity = change.remote_id
        self.ids[address.name] = identity
        if change.change.actions == ("no-op",):
            return _outcome(change, Status.UNCHANGED, "")
        return self._put(
            change,
            needed(request_of(change)),
            self.listings.compartments(),
            lambda rows: preconditions.compartment(change, next((r for r in rows if r.id == identity), None)),
        )

    # -- activations ----------------------------------------------------------------------------------------------

    def _activation(self, change: ResourceChange, address: Address) -> Outcome:
        after = change.change.after or {}
        datamart_id = after["datamart_id"]
        compartment_id = after.get("compartment_id") or self.ids.get(address.name)
        if compartment_id is None:
            return _outcome(change, Status.FAILED, f"the id of Compartment/{address.name} is not known")
        self.ids.setdefault(address.name, compartment_id)
        if change.change.actions == ("no-op",):
            return _outcome(change, Status.UNCHANGED, "")

        fetch = self.listings.activations(datamart_id)

        def find(rows: tuple[Activation, ...]) -> Activation | None:
            return lookup.activation(rows, compartment_id)[0]

        if change.change.actions == ("update",):
            found: Activation | Unlisted | None = _first(fetch(self.clock.now() - FRESH_S)[1], find)
            if found is None:
                return _outcome(change, Status.FAILED, "stale: the activation no longer exists", refused=True)
        else:
            found = prove_absent_or_find(
                fetch, find, self._activation_visibility(change, datamart_id, compartment_id), self.clock
            )
        if isinstance(found, Unlisted):
            return _unread(change, found)
        if found is None:
            request = activation_request(after, compartment_id)
            result = self._create(change, request, fetch, find)
            if not (
                isinstance(result, Done)
                and isinstance(result.row, Activation)
                and preconditions.activation(change, result.row).readiness is Readiness.READY
            ):
                return _from_result(change, result)
            found = result.row  # there, but not the default: somebody's, or the platform's own; promote it
        if preconditions.activation(change, found).readiness is Readiness.DONE:
            return _outcome(change, Status.UNCHANGED, "already exists", remote_id=found.id)
        return self._put(
            change,
            promotion(datamart_id, found.id),
            fetch,
            lambda rows: preconditions.activation(change, find(rows)),
        )

    def _activation_visibility(
        self, change: ResourceChange, datamart_id: str, compartment_id: str
    ) -> Absence:
        created = self.created.get(compartment_id)
        if created is not None and datamart_id == self.single_datamart:
            return Absence(created, self.settle)
        return self.visibility(change.address)

    # -- writes ---------------------------------------------------------------------------------------------------

    def _send(self, change: ResourceChange, request: Request) -> Answer:
        """Send one write; before it and after it the journal says so."""
        step = change.change.actions[0]
        self.note(change.address, step, "intent", request=str(request))
        answer = _as_stored(self.writer.send(request.method, request.path, request.body), request.body or {})
        self.note(change.address, step, "answered", answer=answer.verdict.value)
        return answer

    def _create(
        self,
        change: ResourceChange,
        request: Request,
        fetch: Fetch[Any],
        find: Callable[[tuple[Any, ...]], Any],
    ) -> Result[Any]:
        look = eyes(fetch, finding(find), self.settle, self.clock)
        send = lambda: self._send(change, request)  # noqa: E731
        return carry_out(
            Write.CREATE,
            send,
            look,
            self.settle,
            self.clock,
            retrying=self.writer.retrying(request.method, request.path),
        )

    def _put(
        self,
        change: ResourceChange,
        request: Request,
        fetch: Fetch[Any],
        check: Callable[[tuple[Any, ...]], Check],
    ) -> Outcome:
        """Write only if it still is as planned."""
        _, rows = fetch(self.clock.now() - FRESH_S)
        if isinstance(rows, Unlisted):
            return _unread(change, rows)
        before = check(rows.rows)
        if before.readiness is Readiness.DONE:
            return _outcome(change, Status.UNCHANGED, "already exists", remote_id=before.row_id)
        if before.readiness is Readiness.CHANGED:
            return _from_result(change, Moved(before.why))
        look = eyes(fetch, lambda rows: _sight(check(rows)), self.settle, self.clock)
        send = lambda: self._send(change, request)  # noqa: E731
        return _from_result(
            change,
            carry_out(
                Write.UPDATE,
                send,
                look,
                self.settle,
                self.clock,
                retrying=self.writer.retrying(request.method, request.path),
            ),
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


def _first(
    listing: Listing[Activation], find: Callable[[tuple[Activation, ...]], Activation | None]
) -> Activation | Unlisted | None:
    return listing if isinstance(listing, Unlisted) else find(listing.rows)


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


def _from_result(change: ResourceChange, result: Result[Any]) -> Outcome:
    match result:
        case Done(row=lookup.Ambiguous(ids=ids)):
            return _outcome(
                change, Status.DUPLICATED, f"created, but two rows now have this token: {' and '.join(ids)}"
            )
        case Done(row=Check(row_id=row_id)):
            return _outcome(change, Status.SUCCEEDED, "", remote_id=row_id)
        case Done(row=row):
            return _outcome(change, Status.SUCCEEDED, "", remote_id=row.id)
        case Moved(why=why):
            return _outcome(change, Status.FAILED, f"stale: {why}", refused=True)
        case Failed(message=message, stopped=stopped):
            return _outcome(change, Status.FAILED, message, stopped=stopped)
        case Unknown(message=message, stopped=stopped):
            return _outcome(change, Status.UNKNOWN, message, stopped=stopped)
