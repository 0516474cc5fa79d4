"""Create something exactly once (design 6): send, and whenever the answer proves nothing, observe before deciding."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.api.answers import Answer, Verdict
from reconciler.api.presence import Clock, Fetch, prove_absent_or_find, wait_until_visible
from reconciler.model.absence import Absence
from reconciler.model.listing import Unlisted

Row = TypeVar("Row")
Found = TypeVar("Found")

TRIES = 4
NOT_SENT_TRIES = 8


@dataclass(frozen=True, slots=True)
class Done(Generic[Found]):
    """It is there, and a listing has shown it."""

    row: Found


@dataclass(frozen=True, slots=True)
class Failed:
    """It is not there, and will not be by trying again. `stopped`: the remote said 401."""

    message: str
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether it is there could not be settled."""

    message: str


Result = Done[Found] | Failed | Unknown


def pause_before_retry(answer: Answer, tried: int) -> float:
    """Seconds to wait before something that certainly was not sent is sent again."""
    return answer.retry_after if answer.retry_after is not None else min(0.2 * 2**tried, 10.0)


def create_once(
    send: Callable[[], Answer],
    fetch: Fetch[Row],
    find: Callable[[tuple[Row, ...]], Found | None],
    settle: float,
    clock: Clock,
    *,
    shown: bool = True,
) -> Result[Found | None]:
    """Send a create whose absence was proven before, and end with a listing that shows it (G3).

    Args:
        send: sends it once.
        fetch: lists the complete collection that it will be in.
        find: finds it there.
        settle: how long a listing may lag, in seconds.
        clock: time.
        shown: wait for a listing to show it; False leaves that to the caller, and `Done` may hold None.
    """
    tried = unsent = 0
    while True:
        answer = send()
        ended = clock.now()
        tried += 1
        match answer.verdict:
            case Verdict.DONE:
                return Done(None) if not shown else _confirmed(fetch, find, settle, clock, answer)
            case Verdict.UNAUTHORIZED:
                return Failed(answer.message, stopped=True)
            case Verdict.NOT_SENT:
                unsent += 1
                if unsent >= NOT_SENT_TRIES:
                    return Failed(f"{answer.message} ({unsent} times)")
                clock.sleep(pause_before_retry(answer, unsent))
                continue
            case _:
                pass
        clock.sleep(
            pause_before_retry(answer, tried)
        )  # even with `settle: 0` a cut-off request may still be in a queue
        # A refusal is certain; one look tells whether the reason is that the thing is there already.
        window = 0.0 if answer.verdict is Verdict.REFUSED else settle
        found = prove_absent_or_find(fetch, find, Absence(ended, window), clock)
        if isinstance(found, Unlisted):
            return Unknown(f"{answer.message}; and the list could not be read: {found.reason}")
        if found is not None:
            return Done(found)
        if answer.verdict in (Verdict.REFUSED, Verdict.CONFLICT, Verdict.WITHHELD):
            return Failed(answer.message)
        if tried - unsent >= TRIES:
            return Failed(f"{answer.message}; tried {TRIES} times, and no listing shows the object")


def _confirmed(
    fetch: Fetch[Row],
    find: Callable[[tuple[Row, ...]], Found | None],
    settle: float,
    clock: Clock,
    answer: Answer,
) -> Result[Found | None]:
    found = wait_until_visible(fetch, find, settle, clock)
    if isinstance(found, Unlisted):
        return Unknown(f"{answer.message}, but the list could not be read: {found.reason}")
    if found is None:
        return Unknown(f"{answer.message}, but no listing showed it within {settle:g} s")
    return Done(found)
