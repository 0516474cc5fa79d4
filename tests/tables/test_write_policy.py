"""What follows from each answer to each kind of write, as a table; and the loop that goes by it, with a scripted platform."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.api.answers import MAX_RETRY_AFTER_S, Answer, Verdict, classify, retry_after_s
from reconciler.api.presence import Clock, direct
from reconciler.api.vocabulary import known_words
from reconciler.api.write_policy import (
    MAX_LATER,
    MAX_UNCLEAR,
    Seen,
    Step,
    Tries,
    Write,
    after_answer,
    after_look,
    pause_s,
)
from reconciler.api.writes import Done, Failed, Moved, Result, Sight, Unknown, carry_out, eyes
from reconciler.model.absence import LISTINGS, Absence
from reconciler.model.listing import Listed, Listing, Unlisted

BODY = b'{"status":"error","error":"no"}'
CONTENT = (400, 422)
SITUATION = (
    402,
    403,
    404,
    405,
    406,
    407,
    410,
    411,
    412,
    413,
    414,
    415,
    416,
    417,
    418,
    423,
    424,
    426,
    428,
    431,
    451,
)
UNCLEAR = (*range(300, 309), 408, 500, 501, 502, 503, 504, 599)

# By status: the step after the first such answer to a create, an update, a delete and an upload.
C, OB, ONCE, F, S = Step.CONFIRM, Step.OBSERVE, Step.OBSERVE_ONCE, Step.FAIL, Step.SEND
TABLE: dict[int, tuple[Step, Step, Step, Step]] = {
    200: (C, C, C, C),
    **dict.fromkeys(CONTENT, (ONCE, ONCE, ONCE, F)),
    **dict.fromkeys(SITUATION, (ONCE, ONCE, ONCE, F)),
    404: (ONCE, ONCE, C, F),
    410: (ONCE, ONCE, C, F),
    401: (F, F, F, F),
    409: (OB, OB, OB, OB),
    425: (S, ONCE, ONCE, S),
    429: (S, ONCE, ONCE, S),
    **dict.fromkeys(UNCLEAR, (OB, ONCE, ONCE, OB)),
}


@pytest.mark.parametrize("status", sorted(TABLE))
def test_the_step_after_each_status_for_each_write(status: int) -> None:
    body = b'{"status":"ok","data":{"id":"1"}}' if status == 200 else BODY
    answer = classify(status, body)
    found = tuple(after_answer(w, answer, Tries().count(answer.verdict)) for w in Write)
    assert found == TABLE[status]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 415, 422, 423, 425, 451])
def test_a_refusal_in_a_foreign_form_proves_nothing(status: int) -> None:
    assert classify(status, b"<html>").verdict is Verdict.UNCLEAR


@pytest.mark.parametrize("status", [425, 429])
@pytest.mark.parametrize(("all_left", "verdict"), [(False, Verdict.LATER), (True, Verdict.UNCLEAR)])
def test_later_after_the_last_block_has_left_is_unclear(
    status: int, all_left: bool, verdict: Verdict
) -> None:
    assert classify(status, BODY, all_left=all_left).verdict is verdict


CERTAIN = (Verdict.ALTERED, Verdict.CONTENT, Verdict.SITUATION, Verdict.UNAUTHORIZED, Verdict.WITHHELD)


@pytest.mark.parametrize(("write", "verdict"), list(itertools.product(Write, Verdict)))
def test_the_step_after_each_look(write: Write, verdict: Verdict) -> None:
    few, many = Tries(1, 1), Tries(MAX_UNCLEAR, MAX_LATER)
    for tries in (few, many):
        assert after_look(write, verdict, Seen.THERE, tries) is Step.SUCCEED
        assert after_look(write, verdict, Seen.CHANGED, tries) is Step.GIVE_WAY
        unread = after_look(write, verdict, Seen.UNREADABLE, tries)
        assert unread is (Step.FAIL if verdict in (*CERTAIN, Verdict.LATER) else Step.UNSETTLED)
    again = {Verdict.UNCLEAR: Step.SEND, Verdict.LATER: Step.SEND}.get(verdict, Step.FAIL)
    assert after_look(write, verdict, Seen.NOT_YET, few) is again
    last = {Verdict.UNCLEAR: Step.UNSETTLED if write is Write.UPLOAD else Step.FAIL, Verdict.LATER: Step.SEND}
    assert after_look(write, verdict, Seen.NOT_YET, many) is last.get(verdict, Step.FAIL)


@pytest.mark.parametrize("unclear", [1, MAX_UNCLEAR - 1, MAX_UNCLEAR, MAX_UNCLEAR + 1])
@pytest.mark.parametrize("write", list(Write))
def test_after_the_last_unclear_answer_a_whole_look_is_taken(write: Write, unclear: int) -> None:
    quick = write in (Write.UPDATE, Write.DELETE) and unclear < MAX_UNCLEAR
    found = after_answer(write, Answer(Verdict.UNCLEAR, ""), Tries(unclear))
    assert found is (Step.OBSERVE_ONCE if quick else Step.OBSERVE)


def test_pauses_grow_and_are_bounded_and_the_platform_is_listened_to() -> None:
    pauses = [pause_s(Answer(Verdict.UNCLEAR, ""), Tries(n)) for n in range(12)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10.0
    assert [p / pauses[0] for p in pauses[:4]] == [1, 2, 4, 8]
    assert pause_s(Answer(Verdict.UNCLEAR, ""), Tries(1, 1)) == pauses[2]  # both kinds of answer count
    assert pause_s(Answer(Verdict.LATER, "", None, 429, 7.0), Tries(0, 3)) == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("60", 60.0),
        ("61", MAX_RETRY_AFTER_S),
        ("999999999", MAX_RETRY_AFTER_S),
        ("9" * 400, None),
        ("-1", None),
        ("1e9", None),
        ("nan", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_and_capped(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds
    assert classify(429, b"", value).retry_after == seconds


def test_a_long_word_is_masked() -> None:
    assert known_words(f"value {'a1B2' * 6} not found") == "value … not found"


# -- the loop, with a scripted platform -----------------------------------------------------------------------------------


@dataclass
class Platform:
    """One field, answers by script, time by hand. A script's word: a status, with `!` where the write took effect."""

    script: list[str]
    value: str | None = None
    lag: float = 0.0
    unreadable: bool = False
    sent: list[float] = field(default_factory=list)
    looked: list[float] = field(default_factory=list)
    now: float = 1000.0
    shows_at: float = 0.0
    seen: str | None = None

    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.now += max(seconds, 0.001)

        return Clock(lambda: self.now, sleep, lambda: self.now)

    def send(self) -> Answer:
        self.sent.append(self.now)
        word = self.script.pop(0) if self.script else "500"
        self.now += 0.01
        if word.endswith("!"):
            self.value, self.shows_at = "new", self.now + self.lag
        status = int(word.strip("!~"))
        if word.endswith("~"):
            return classify(200, b'{"status":"error","error":"no","data":{"id":"1"}}')
        return classify(status, b'{"status":"ok","data":{"id":"1"}}' if status == 200 else BODY)

    def list(self) -> Listing[str]:
        self.looked.append(self.now)
        self.now += 0.01
        if self.unreadable:
            return Unlisted("500")
        if self.now >= self.shows_at:
            self.seen = self.value
        return Listed((self.seen,) if self.seen else ())


