"""One load: what the platform shows of each chunk -> its state, its lines, what is done next and how the load ends."""

import pytest

from reconciler.kinds.execution import PHASES, Phase, ending
from reconciler.model.foreign import ForeignText
from reconciler.model.load import ManualVerdict
from reconciler.model.outcome import Status
from reconciler.model.remote import Execution
from reconciler.planning.loads.protocol import (
    AwaitEarlier,
    ChunkState,
    ChunkView,
    Create,
    Finish,
    Follow,
    LoadView,
    LookAgain,
    Seal,
    SeeManifest,
    Send,
    Step,
    apply_manual_verdict,
    next_attempt,
    next_step,
    result_unknown,
    retries,
    state,
    status,
    surplus,
    totals,
    winner,
)


def ran(identity: str, status: str, ok: int | None = None, failed: int | None = None) -> Execution:
    return Execution(identity, status, ok, failed)


def chunk(index: int = 1, *executions: Execution, **known: object) -> ChunkView:
    known.setdefault("seen", True)
    return ChunkView(index, 10, executions=executions, **known)  # type: ignore[arg-type]


PENDING, RUNNING, OK, BAD = (
    ran("1", "PENDING"),
    ran("1", "RUNNING"),
    ran("1", "SUCCEEDED", 10, 0),
    ran("1", "FAILED"),
)
PARTIAL, CANCELED = ran("1", "SUCCEEDED", 7, 3), ran("1", "CANCELED")


@pytest.mark.parametrize(
    ("executions", "wins", "over"),
    [
        ((), None, ()),
        ((ran("2", "FAILED"),), "2", ()),
        # of several, the lowest that is live or succeeded; else the lowest
        ((ran("10", "SUCCEEDED"), ran("9", "SUCCEEDED")), "9", ()),
        ((ran("9", "FAILED"), ran("10", "SUCCEEDED")), "10", ()),
        ((ran("9", "CANCELED"), ran("10", "RUNNING")), "10", ()),
        ((ran("9", "LOST"), ran("10", "FAILED")), "9", ()),
        # only what is pending, above the one that counts, may be canceled
        ((ran("9", "PENDING"), ran("10", "PENDING"), ran("11", "RUNNING")), "9", ("10",)),
        ((ran("9", "RUNNING"), ran("10", "RUNNING")), "9", ()),
        ((ran("9", "FAILED"), ran("10", "PENDING"), ran("11", "PENDING")), "10", ("11",)),
        ((ran("9", "SUCCEEDED"), ran("10", "SUCCEEDED"), ran("11", "PENDING")), "9", ("11",)),
    ],
)
def test_of_several_executions(
    executions: tuple[Execution, ...], wins: str | None, over: tuple[str, ...]
) -> None:
    for order in (executions, executions[::-1]):
        won = winner(order)
        assert (won.id if won else None) == wins
        assert sorted(e.id for e in surplus(order)) == sorted(over)


