"""The state machine of one load, as tables (design 6). Pure: it says what to do next, never does it.

A chunk's state follows from what the remote shows:

    import   execution                      -> state
    no       -, siblings have none             MISSING      create it
    no       -, a sibling has one              DELETED      unknown: somebody deleted it; never resent unasked
    yes      none                              UNSENT       send it
    yes      none, upload refused (400, 422)    REFUSED      terminal, zero lines
    yes      pending / live                    LIVE         follow it
    yes      succeeded, no failed line         SUCCEEDED    terminal
    yes      succeeded, failed lines           PARTIAL      terminal
    yes      FAILED, LOST                      FAILED       a new attempt at the next apply if every line is replay-safe
    yes      CANCELED                          CANCELED     only --resend
    any      unclear within this run           UNKNOWN      left to the next run
    any      a person says it was sent         SUCCEEDED    terminal
    any      a person says it was not          -            a new attempt

A load goes through the steps in this order, and from none of them back to an earlier one:

    Create  all imports (the manifest)
    SeeManifest  in one listing, before the first execution
    AwaitEarlier  every execution of earlier generations is terminal
    Send    what is unsent (ordering: strict sends one, then follows it)
    Follow  to a terminal state
    LookAgain  at executions, once more before the seal: one may have come late, or in spite of a refusal
    Seal    when every chunk is SUCCEEDED, PARTIAL or REFUSED
    Finish
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.kinds.execution import TERMINAL, Phase, phase
from reconciler.model.load import ManualVerdict
from reconciler.model.outcome import Status
from reconciler.model.remote import Execution
from reconciler.planning.loads.generations import number


class ChunkState(StrEnum):
    """See the module's table."""

    MISSING = "missing"
    DELETED = "deleted"
    UNSENT = "unsent"
    REFUSED = "refused"
    LIVE = "live"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChunkView:
    """What is known of one chunk.

    Attributes:
        index: from 1.
        attempt: the attempt in question.
        seen: its import was in a listing.
        executions: under all imports of its name; lines are the chunk's own count.
        refused: the remote refused what the upload holds (400, 422).
        unclear: this run could not settle it.
        marked_sent: a person recorded that it was sent.
    """

    index: int
    lines: int
    attempt: int = 1
    seen: bool = False
    executions: tuple[Execution, ...] = ()
    refused: bool = False
    unclear: bool = False
    marked_sent: bool = False


@dataclass(frozen=True, slots=True)
class LoadView:
    """What is known of one load."""

    chunks: tuple[ChunkView, ...]
    manifest_seen: bool = False
    earlier_terminal: bool = False
    strict: bool = False
    follow: bool = True
    looked_again: bool = False
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """Create the imports of these chunks."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeeManifest:
    """See all imports in one listing."""


@dataclass(frozen=True, slots=True)
class AwaitEarlier:
    """Wait until every execution of earlier generations is terminal."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send these chunks, each at most once."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow these chunks to a terminal state."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LookAgain:
    """List the executions of these chunks once more."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """Create the seal; counts are lines, all of them: what the platform does not account for did not succeed."""

    ok: int
    failed: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more can be done in this run."""


Step = Create | SeeManifest | AwaitEarlier | Send | Follow | LookAgain | Seal | Finish