def judge(write: Write) -> Callable[[Listed[str]], Sight[str]]:
    def of(listed: Listed[str]) -> Sight[str]:
        rows = listed.rows
        if "foreign" in rows:
            return Sight(Seen.CHANGED, why="foreign")
        if write is Write.DELETE:
            return Sight(Seen.NOT_YET if "old" in rows else Seen.THERE, row="gone")
        return Sight(Seen.THERE, row="new") if "new" in rows else Sight(Seen.NOT_YET)

    return of


def run(platform: Platform, write: Write, settle: float = 2.0) -> Result[str]:
    clock = platform.clock()
    platform.seen = platform.value
    look = eyes(direct(platform.list, clock), judge(write), settle, clock)
    return carry_out(write, platform.send, look, settle, clock)


def outcome(result: Result[Any]) -> str:
    return type(result).__name__


ROWS: list[tuple[str, Write, str, int]] = [
    # script, write, outcome, requests sent
    ("200!", Write.CREATE, "Done", 1),
    ("200", Write.CREATE, "Unknown", 1),  # said to be done, and never shown
    ("200~ 200!", Write.CREATE, "Done", 2),  # `status: error` in a 200 is not done
    ("200~ 200!", Write.UPDATE, "Done", 2),
    ("500!", Write.CREATE, "Done", 1),
    ("500 500 200!", Write.CREATE, "Done", 3),
    ("500 500 500 500 200!", Write.CREATE, "Failed", MAX_UNCLEAR),  # not for ever
    ("500 500 500 500 200!", Write.UPDATE, "Failed", MAX_UNCLEAR),
    ("500 500 500 500 200!", Write.UPLOAD, "Unknown", MAX_UNCLEAR),
    ("500!", Write.UPDATE, "Done", 1),
    ("409!", Write.CREATE, "Done", 1),
    ("409!", Write.UPDATE, "Done", 1),  # it took effect, and is answered 409
    ("409", Write.UPDATE, "Failed", 1),
    ("409", Write.CREATE, "Failed", 1),
    ("400!", Write.CREATE, "Done", 1),  # there already
    ("422", Write.CREATE, "Failed", 1),
    ("422", Write.UPLOAD, "Failed", 1),
    ("403", Write.UPDATE, "Failed", 1),
    ("401", Write.CREATE, "Failed", 1),
    ("401", Write.UPDATE, "Failed", 1),
    *(
        (" ".join(["429"] * (MAX_LATER - 1)) + " 200!", w, "Done", MAX_LATER)
        for w in (Write.CREATE, Write.UPDATE)
    ),
    *((" ".join(["429"] * 20), w, "Failed", MAX_LATER) for w in Write if w is not Write.DELETE),
    *((" ".join(["425"] * 20), w, "Failed", MAX_LATER) for w in Write if w is not Write.DELETE),
]