@pytest.mark.parametrize(
    ("view", "sibling_executed", "expected"),
    [
        (chunk(seen=False), False, ChunkState.MISSING),
        (chunk(seen=False), True, ChunkState.DELETED),
        (chunk(seen=False, attempt=2), True, ChunkState.MISSING),
        (chunk(), False, ChunkState.UNSENT),
        (chunk(), True, ChunkState.UNSENT),
        (chunk(refused=True), False, ChunkState.REFUSED),
        (chunk(unclear=True), False, ChunkState.UNKNOWN),
        (chunk(unclear=True, refused=True), False, ChunkState.REFUSED),
        (chunk(1, PENDING), True, ChunkState.LIVE),
        (chunk(1, RUNNING), True, ChunkState.LIVE),
        (chunk(1, ran("1", "A_NEW_WORD")), True, ChunkState.LIVE),
        (chunk(1, RUNNING, unclear=True), True, ChunkState.UNKNOWN),
        (chunk(1, OK), True, ChunkState.SUCCEEDED),
        (chunk(1, OK, unclear=True), True, ChunkState.SUCCEEDED),
        (chunk(1, ran("1", "SUCCESS")), True, ChunkState.SUCCEEDED),
        (chunk(1, PARTIAL), True, ChunkState.PARTIAL),
        (chunk(1, BAD), True, ChunkState.FAILED),
        (chunk(1, ran("1", "LOST")), True, ChunkState.FAILED),
        (chunk(1, CANCELED), True, ChunkState.CANCELED),
        (chunk(1, OK, seen=False), True, ChunkState.SUCCEEDED),
        # a live twin is waited for, even where the other one ended well
        (chunk(1, OK, ran("2", "RUNNING")), True, ChunkState.LIVE),
        (chunk(1, OK, ran("2", "RUNNING"), unclear=True), True, ChunkState.UNKNOWN),
        (chunk(1, OK, ran("2", "SUCCEEDED")), True, ChunkState.SUCCEEDED),
        (chunk(1, BAD, ran("2", "SUCCEEDED")), True, ChunkState.SUCCEEDED),
        (chunk(1, BAD, ran("2", "FAILED")), True, ChunkState.FAILED),
        (chunk(1, BAD, marked_sent=True), True, ChunkState.SUCCEEDED),
    ],
)
def test_state(view: ChunkView, sibling_executed: bool, expected: ChunkState) -> None:
    assert state(view, sibling_executed=sibling_executed) is expected


@pytest.mark.parametrize(
    ("view", "ok", "failed", "unknown"),
    [
        (chunk(), 0, 0, 0),
        (chunk(unclear=True), 0, 0, 10),
        (chunk(1, PENDING), 0, 0, 10),
        (chunk(1, OK), 10, 0, 0),
        (chunk(1, PARTIAL), 7, 3, 0),
        (chunk(1, ran("1", "SUCCEEDED", 5, 3)), 5, 3, 0),  # two that the platform dropped without a word
        (chunk(1, ran("1", "SUCCEEDED")), 10, 0, 0),
        (chunk(1, ran("1", "SUCCEEDED", None, 4)), 6, 4, 0),
        # counts of the platform never exceed the chunk's own
        (chunk(1, ran("1", "SUCCEEDED", 99, 0)), 10, 0, 0),
        (chunk(1, ran("1", "SUCCEEDED", 0, 99)), 0, 10, 0),
        (chunk(1, ran("1", "SUCCEEDED", 99, 4)), 6, 4, 0),
        (chunk(1, BAD), 0, 10, 0),
        (chunk(1, CANCELED), 0, 0, 0),
        (chunk(refused=True), 0, 10, 0),
        (chunk(marked_sent=True), 10, 0, 0),
    ],
)
def test_lines(view: ChunkView, ok: int, failed: int, unknown: int) -> None:
    load = LoadView((view,))
    assert totals(load) == (ok, failed)
    assert result_unknown(load) == unknown
    assert totals(LoadView((view, chunk(2, OK)))) == (ok + 10, failed)


