"""One change against a platform whose rows, answers and time are given: what is sent, and how it ends."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from reconciler.api.client import Writer
from reconciler.api.pacing import Pace
from reconciler.api.presence import Clock
from reconciler.control.changes import Changer
from reconciler.control.deletions import Deleter
from reconciler.control.listing_cache import ListingCache
from reconciler.model.absence import Absence
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import Change, ResourceChange
from reconciler.origin import Origin

ORGANISATION, DATAMART, IDENTITY = "1185", "1509", "2071"
COMPARTMENTS = "/v1/user_account_compartments"
ACTIVATIONS = f"/v1/datamarts/{DATAMART}/compartments"
IMPORTS = f"/v1/datamarts/{DATAMART}/document_imports"
SETTLE = 2.0

Row = dict[str, Any]
Sent = tuple[str, str, Row | None]


# -- a platform by hand ---------------------------------------------------------------------------------------------------


@dataclass
class Platform(httpx.BaseTransport):
    """Rows by collection. A write takes effect as `effects` says, or as the platform would; time passes with each request.

    Attributes:
        answers: the status of each write, in order; 200 once there are no more.
        effects: what each write does to the rows; None, or none left: what a platform does.
        between: what others do to the rows right before a write is answered.
        unreadable: status of each listing, if it cannot be read.
    """

    rows: dict[str, list[Row]]
    answers: list[int] = field(default_factory=list)
    effects: list[Callable[["Platform", Sent], None] | None] = field(default_factory=list)
    unreadable: int | None = None
    sent: list[Sent] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.rows = copy.deepcopy(self.rows)  # the tables' own stay as they are
        self.answers, self.effects = [*self.answers], [*self.effects]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.now += 0.01
        path = request.url.path
        if request.method == "GET":
            if self.unreadable is not None:
                return answer(self.unreadable, {"status": "error", "error": "no"})
            found = self.rows.get(path, [])
            first = int(request.url.params["first_result"])
            data = found[first:]
            page = {"data": data, "count": len(data), "total": len(found), "first_result": first}
            return answer(200, {"status": "ok", **page})
        body = json.loads(request.content) if request.content else None
        wrote: Sent = (request.method, path, body)
        self.sent.append(wrote)
        self.notes.append("request")
        status = self.answers.pop(0) if self.answers else 200
        effect = self.effects.pop(0) if self.effects else None
        stored = (effect or (as_asked if status == 200 else nothing))(self, wrote)
        if status == 200:
            return answer(200, {"status": "ok", "data": stored or {"id": "1"}})
        return answer(status, {"status": "error", "error": "no"})

    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.now += max(seconds, 0.001)

        return Clock(lambda: self.now, sleep, lambda: self.now)

    def note(self, _address: str, _step: str, state: str, **_more: object) -> None:
        self.notes.append(state)


def answer(status: int, content: Row) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(content).encode()))


def as_asked(platform: Platform, wrote: Sent) -> Row:
    """What the contract says a write does; the answer's row."""
    method, path, body = wrote
    if method == "POST":
        row = {"id": str(900 + len(platform.sent)), **(body or {})}
        platform.rows.setdefault(path, []).append(dict(row))
        return row
    collection, _, identity = path.rpartition("/")
    rows = platform.rows[collection]
    row = next(r for r in rows if r["id"] == identity)
    if method == "DELETE":
        rows.remove(row)
    else:
        row.update(body or {})
    return dict(row)


def nothing(_platform: Platform, _wrote: Sent) -> Row:
    return {}


def together(*more: Callable[[Platform, Sent], Any]) -> Callable[[Platform, Sent], Any]:
    """Several things at once; the first one's row."""

    def effect(platform: Platform, wrote: Sent) -> Any:
        first, *_ = [do(platform, wrote) for do in more]
        return first

    return effect


def also(path: str, row: Row) -> Callable[[Platform, Sent], Row]:
    """Somebody else adds a row."""

    def effect(platform: Platform, _wrote: Sent) -> Row:
        platform.rows.setdefault(path, []).append(dict(row))
        return row

    return effect


def becomes(path: str, **fields: object) -> Callable[[Platform, Sent], Row]:
    """Somebody else changes the collection's first row."""

    def effect(platform: Platform, _wrote: Sent) -> Row:
        platform.rows[path][0].update(fields)
        return {}

    return effect