_OF_PHASE = {
    Phase.PENDING: ChunkState.LIVE,
    Phase.LIVE: ChunkState.LIVE,
    Phase.SUCCEEDED: ChunkState.SUCCEEDED,
    Phase.PARTIAL: ChunkState.PARTIAL,
    Phase.FAILED: ChunkState.FAILED,
    Phase.CANCELED: ChunkState.CANCELED,
}
SEALABLE = frozenset({ChunkState.SUCCEEDED, ChunkState.PARTIAL, ChunkState.REFUSED})
_STATUS = {
    ChunkState.UNKNOWN: Status.UNKNOWN,
    ChunkState.DELETED: Status.UNKNOWN,
    ChunkState.LIVE: Status.UNKNOWN,
    ChunkState.MISSING: Status.UNKNOWN,
    ChunkState.UNSENT: Status.UNKNOWN,
    ChunkState.FAILED: Status.FAILED,
    ChunkState.REFUSED: Status.FAILED,
    ChunkState.CANCELED: Status.CANCELED,
    ChunkState.PARTIAL: Status.PARTIAL,
    ChunkState.SUCCEEDED: Status.SUCCEEDED,
}
_WORST = (Status.UNKNOWN, Status.FAILED, Status.CANCELED, Status.DUPLICATED, Status.PARTIAL, Status.SUCCEEDED)


def winner(executions: Sequence[Execution]) -> Execution | None:
    """The execution that counts: of several the lowest id that is live or succeeded, else the lowest id."""
    ordered = sorted(executions, key=lambda e: number(e.id))
    good = (e for e in ordered if phase(e) not in (Phase.FAILED, Phase.CANCELED))
    return next(good, ordered[0] if ordered else None)


def surplus(executions: Sequence[Execution]) -> tuple[Execution, ...]:
    """PENDING executions above the winner: the only ones that may be canceled."""
    won = winner(executions)
    return tuple(e for e in executions if won and number(e.id) > number(won.id) and phase(e) is Phase.PENDING)


def duplicated(chunk: ChunkView) -> bool:
    """Two or more executions under one import."""
    return len(chunk.executions) > 1


def state(chunk: ChunkView, *, sibling_executed: bool) -> ChunkState:
    """The module's table."""
    if chunk.marked_sent:
        return ChunkState.SUCCEEDED
    if chunk.executions:
        if duplicated(chunk) and any(phase(e) not in TERMINAL for e in chunk.executions):
            return ChunkState.UNKNOWN if chunk.unclear else ChunkState.LIVE
        won = winner(chunk.executions)
        assert won is not None  # noqa: S101 - executions is not empty
        found = _OF_PHASE[phase(won)]
        return ChunkState.UNKNOWN if found is ChunkState.LIVE and chunk.unclear else found
    if chunk.refused:
        return ChunkState.REFUSED
    if chunk.unclear:
        return ChunkState.UNKNOWN
    if chunk.seen:
        return ChunkState.UNSENT
    # A later attempt's import is created while its siblings are long executed; only a first one can be "deleted".
    return ChunkState.DELETED if sibling_executed and chunk.attempt == 1 else ChunkState.MISSING


def states(load: LoadView) -> dict[int, ChunkState]:
    """State by chunk index."""
    executed = any(c.executions for c in load.chunks)
    return {
        c.index: state(c, sibling_executed=executed or any(c.attempt > 1 for c in load.chunks))
        for c in load.chunks
    }


def next_step(load: LoadView) -> Step:  # noqa: PLR0911 - one for each row of the table
    """The one next step; applying it and asking again ends in `Finish`."""
    now = states(load)

    def having(*wanted: ChunkState) -> tuple[int, ...]:
        return tuple(i for i, s in now.items() if s in wanted)

    if load.sealed:
        return Finish()
    if missing := having(ChunkState.MISSING):
        return Create(missing)
    unsent, live = having(ChunkState.UNSENT), having(ChunkState.LIVE)
    if unsent and not load.manifest_seen:
        # An import that could not be created or seen leaves the manifest incomplete: nothing is sent.
        hole = any(c.unclear and not c.executions and not c.seen for c in load.chunks)
        return Finish() if hole else SeeManifest()
    if unsent and not load.earlier_terminal:
        return AwaitEarlier()
    if unsent and not load.strict:
        return Send(unsent)
    if live and load.follow and (not load.strict or not unsent or min(live) < min(unsent)):
        return Follow(live)
    if unsent and all(
        now[i] in SEALABLE or now[i] in (ChunkState.FAILED, ChunkState.CANCELED)
        for i in now
        if i < min(unsent)
    ):
        return Send(unsent[:1])
    if all(s in SEALABLE for s in now.values()):
        asked = tuple(c.index for c in load.chunks if c.executions or c.refused)
        if asked and not load.looked_again:
            return LookAgain(asked)
        ok, _ = totals(load)
        return Seal(ok, sum(c.lines for c in load.chunks) - ok)
    return Finish()