WAITING = LoadView((chunk(1),), manifest_seen=True, earlier_terminal=True)


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (LoadView((chunk(1, seen=False), chunk(2, seen=False))), Create((1, 2))),
        (LoadView((chunk(1, seen=False), chunk(2))), Create((1,))),
        (LoadView((chunk(1), chunk(2))), SeeManifest()),
        (LoadView((chunk(1), chunk(2)), manifest_seen=True), AwaitEarlier()),
        (LoadView((chunk(1), chunk(2)), manifest_seen=True, earlier_terminal=True), Send((1, 2))),
        (LoadView((chunk(1, OK), chunk(2)), manifest_seen=True, earlier_terminal=True), Send((2,))),
        (LoadView((chunk(1, PENDING), chunk(2)), manifest_seen=True, earlier_terminal=True), Send((2,))),
        # an import that could be neither created nor seen: nothing is sent
        (LoadView((chunk(1, seen=False, unclear=True), chunk(2))), Finish()),
        # strict order: one, then followed to its end, then the next
        (LoadView((chunk(1), chunk(2)), True, True, strict=True), Send((1,))),
        (LoadView((chunk(1, PENDING), chunk(2)), True, True, strict=True), Follow((1,))),
        (LoadView((chunk(1, OK), chunk(2)), True, True, strict=True), Send((2,))),
        (LoadView((chunk(1, BAD), chunk(2)), True, True, strict=True), Send((2,))),
        (LoadView((chunk(1, CANCELED), chunk(2)), True, True, strict=True), Send((2,))),
        (LoadView((chunk(1, RUNNING, unclear=True), chunk(2)), True, True, strict=True), Finish()),
        (LoadView((chunk(1), chunk(2, PENDING)), True, True, strict=True), Send((1,))),
        (LoadView((chunk(1, PENDING), chunk(2)), True, True, strict=True, follow=False), Finish()),
        (LoadView((chunk(1, PENDING), chunk(2, OK)), True, True), Follow((1,))),
        (LoadView((chunk(1, PENDING),), True, True, follow=False), Finish()),
        (LoadView((chunk(1, PENDING), chunk(2, OK)), True, True, strict=True), Follow((1,))),
        (LoadView((chunk(1, unclear=True), chunk(2))), SeeManifest()),  # its import was seen: no hole
        # all ended: executions are looked at again, then all lines are accounted for
        (LoadView((chunk(1, OK), chunk(2, PARTIAL)), True, True), LookAgain((1, 2))),
        (LoadView((chunk(1, OK), chunk(2, PARTIAL)), True, True, looked_again=True), Seal(17, 3)),
        # a refusal is looked at, too: what the platform shows counts, not what an answer said
        (LoadView((chunk(1, OK), chunk(2, refused=True)), True, True), LookAgain((1, 2))),
        (LoadView((chunk(1, refused=True),), True, True), LookAgain((1,))),
        (LoadView((chunk(1, RUNNING, refused=True),), True, True, looked_again=True), Follow((1,))),
        (LoadView((chunk(1, OK, refused=True),), True, True, looked_again=True), Seal(10, 0)),
        (LoadView((chunk(1, OK), chunk(2, refused=True)), True, True, looked_again=True), Seal(10, 10)),
        (LoadView((chunk(1, refused=True),), True, True, looked_again=True), Seal(0, 10)),
        (LoadView((), True, True), Seal(0, 0)),
        # what did not end well is not sealed, and nothing else can be done in this run
        (LoadView((chunk(1, BAD),), True, True), Finish()),
        (LoadView((chunk(1, CANCELED), chunk(2, OK)), True, True), Finish()),
        (LoadView((chunk(1, OK), chunk(2, seen=False)), True, True), Finish()),  # an import was deleted
        (LoadView((chunk(1, RUNNING, unclear=True),), True, True), Finish()),
        (LoadView((chunk(1, OK),), True, True, sealed=True), Finish()),
    ],
)
def test_next_step(load: LoadView, expected: Step) -> None:
    assert next_step(load) == expected


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (LoadView((chunk(1, OK), chunk(2, OK))), Status.SUCCEEDED),
        (LoadView((chunk(1, OK), chunk(2, PARTIAL))), Status.PARTIAL),
        (LoadView((chunk(1, OK, ran("2", "SUCCEEDED")), chunk(2, PARTIAL))), Status.DUPLICATED),
        (LoadView((chunk(1, CANCELED), chunk(2, OK, ran("2", "SUCCEEDED")))), Status.CANCELED),
        (LoadView((chunk(1, BAD), chunk(2, CANCELED))), Status.FAILED),
        (LoadView((chunk(refused=True), chunk(2, OK))), Status.FAILED),
        (LoadView((chunk(1, BAD), chunk(2, RUNNING, unclear=True))), Status.UNKNOWN),
        (LoadView((chunk(1), chunk(2, OK))), Status.UNKNOWN),
        (LoadView((chunk(1, PENDING),)), Status.UNKNOWN),
        # --no-wait: sent is sent only where nothing else is wrong
        (LoadView((chunk(1, PENDING), chunk(2, OK)), follow=False), Status.SENT),
        (LoadView((chunk(1, PENDING), chunk(2, BAD)), follow=False), Status.UNKNOWN),
        (LoadView((chunk(1, BAD),), follow=False), Status.FAILED),
        (LoadView((chunk(1, PENDING), chunk(2)), follow=False), Status.UNKNOWN),
    ],
)
def test_status(load: LoadView, expected: Status) -> None:
    assert status(load) is expected