def stores(path: str, **fields: object) -> Callable[[Platform, Sent], Row]:
    """The platform makes a row, but not quite as asked; the answer does not show it."""

    def effect(platform: Platform, wrote: Sent) -> Row:
        row = {**as_asked(platform, wrote), **fields}
        platform.rows[path][-1].update(fields)
        return {"id": row["id"]}

    return effect


# -- changes --------------------------------------------------------------------------------------------------------------


def change(
    kind: str, action: str, before: Row | None, after: Row | None, row: str | None = None
) -> ResourceChange:
    return ResourceChange(
        address=f"{kind}/loyalty" + ("" if kind == "Compartment" else "@retail-fr"),
        kind=kind,
        change=Change(actions=(action,), before=before, after=after),
        reason="",
        remote_id=row,
    )


def shape(name: str = "Loyalty", token: str = "loyalty") -> Row:
    return {"organisation_id": ORGANISATION, "token": token, "name": name}


def compartment(name: str = "Loyalty", token: str = "loyalty", **fields: object) -> Row:
    return {"id": IDENTITY, **shape(name, token), **fields}


def active(identity: str = "914", *, default: bool = False) -> Row:
    return {"id": identity, "datamart_id": DATAMART, "compartment_id": IDENTITY, "default": default}


KEY = {"datamart_id": DATAMART, "compartment_id": IDENTITY}
CREATE = change("Compartment", "create", None, shape())
RENAME = change("Compartment", "update", shape("Old"), shape(), IDENTITY)
ACTIVATE = change("Activation", "create", None, KEY)
ACTIVATE_DEFAULT = change("Activation", "create", None, {**KEY, "default": True})
PROMOTE = change("Activation", "update", {**KEY, "default": False}, {**KEY, "default": True}, "914")

POST: Sent = ("POST", COMPARTMENTS, shape())
PUT: Sent = ("PUT", f"{COMPARTMENTS}/{IDENTITY}", {"name": "Loyalty"})  # the name alone (G10)
ACTIVATED: Sent = ("POST", ACTIVATIONS, KEY)
ACTIVATED_DEFAULT: Sent = ("POST", ACTIVATIONS, {**KEY, "default": True})
PROMOTED: Sent = ("PUT", f"{ACTIVATIONS}/914", {"default": True})

DONE, SAME, FAILED, TWICE, OPEN = (
    Status.SUCCEEDED,
    Status.UNCHANGED,
    Status.FAILED,
    Status.DUPLICATED,
    Status.UNKNOWN,
)


def perform(
    platform: Platform,
    planned: ResourceChange,
    *,
    ids: Mapping[str, str] | None = None,
    settle: float = SETTLE,
) -> Outcome:
    writer = Writer(Origin.parse("https://platform.example"), "api:synthetic", platform, Pace(2))
    clock = platform.clock()
    listings = ListingCache(writer, ORGANISATION, clock)
    absence = Absence(platform.now, settle)
    try:
        if planned.change.actions == ("delete",):
            return Deleter(writer, listings, clock, settle, platform.note).perform(planned)
        changer = Changer(
            writer,
            listings,
            ORGANISATION,
            clock,
            settle,
            lambda _: absence,
            platform.note,
            ids=dict(ids or {}),
        )
        return changer.perform(planned)
    finally:
        writer.close()


def check(
    platform: Platform, planned: ResourceChange, status: Status, sent: list[Sent], message: str
) -> None:
    outcome = perform(platform, planned)
    assert (outcome.status, platform.sent) == (status, sent), outcome.message
    assert message in outcome.message
    assert outcome.refused is outcome.message.startswith("stale: ")  # exit 4, not a failure


@pytest.mark.parametrize(
    ("rows", "status", "sent", "message"),
    [
        ([compartment("Old")], DONE, [PUT], ""),
        # the row moved since the review: nothing goes out
        ([compartment()], SAME, [], "already exists"),
        ([compartment("Third")], FAILED, [], "stale: planned from name 'Old'"),
        ([compartment("Old", "other")], FAILED, [], "stale: planned from token 'loyalty'"),
        ([compartment("Old", organisation_id="7")], FAILED, [], "another organisation"),
        ([], FAILED, [], "no longer exists"),
        # other fields of the row are none of its business
        ([compartment("Old", archived=True)], DONE, [PUT], ""),
        ([{**compartment("Third"), "id": "9"}, compartment("Old")], DONE, [PUT], ""),
    ],
)
def test_a_rename(rows: list[Row], status: Status, sent: list[Sent], message: str) -> None:
    check(Platform({COMPARTMENTS: rows}), RENAME, status, sent, message)


