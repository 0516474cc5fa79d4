"""Carry out one write by `reconciler.api.write_policy`: the only loop that sends, looks, and sends again."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.api.answers import Answer, Verdict
from reconciler.api.presence import Clock, Fetch, prove_absent_or_find, wait_until_visible
from reconciler.api.write_policy import Seen, Step, Tries, Write, after_answer, after_look, pause_s
from reconciler.model.absence import Absence
from reconciler.model.listing import Listed, Unlisted

Row = TypeVar("Row")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Done(Generic[Found]):
    """It is there: a listing has shown it, or an answer that the caller trusts."""

    row: Found


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not happen; `verdict` and `status` say what the last answer was about."""

    message: str
    verdict: Verdict = Verdict.SITUATION
    status: int | None = None

    @property
    def stopped(self) -> bool:
        """True if nothing further may be written in this run: the platform said 401."""
        return self.verdict is Verdict.UNAUTHORIZED


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody else changed it; nothing more is written."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether it happened could not be settled."""

    message: str
    stopped: bool = False


Result = Done[Found] | Failed | Moved | Unknown


@dataclass(frozen=True, slots=True)
class Sight(Generic[Found]):
    """What a listing says of the thing that is written; `row` where it is THERE, `why` where it CHANGED."""

    seen: Seen
    row: Found | None = None
    why: str = ""
    unauthorized: bool = False


@dataclass(frozen=True, slots=True)
class Eyes(Generic[Found]):
    """How to look at what is written.

    Attributes:
        confirm: waits until it shows, bounded by `settle`.
        observe: proves that it is absent, or finds it: from which instant on, and how long a listing may lag.
    """

    confirm: Callable[[], Sight[Found]]
    observe: Callable[[Absence], Sight[Found]]


def eyes(
    fetch: Fetch[Row], judge: Callable[[Listed[Row]], Sight[Found]], settle: float, clock: Clock
) -> Eyes[Found]:
    """Look at one collection.

    Args:
        fetch: lists the complete collection that the thing is in.
        judge: says of a listing how the thing stands.
        settle: seconds that a listing may lag.
        clock: time.
    """
    changed = (Seen.THERE, Seen.CHANGED)
    return Eyes(
        lambda: _sight(wait_until_visible(fetch, _only(judge, (Seen.THERE,)), settle, clock)),
        lambda absence: _sight(prove_absent_or_find(fetch, _only(judge, changed), absence, clock)),
    )


def _only(
    judge: Callable[[Listed[Row]], Sight[Found]], wanted: Collection[Seen]
) -> Callable[[Listed[Row]], Sight[Found] | None]:
    return lambda listed: sight if (sight := judge(listed)).seen in wanted else None


def _sight(found: Sight[Found] | Unlisted | None) -> Sight[Found]:
    if isinstance(found, Unlisted):
        return Sight(Seen.UNREADABLE, why=found.reason, unauthorized=found.unauthorized)
    return found or Sight(Seen.NOT_YET)


def finding(find: Callable[[Listed[Row]], Found | None]) -> Callable[[Listed[Row]], Sight[Found]]:
    """Judge by whether the thing is found."""
    return lambda listed: (
        Sight(Seen.NOT_YET) if (found := find(listed)) is None else Sight(Seen.THERE, row=found)
    )


def _untold(_attempt: int, _wait: float, _why: str) -> None:
    """Who is told of further tries where nobody asked."""


def carry_out(
    write: Write,
    send: Callable[[], Answer],
    look: Eyes[Found],
    settle: float,
    clock: Clock,
    *,
    retrying: Callable[[int, float, str], None] = _untold,
    trust: Callable[[Answer], Found | None] | None = None,
) -> Result[Found]:
    """Send a write whose precondition was checked before, and end when it is settled (G3).

    Args:
        write: its kind.
        send: sends it once.
        look: looks at what it writes.
        settle: seconds that a listing may lag.
        clock: time.
        retrying: is told of each further try: its number, the seconds until then, and why.
        trust: takes a DONE answer alone for what it says; None from it makes that answer UNCLEAR.
    """
    tries = Tries()
    while True:
        answer = send()
        ended = clock.now()
        if answer.verdict is Verdict.DONE and trust is not None:
            row = trust(answer)
            if row is not None:
                return Done(row)
            answer = Answer(Verdict.UNCLEAR, answer.message, None, answer.status)
        tries = tries.count(answer.verdict)
        step = after_answer(write, answer, tries)
        why = str(answer.status or answer.lost or "no clear answer")
        if answer.verdict in (Verdict.UNCLEAR, Verdict.LATER, Verdict.CONFLICT) and step is not Step.FAIL:
            pause = pause_s(answer, tries)
            if step is Step.SEND:
                retrying(tries.unclear + tries.later + 1, pause, why)
            # Even with `settle: 0` a request that was cut off may still be in a queue on the way.
            clock.wait(pause, "to look whether a write took effect")
        sight: Sight[Found] = Sight(Seen.NOT_YET)
        if step is Step.CONFIRM:
            return _confirmed(look.confirm(), answer, settle)
        if step in (Step.OBSERVE, Step.OBSERVE_ONCE):
            sight = look.observe(Absence(ended, settle if step is Step.OBSERVE else 0.0))
            step = after_look(write, answer.verdict, sight.seen, tries)
            if step is Step.SEND:
                retrying(tries.unclear + tries.later + 1, 0.0, why)
        if step is not Step.SEND:
            return _ended(step, sight, answer, tries)


def _confirmed(sight: Sight[Found], answer: Answer, settle: float) -> Result[Found]:
    if sight.seen is Seen.THERE and sight.row is not None:
        return Done(sight.row)
    if sight.seen is Seen.UNREADABLE:
        return Unknown(f"{answer.message}, but the list could not be read: {sight.why}", sight.unauthorized)
    return Unknown(f"{answer.message}, but no listing showed it within {settle:g} s")


def _ended(step: Step, sight: Sight[Found], answer: Answer, tries: Tries) -> Result[Found]:
    message = answer.message
    if step is Step.SUCCEED and sight.row is not None:
        return Done(sight.row)
    if step is Step.GIVE_WAY:
        return Moved(sight.why)
    if sight.seen is Seen.UNREADABLE:
        message = f"{message}; and the list could not be read: {sight.why}"
    elif tries.unclear + tries.later > 1 and answer.verdict is not Verdict.WITHHELD:
        message = f"{message}; tried {tries.unclear + tries.later} times"
    if step is Step.UNSETTLED:
        return Unknown(message, sight.unauthorized)
    return Failed(message, answer.verdict, answer.status)