def only_resent(load: LoadView, *, replay_safe: bool) -> tuple[int, ...]:
    """Chunks that a person has to name to have them sent again, where nothing else of the load is left to do.

    Args:
        load: what is known of it.
        replay_safe: its rows may be sent twice.
    """
    left = {i: s for i, s in states(load).items() if s not in SEALABLE}
    asked = {ChunkState.CANCELED, ChunkState.DELETED} | (set() if replay_safe else {ChunkState.FAILED})
    return tuple(sorted(left)) if set(left.values()) <= asked else ()


def totals(load: LoadView) -> tuple[int, int]:
    """Lines the remote took and lines it refused, over all chunks with a terminal execution or a refused upload."""
    ok = failed = 0
    for chunk in load.chunks:
        won = winner(chunk.executions)
        if chunk.marked_sent:
            ok += chunk.lines
        elif won is None:
            failed += chunk.lines if chunk.refused else 0
        elif phase(won) in (Phase.SUCCEEDED, Phase.PARTIAL):
            bad = min(won.total_failure or 0, chunk.lines)
            failed += bad
            # Fewer successes than the rest of the lines: the platform dropped some without a word (contract 4.4, 9).
            told = won.total_success if won.total_success is not None else chunk.lines
            ok += min(told, chunk.lines - bad)
        elif phase(won) is Phase.FAILED:
            failed += chunk.lines
    return ok, failed


def result_unknown(load: LoadView) -> int:
    """Lines that were sent, or may have been, and of which the remote has not said yet what became of them."""
    unknown = 0
    for chunk in load.chunks:
        won = winner(chunk.executions)
        if chunk.marked_sent:
            continue
        if chunk.unclear and not chunk.refused if won is None else phase(won) not in TERMINAL:
            unknown += chunk.lines
    return unknown


def status(load: LoadView) -> Status:
    """The load's outcome: that of its worst chunk."""
    if not load.follow and all(s in SEALABLE | {ChunkState.LIVE} for s in states(load).values()):
        return Status.SENT
    found = {_STATUS[s] for s in states(load).values()} | {
        Status.DUPLICATED for c in load.chunks if duplicated(c)
    }
    return next((s for s in _WORST if s in found), Status.SUCCEEDED)


def apply_manual_verdict(chunk: ChunkView, said: ManualVerdict | None) -> ChunkView:
    """A chunk with what a person said of it; what the remote shows to have ended well needs nobody's word."""
    now = state(chunk, sibling_executed=True)
    if said is None or chunk.attempt > said.attempt or now in SEALABLE:
        return chunk
    if said.sent:
        return replace(chunk, marked_sent=True)
    if now is ChunkState.UNSENT:
        return chunk
    return next_attempt(chunk)


def next_attempt(chunk: ChunkView) -> ChunkView:
    """A chunk that is to be sent once more, under a new import."""
    return replace(chunk, attempt=chunk.attempt + 1, seen=False, executions=(), refused=False)


def retries(load: LoadView, *, replay_safe: bool, resend: frozenset[int]) -> frozenset[int]:
    """Chunks that get a new attempt when a run begins: FAILED if replay-safe, and whatever the user named."""
    again = set()
    for index, found in states(load).items():
        if (found is ChunkState.FAILED and replay_safe) or (
            found
            in (
                ChunkState.FAILED,
                ChunkState.CANCELED,
                ChunkState.REFUSED,
                ChunkState.DELETED,
                ChunkState.UNKNOWN,
            )
            and index in resend
        ):
            again.add(index)
    return frozenset(again)