@pytest.mark.parametrize(
    ("answers", "effects", "status", "sent", "message"),
    [
        ([500], [as_asked], DONE, [PUT], ""),
        ([500, 200], [nothing], DONE, [PUT, PUT], ""),
        # a second look comes before a second request
        ([500, 200], [becomes(COMPARTMENTS, name="Third")], FAILED, [PUT], "stale: planned from name 'Old'"),
        ([409], [as_asked], DONE, [PUT], ""),
        ([409], [nothing], FAILED, [PUT], "409"),
        ([500] * 9, [nothing] * 9, FAILED, [PUT] * 4, "tried 4 times"),
        ([200], [nothing], OPEN, [PUT], "no listing showed it"),
        ([200], [lambda p, w: {**as_asked(p, w), "name": "LOYALTY"}], FAILED, [PUT], "stored name 'LOYALTY'"),
        ([401], [nothing], FAILED, [PUT], "401"),
    ],
)  # fmt: skip
def test_answers_to_a_rename(
    answers: list[int], effects: list[Any], status: Status, sent: list[Sent], message: str
) -> None:
    check(Platform({COMPARTMENTS: [compartment("Old")]}, answers, effects), RENAME, status, sent, message)


@pytest.mark.parametrize(
    ("rows", "status", "sent", "message"),
    [
        ([], DONE, [POST], ""),
        ([compartment(token="other")], DONE, [POST], ""),
        ([compartment(organisation_id="7")], DONE, [POST], ""),  # a shared one is never ours by its token
        # what is there is taken only if it is as declared
        ([compartment()], SAME, [], "already exists"),
        ([compartment("Another")], FAILED, [], "stale: planned from no such compartment"),
        ([compartment(), {**compartment(), "id": "9"}], FAILED, [], "is used by the compartments 9 and 2071"),
        ([compartment(token="Loyalty")], FAILED, [], "differs from 'loyalty' only by case or Unicode form"),
    ],
)
def test_a_new_compartment(rows: list[Row], status: Status, sent: list[Sent], message: str) -> None:
    check(Platform({COMPARTMENTS: rows}), CREATE, status, sent, message)


@pytest.mark.parametrize(
    ("answers", "effects", "status", "sent", "message"),
    [
        ([500], [as_asked], DONE, [POST], ""),
        ([500, 200], [nothing], DONE, [POST, POST], ""),
        ([500, 200], [also(COMPARTMENTS, compartment())], DONE, [POST], ""),
        ([200], [together(as_asked, also(COMPARTMENTS, compartment()))], TWICE, [POST], "901 and 2071"),
        ([500], [together(as_asked, also(COMPARTMENTS, compartment()))], TWICE, [POST], "901 and 2071"),
        ([409], [also(COMPARTMENTS, compartment())], DONE, [POST], ""),
        ([200], [lambda p, w: {**as_asked(p, w), "token": "LOYALTY"}], FAILED, [POST], "stored token 'LOYALTY'"),
        ([200], [stores(COMPARTMENTS, token="LOYALTY")], FAILED, [POST], "exists after the request, but compartment"),
        ([500], [also(COMPARTMENTS, compartment("Another"))], FAILED, [POST], "exists after the request, but planned"),
        ([200], [nothing], OPEN, [POST], "no listing showed it"),
    ],
)  # fmt: skip
def test_answers_to_a_new_compartment(
    answers: list[int], effects: list[Any], status: Status, sent: list[Sent], message: str
) -> None:
    check(Platform({COMPARTMENTS: []}, answers, effects), CREATE, status, sent, message)


@pytest.mark.parametrize(
    ("planned", "rows", "status", "sent", "message"),
    [
        (ACTIVATE, [], DONE, [ACTIVATED], ""),
        (ACTIVATE, [{**active(), "compartment_id": "7"}], DONE, [ACTIVATED], ""),
        (ACTIVATE, [active()], SAME, [], "already exists"),
        (ACTIVATE, [active(default=True)], SAME, [], "already exists"),  # a default is never demoted (G10)
        (ACTIVATE_DEFAULT, [], DONE, [ACTIVATED_DEFAULT], ""),
        (ACTIVATE_DEFAULT, [active()], DONE, [PROMOTED], ""),
        (ACTIVATE_DEFAULT, [active(default=True)], SAME, [], "already exists"),
        (PROMOTE, [active()], DONE, [PROMOTED], ""),
        (PROMOTE, [active(default=True)], SAME, [], "already exists"),
        (PROMOTE, [], FAILED, [], "stale: the activation no longer exists"),
        (PROMOTE, [{**active(), "compartment_id": "7"}], FAILED, [], "stale: the activation no longer exists"),
        # of several rows the lowest id; or the default
        (PROMOTE, [active("1000"), active("914")], DONE, [PROMOTED], ""),
        (PROMOTE, [active("914"), active("1000", default=True)], SAME, [], "already exists"),
    ],
)  # fmt: skip
def test_an_activation(
    planned: ResourceChange, rows: list[Row], status: Status, sent: list[Sent], message: str
) -> None:
    check(Platform({ACTIVATIONS: rows}), planned, status, sent, message)