@pytest.mark.parametrize(("script", "write", "expected", "sent"), ROWS)
def test_a_script_of_answers(script: str, write: Write, expected: str, sent: int) -> None:
    platform = Platform(script.split())
    assert (outcome(run(platform, write)), len(platform.sent)) == (expected, sent)


@pytest.mark.parametrize(
    ("script", "expected", "sent"),
    [
        ("200!", "Done", 1),
        ("404!", "Done", 1),  # gone already is no failure
        ("410!", "Done", 1),
        ("404", "Unknown", 1),  # said to be gone, and still shown
        ("405", "Failed", 1),
        ("500!", "Done", 1),
        ("500 404!", "Done", 2),
        (" ".join(["429"] * (MAX_LATER - 1)) + " 200!", "Done", MAX_LATER),
        (" ".join(["429"] * 20), "Failed", MAX_LATER),
    ],
)
def test_a_script_of_answers_to_a_delete(script: str, expected: str, sent: int) -> None:
    platform = Platform(script.split(), value="old")
    assert (outcome(run(platform, Write.DELETE)), len(platform.sent)) == (expected, sent)


@pytest.mark.parametrize("write", [Write.UPDATE, Write.DELETE])
@pytest.mark.parametrize("first", ["500", "429", "200~"])
def test_nothing_goes_out_again_once_another_changed_it(write: Write, first: str) -> None:
    platform = Platform([first, "200!"], value="foreign")
    assert isinstance(run(platform, write), Moved)
    assert len(platform.sent) == 1


@pytest.mark.parametrize(
    ("script", "write", "expected"),
    [
        ("500", Write.CREATE, Unknown),
        ("500", Write.UPLOAD, Unknown),
        ("500", Write.UPDATE, Unknown),
        ("409", Write.CREATE, Unknown),
        ("200!", Write.CREATE, Unknown),
        ("422", Write.CREATE, Failed),  # certain, whatever the list says
        ("429", Write.UPDATE, Failed),
    ],
)
def test_a_list_that_cannot_be_read_settles_nothing(script: str, write: Write, expected: type) -> None:
    platform = Platform(script.split(), unreadable=True)
    assert isinstance(run(platform, write), expected)
    assert len(platform.sent) == 1


@pytest.mark.parametrize("settle", [2.0, 30.0])
def test_absence_is_proven_over_the_window_before_a_create_is_sent_again(settle: float) -> None:
    platform = Platform(["500", "200!"])
    assert isinstance(run(platform, Write.CREATE, settle), Done)
    between = [t for t in platform.looked if platform.sent[0] < t < platform.sent[1]]
    assert len(between) >= LISTINGS
    assert between[-1] >= platform.sent[0] + settle


@pytest.mark.parametrize("write", [Write.CREATE, Write.UPDATE])
@pytest.mark.parametrize("script", ["500!", "409!"])
def test_a_write_that_shows_late_is_found(write: Write, script: str) -> None:
    platform = Platform(script.split(), lag=1.5)
    assert isinstance(run(platform, write), Done)
    assert len(platform.sent) == 1 or write is Write.UPDATE


def test_a_listing_begun_before_the_write_is_no_evidence_of_absence() -> None:
    """A shared listing may hand out what it read before the write ended; that counts for nothing."""
    platform = Platform(["500!"])
    clock = platform.clock()
    fresh, stale = direct(platform.list, clock), [-1.0] * 20

    def fetch(since: float) -> tuple[float, Listing[str]]:
        return (stale.pop(), Listed(())) if stale else fresh(since)

    look = eyes(fetch, judge(Write.CREATE), 0.0, clock)
    assert isinstance(carry_out(Write.CREATE, platform.send, look, 0.0, clock), Done)
    assert len(platform.sent) == 1


def test_listings_begun_before_the_write_do_not_count_towards_its_absence() -> None:
    """Many old ones and a single late one prove nothing: the late one alone may still lag."""
    absence = Absence(10.0, 2.0)
    for _ in range(LISTINGS):
        absence = absence.unseen(9.0)
    assert absence.listings == 0
    assert not absence.unseen(13.0).conclusive


@pytest.mark.parametrize("write", [Write.CREATE, Write.UPLOAD])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_what_withholds_a_try_is_said_as_it_is_whatever_was_tried_before(write: Write, before: int) -> None:
    """Who asks compares the words; and the tries before met something else."""
    answers = [Answer(Verdict.LATER, "cannot connect")] * before + [Answer(Verdict.WITHHELD, "stopped here")]
    platform = Platform([])
    look = eyes(direct(platform.list, platform.clock()), judge(write), 0.0, platform.clock())
    result = carry_out(write, lambda: answers.pop(0), look, 0.0, platform.clock())
    assert result == Failed("stopped here", Verdict.WITHHELD)