@pytest.mark.parametrize(
    ("view", "verdict", "sent", "attempt"),
    [
        (chunk(unclear=True), None, False, 1),
        (chunk(unclear=True), ManualVerdict(1, sent=True), True, 1),
        (chunk(unclear=True), ManualVerdict(1, sent=False), False, 2),
        (chunk(1, BAD), ManualVerdict(1, sent=True), True, 1),
        (chunk(1, BAD), ManualVerdict(1, sent=False), False, 2),
        # a verdict does not outlive its attempt
        (chunk(unclear=True, attempt=2), ManualVerdict(1, sent=True), False, 2),
        (chunk(unclear=True, attempt=2), ManualVerdict(1, sent=False), False, 2),
        (chunk(unclear=True, attempt=1), ManualVerdict(2, sent=True), True, 1),
        # what the platform shows to have ended well needs no verdict
        (chunk(1, OK), ManualVerdict(1, sent=False), False, 1),
        (chunk(1, PARTIAL), ManualVerdict(1, sent=True), False, 1),
        (chunk(refused=True), ManualVerdict(1, sent=True), False, 1),
        # what was never sent is simply sent
        (chunk(), ManualVerdict(1, sent=False), False, 1),
        (chunk(seen=False), ManualVerdict(1, sent=True), True, 1),
        (chunk(seen=False), ManualVerdict(1, sent=False), False, 2),  # its import was deleted
    ],
)
def test_manual_verdict(view: ChunkView, verdict: ManualVerdict | None, sent: bool, attempt: int) -> None:
    found = apply_manual_verdict(view, verdict)
    assert (found.marked_sent, found.attempt) == (sent, attempt)
    if attempt != view.attempt:
        assert (found.seen, found.executions, found.refused) == (False, (), False)


def test_a_new_attempt_begins_with_nothing_known() -> None:
    made = next_attempt(chunk(3, BAD, refused=True, attempt=4))
    assert made == ChunkView(3, 10, attempt=5)


@pytest.mark.parametrize("replay_safe", [True, False])
@pytest.mark.parametrize("resend", [frozenset[int](), frozenset({1})])
@pytest.mark.parametrize(
    ("view", "again"),
    [
        (chunk(1, BAD), "replay-safe or named"),
        (chunk(1, CANCELED), "named"),
        (chunk(refused=True), "named"),
        (chunk(1, RUNNING, unclear=True), "named"),
        (chunk(1, OK), "never"),
        (chunk(1, PARTIAL), "never"),
        (chunk(1, RUNNING), "never"),
        (chunk(), "never"),
    ],
)
def test_new_attempts(view: ChunkView, again: str, replay_safe: bool, resend: frozenset[int]) -> None:
    expected = {"never": False, "named": bool(resend), "replay-safe or named": replay_safe or bool(resend)}[
        again
    ]
    assert retries(LoadView((view,)), replay_safe=replay_safe, resend=resend) == (
        frozenset({1}) if expected else frozenset()
    )


@pytest.mark.parametrize("word", PHASES)
def test_an_end_that_is_bad_is_told_by_its_status_with_and_without_a_reason(word: str) -> None:
    bad = PHASES[word] in (Phase.FAILED, Phase.CANCELED)
    assert ending(Execution("1", word)) == (f" ended {word}" if bad else "")
    with_reason = Execution("1", word, error=ForeignText("disk full"))
    assert ending(with_reason) == (f" ended {word}: disk full" if bad else ": disk full")