PROMOTED_NEW: Sent = ("PUT", f"{ACTIVATIONS}/901", {"default": True})


@pytest.mark.parametrize(
    ("planned", "answers", "effects", "status", "sent", "message"),
    [
        # it came without being the default, by this request or by the platform itself: it is promoted
        (ACTIVATE_DEFAULT, [], [stores(ACTIVATIONS, default=False)], DONE, [ACTIVATED_DEFAULT, PROMOTED_NEW], ""),
        (ACTIVATE_DEFAULT, [409], [also(ACTIVATIONS, active())], DONE, [ACTIVATED_DEFAULT, PROMOTED], ""),
        (ACTIVATE_DEFAULT, [500], [also(ACTIVATIONS, active())], DONE, [ACTIVATED_DEFAULT, PROMOTED], ""),
        (ACTIVATE_DEFAULT, [500], [also(ACTIVATIONS, active(default=True))], DONE, [ACTIVATED_DEFAULT], ""),
        (ACTIVATE_DEFAULT, [200, 403], [stores(ACTIVATIONS, default=False), nothing], FAILED, [ACTIVATED_DEFAULT, PROMOTED_NEW], "403"),
        (ACTIVATE, [], [stores(ACTIVATIONS, default=True)], DONE, [ACTIVATED], ""),
        (ACTIVATE, [500, 200], [nothing], DONE, [ACTIVATED, ACTIVATED], ""),
        (ACTIVATE, [403], [nothing], FAILED, [ACTIVATED], "403"),
        (ACTIVATE, [200], [nothing], OPEN, [ACTIVATED], "no listing showed it"),
    ],
)  # fmt: skip
def test_answers_to_an_activation(
    planned: ResourceChange,
    answers: list[int],
    effects: list[Any],
    status: Status,
    sent: list[Sent],
    message: str,
) -> None:
    check(Platform({ACTIVATIONS: []}, answers, effects), planned, status, sent, message)


@pytest.mark.parametrize(
    ("answers", "effects", "status", "sent", "message"),
    [
        ([500, 200], [lambda p, _: p.rows[ACTIVATIONS].clear()], FAILED, [PROMOTED], "stale: the activation no longer exists"),
        ([500, 200], [nothing], DONE, [PROMOTED, PROMOTED], ""),
        ([500], [as_asked], DONE, [PROMOTED], ""),
        ([409], [as_asked], DONE, [PROMOTED], ""),
    ],
)  # fmt: skip
def test_answers_to_a_promotion(
    answers: list[int], effects: list[Any], status: Status, sent: list[Sent], message: str
) -> None:
    check(Platform({ACTIVATIONS: [active()]}, answers, effects), PROMOTE, status, sent, message)


def test_a_row_that_is_gone_meanwhile_is_neither_promoted_nor_made_again() -> None:
    platform = Platform({ACTIVATIONS: [active()]}, [500, 200], [lambda p, _: p.rows[ACTIVATIONS].clear()])
    check(platform, ACTIVATE_DEFAULT, FAILED, [PROMOTED], "stale: it no longer exists")


def test_the_id_of_a_compartment_made_in_this_run_is_filled_in() -> None:
    planned = change("Activation", "create", None, {**KEY, "compartment_id": None})
    platform = Platform({ACTIVATIONS: []})
    assert perform(platform, planned, ids={"loyalty": IDENTITY}).status is DONE
    assert platform.sent == [ACTIVATED]
    platform = Platform({ACTIVATIONS: []})
    outcome = perform(platform, planned)
    assert (outcome.status, platform.sent) == (FAILED, [])
    assert "the id of Compartment/loyalty is not known" in outcome.message


