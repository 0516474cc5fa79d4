"""Write, observe, decide, try again: the one policy of create, update, delete and upload, as a table. Pure.

What to do after an answer (`after_answer`):

    answer         create        update        delete        upload
    DONE           CONFIRM       CONFIRM       CONFIRM       CONFIRM
    ALTERED        FAIL          FAIL          FAIL          FAIL
    CONTENT        OBSERVE_ONCE  OBSERVE_ONCE  OBSERVE_ONCE  FAIL
    SITUATION      OBSERVE_ONCE  OBSERVE_ONCE  OBSERVE_ONCE  FAIL      a delete answered 404 or 410: CONFIRM, it is gone
    UNAUTHORIZED   FAIL          FAIL          FAIL          FAIL
    LATER          SEND          OBSERVE_ONCE  OBSERVE_ONCE  SEND      after MAX_LATER of them: FAIL
    CONFLICT       OBSERVE       OBSERVE       OBSERVE       OBSERVE
    WITHHELD       FAIL          FAIL          FAIL          FAIL
    UNCLEAR        OBSERVE       OBSERVE_ONCE  OBSERVE_ONCE  OBSERVE   the last of MAX_UNCLEAR: OBSERVE

What to do after looking (`after_look`), by what was seen:

    seen           answer was certain      LATER    UNCLEAR
    THERE          SUCCEED                 SUCCEED  SUCCEED
    CHANGED        GIVE_WAY                GIVE_WAY GIVE_WAY
    NOT_YET        FAIL                    SEND     SEND; after MAX_UNCLEAR of them: FAIL, an upload: UNSETTLED
    UNREADABLE     FAIL                    FAIL     UNSETTLED (CONFLICT and DONE too)

OBSERVE proves absence (design 6): listings over the whole `settle` window. OBSERVE_ONCE reads one listing: enough where the
answer is certain, and where the same request twice does no harm. CONFIRM waits until a listing shows the write.
"""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.api.answers import Answer, Verdict

# The parameters of the policy: how often, and how long to wait.
MAX_UNCLEAR = 4
MAX_LATER = 8
FIRST_PAUSE_S = 0.2
MAX_PAUSE_S = 10.0

GONE_STATUSES = frozenset({404, 410})


class Write(StrEnum):
    """A kind of write."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UPLOAD = "upload"


class Seen(StrEnum):
    """What a look showed: as wanted, as before, neither, or nothing because the listing failed."""

    THERE = "there"
    NOT_YET = "not_yet"
    CHANGED = "changed"
    UNREADABLE = "unreadable"


class Step(StrEnum):
    """See the module's tables."""

    SEND = "send"
    CONFIRM = "confirm"
    OBSERVE = "observe"
    OBSERVE_ONCE = "observe_once"
    SUCCEED = "succeed"
    FAIL = "fail"
    GIVE_WAY = "give_way"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Tries:
    """How many answers so far left it open whether the write happened, and how many said to try later."""

    unclear: int = 0
    later: int = 0

    def count(self, verdict: Verdict) -> "Tries":
        """With one more answer."""
        return Tries(self.unclear + (verdict is Verdict.UNCLEAR), self.later + (verdict is Verdict.LATER))


# Where the same request twice does no harm, and where it must be looked at again before each try: another may have changed it.
_HARMLESS_TWICE = frozenset({Write.UPDATE, Write.DELETE})
_OPEN = frozenset({Verdict.UNCLEAR, Verdict.CONFLICT, Verdict.DONE})


def after_answer(write: Write, answer: Answer, tries: Tries) -> Step:
    """The first table; `tries` counts this answer."""
    twice = write in _HARMLESS_TWICE
    match answer.verdict:
        case Verdict.DONE:
            return Step.CONFIRM
        case Verdict.SITUATION if write is Write.DELETE and answer.status in GONE_STATUSES:
            return Step.CONFIRM
        case Verdict.CONTENT | Verdict.SITUATION:
            return Step.FAIL if write is Write.UPLOAD else Step.OBSERVE_ONCE
        case Verdict.ALTERED | Verdict.UNAUTHORIZED | Verdict.WITHHELD:
            return Step.FAIL
        case Verdict.LATER:
            if tries.later >= MAX_LATER:
                return Step.FAIL
            return Step.OBSERVE_ONCE if twice else Step.SEND
        case Verdict.CONFLICT:
            return Step.OBSERVE
        case Verdict.UNCLEAR:
            return Step.OBSERVE_ONCE if twice and tries.unclear < MAX_UNCLEAR else Step.OBSERVE


def after_look(write: Write, verdict: Verdict, seen: Seen, tries: Tries) -> Step:
    """The second table: the next step once a listing was read.

    Args:
        write: the kind of write.
        verdict: of the last answer.
        seen: what the listing shows.
        tries: how often the write was sent so far.
    """
    match seen:
        case Seen.THERE:
            return Step.SUCCEED
        case Seen.CHANGED:
            return Step.GIVE_WAY
        case Seen.UNREADABLE:
            return Step.UNSETTLED if verdict in _OPEN else Step.FAIL
        case Seen.NOT_YET:
            pass
    if verdict is Verdict.LATER:
        return Step.SEND
    if verdict is not Verdict.UNCLEAR:
        return Step.FAIL
    if tries.unclear < MAX_UNCLEAR:
        return Step.SEND
    return Step.UNSETTLED if write is Write.UPLOAD else Step.FAIL


def pause_s(answer: Answer, tries: Tries) -> float:
    """Seconds to wait after an answer: what the platform asks for, else longer each time."""
    if answer.retry_after is not None:
        return answer.retry_after
    return min(FIRST_PAUSE_S * 2.0 ** (tries.unclear + tries.later), MAX_PAUSE_S)