def removed(identity: str = "914") -> Sent:
    return ("DELETE", f"{ACTIVATIONS}/{identity}", None)


DEACTIVATE = change("Activation", "delete", KEY, None, "914")
FORGET = change("DocumentImport", "delete", {"id": "5", "name": "rcl1.a", "datamart_id": DATAMART}, None, "5")
FORGOTTEN: Sent = ("DELETE", f"{IMPORTS}/5", None)


@pytest.mark.parametrize(
    ("planned", "rows", "answers", "effects", "status", "sent", "message"),
    [
        (DEACTIVATE, [active()], [], [], DONE, [removed()], ""),
        (DEACTIVATE, [active(), active("1000")], [], [], DONE, [removed(), removed("1000")], ""),
        (DEACTIVATE, [], [], [], SAME, [], "already removed"),
        (DEACTIVATE, [active(default=True)], [], [], FAILED, [], "a default is never removed"),
        (DEACTIVATE, [active(), active("1000", default=True)], [], [], FAILED, [], "a default is never removed"),
        (DEACTIVATE, [active()], [404], [as_asked], DONE, [removed()], ""),
        (DEACTIVATE, [active()], [410], [as_asked], DONE, [removed()], ""),
        (DEACTIVATE, [active()], [404], [nothing], OPEN, [removed()], "404"),
        (DEACTIVATE, [active()], [405], [nothing], FAILED, [removed()], "this platform cannot remove activations"),
        (DEACTIVATE, [active()], [500], [as_asked], DONE, [removed()], ""),
        (DEACTIVATE, [active()], [500, 200], [nothing], DONE, [removed(), removed()], ""),
        # it became the default after the first try
        (DEACTIVATE, [active()], [500, 200], [becomes(ACTIVATIONS, default=True)], FAILED, [removed()], "a default is never removed"),
        (FORGET, [{"id": "5", "name": "rcl1.a"}], [], [], DONE, [FORGOTTEN], ""),
        (FORGET, [{"id": "5", "name": "rcl1.b"}], [], [], FAILED, [], "stale: the id now belongs to an import with another name"),
        (FORGET, [{"id": "6", "name": "rcl1.a"}], [], [], SAME, [], "already removed"),
        (FORGET, [{"id": "5", "name": "rcl1.a"}], [404], [as_asked], DONE, [FORGOTTEN], ""),
        (FORGET, [{"id": "5", "name": "rcl1.a"}], [405], [nothing], FAILED, [FORGOTTEN], "this platform cannot remove imports"),
    ],
)  # fmt: skip
def test_a_removal(
    planned: ResourceChange,
    rows: list[Row],
    answers: list[int],
    effects: list[Any],
    status: Status,
    sent: list[Sent],
    message: str,
) -> None:
    where = ACTIVATIONS if planned.kind == "Activation" else IMPORTS
    check(Platform({where: rows}, answers, effects), planned, status, sent, message)


CHANGES = [CREATE, RENAME, ACTIVATE, ACTIVATE_DEFAULT, PROMOTE, DEACTIVATE, FORGET]


@pytest.mark.parametrize("planned", CHANGES)
@pytest.mark.parametrize("status", [401, 403])
def test_nothing_is_written_on_the_strength_of_a_list_that_cannot_be_read(
    planned: ResourceChange, status: int
) -> None:
    platform = Platform({}, unreadable=status)
    outcome = perform(platform, planned)
    assert (outcome.status, outcome.stopped, platform.sent) == (FAILED, status == 401, [])


@pytest.mark.parametrize("planned", CHANGES)
def test_the_journal_has_the_intent_before_the_request_and_the_answer_after_it(
    planned: ResourceChange,
) -> None:
    rows: dict[str, list[Row]] = {
        COMPARTMENTS: [compartment("Old")] if planned is RENAME else [],
        ACTIVATIONS: [active()] if planned in (PROMOTE, DEACTIVATE) else [],
        IMPORTS: [{"id": "5", "name": "rcl1.a"}],
    }
    platform = Platform(rows)
    perform(platform, planned)
    assert platform.notes == ["intent", "request", "answered"]


@pytest.mark.parametrize("planned", [CREATE, ACTIVATE])
def test_nothing_is_made_before_an_earlier_run_s_write_would_have_shown(planned: ResourceChange) -> None:
    platform = Platform({})
    begun = platform.now
    perform(platform, planned, settle=30.0)
    assert platform.sent
    assert platform.now >= begun + 30.0
