"""A plan, wave after wave: apply, soak, gates, and where it is noted in the ledger, so that any run can go on with it.

Each wave is applied as a plan of its own under the lock; none is held while a wave soaks or the rollout is paused.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.api.presence import Clock
from reconciler.errors import ReconcilerError, Refused
from reconciler.kinds.counts import many
from reconciler.kinds.nearest import nearest_or_known
from reconciler.ledger.rollouts import Recorded, Rollouts, WaveRecord, with_acceptance
from reconciler.model.exit_code import Exit
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import Plan
from reconciler.model.rollout import Rollout, Wave
from reconciler.planning.plan import waves
from reconciler.reports.style import duration
from reconciler.workflows.apply import Result
from reconciler.workflows.applying.outcomes import exit_of

_FAILED = waves.FAILED - {Status.UNKNOWN}
POLL_S = 0.5  # between two checks for a pause or an abort


@dataclass(frozen=True, slots=True)
class RolloutResult:
    """Outcomes of the waves that were run; `why` says what stopped the rest, if anything did.

    Attributes:
        carried: waves that this run or an earlier one carried out to their end.
    """

    outcomes: tuple[Outcome, ...]
    exit: Exit
    why: str | None = None
    carried: frozenset[str] = frozenset()
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRun:
    """A plan, its rollout, and the collaborators that carry it out.

    Attributes:
        carry_out: applies a part of the plan under the lock.
        applied: whether a part is wholly applied already, by looking.
        seen: how many declared activations a listing shows on a wave's datamarts.
        command: runs a wave's gate command: whether it is open, and what to say.
        told: is told each wave's states.
        skipped: is told of actions that are not begun.
    """

    plan: Plan
    rollout: Rollout
    board: Rollouts
    record: Recorded
    who: str
    carry_out: Callable[[Plan], Result]
    applied: Callable[[Plan], bool]
    seen: Callable[[Wave], int]
    command: Callable[[Wave], tuple[bool, str]]
    clock: Clock
    stopping: Callable[[], bool]
    told: Callable[[Wave, str, str], None]
    skipped: Callable[[Outcome], None]


class _Stopped(Exception):
    """The rollout stops here: outcomes of the wave so far, and the error that stopped it."""

    def __init__(
        self, wave: Wave, why: str, outcomes: Sequence[Outcome], error: ReconcilerError | None = None
    ) -> None:
        super().__init__(f"wave {wave.name}: {why}")
        self.outcomes, self.error = tuple(outcomes), error


def run_rollout(w: RolloutRun, only: str | None) -> RolloutResult:
    """Run all waves, or just one.

    Args:
        w: the plan and its collaborators.
        only: a wave's name; those before it must have passed, and it is left soaking.

    Raises:
        Refused: it is paused or aborted, a wave before has not passed, or something moved since it was planned.
        ReconcilerError: something failed before anything was written.
    """
    _may_continue(w, only)
    if w.record.state == "finished":
        return RolloutResult((), Exit.DONE, None, _carried(w), already=True)
    w.board.move(w.record.id, "running", "", w.who, unless=("paused", "aborted"))
    outcomes: list[Outcome] = []
    try:
        for wave in w.rollout.waves:
            if only is not None and wave.name != only:
                _passed_before(w, wave)
                continue
            outcomes += _wave(w, wave, only=only is not None)
            if only is not None:
                break
        if _passed(w) >= {wave.name for wave in w.rollout.waves}:
            w.board.move(w.record.id, "finished", "", w.who, unless=("aborted",))
    except _Stopped as stopped:
        outcomes += stopped.outcomes
        if stopped.error is not None and not outcomes:
            raise stopped.error from None
        outcomes += _left(w, outcomes, str(stopped)) if only is None else []
        found = exit_of(outcomes)
        least = Exit.PARTLY if found is Exit.DONE else found
        return RolloutResult(once(outcomes), least, str(stopped), _carried(w))
    return RolloutResult(once(outcomes), exit_of(outcomes), None, _carried(w))


def once(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """One outcome for each action: a compartment that an earlier wave or batch made is only found there by the later ones."""
    found: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.address not in found or outcome.status is not Status.UNCHANGED:
            found[outcome.address] = outcome
    return tuple(found.values())


def check_record(found: Recorded) -> None:
    """A rollout continues only where nobody paused or aborted it.

    Raises:
        Refused: somebody did; the message has who and why.
    """
    why = f": {found.why}" if found.why else ""
    if found.state == "paused":
        raise Refused(
            f"the rollout was paused by {found.who}{why}", help="`reconciler rollout resume` continues it"
        )
    if found.state == "aborted":
        raise Refused(f"the rollout was aborted by {found.who}{why}", help="make a new plan")


def _may_continue(w: RolloutRun, only: str | None) -> None:
    if w.rollout.paused:
        raise Refused(
            "the rollout is paused in its spec",
            help="remove `paused` from the spec to continue, and make a new plan",
        )
    check_record(w.record)
    if only is not None and only not in {wave.name for wave in w.rollout.waves}:
        known = [wave.name for wave in w.rollout.waves]
        raise ReconcilerError(
            f"--wave: the plan has no wave '{only}'", help=nearest_or_known(only, known, len(known))
        )


def _busy(w: RolloutRun, wave: Wave) -> tuple[list[str], bool]:
    """Datamarts of the wave with something to do, and whether what is in no wave comes with it."""
    acting = waves.acting(w.plan, wave.name)
    return sorted({waves.datamart_of(a) for a in acting}), waves.first_wave(w.plan) == wave.name


def _wave(w: RolloutRun, wave: Wave, *, only: bool) -> list[Outcome]:
    record, (busy, first) = _record(w, wave), _busy(w, wave)
    if record is not None and record.state == "passed":
        return []
    if not busy and not (first and waves.acting(w.plan, None)):
        _note(w, wave, "passed", "no changes")
        return []
    # Who applies a wave notes it first; so what is there without a note was applied by a run whose ledger is lost, and with
    # it the soak. It is looked for again after the look, since another run may have begun in between.
    if record is None and _applied_already(w, wave, first=first) and _record(w, wave) is None:
        _note(w, wave, "passed", "applied before")
        return []
    outcomes: list[Outcome] = []
    if record is None or record.state not in ("soaking", "closed after soak"):
        outcomes = _applied(w, wave, record, busy, first=first)
        record = w.board.now(w.record.id, wave.name)
    if only and wave.soak > 0 and record.state == "soaking":
        w.told(wave, "soaking", f"for {duration(wave.soak)}; the gates are checked when the next wave starts")
        return outcomes
    _soak(w, wave, record, outcomes)
    _gates_after(w, wave, outcomes)
    _note(w, wave, "passed", record.acceptance)
    return outcomes


def _record(w: RolloutRun, wave: Wave) -> WaveRecord | None:
    """What is on record of a wave now; other runs write there, too."""
    found = w.board.find(w.record.plan_digest)
    return found.waves.get(wave.name) if found is not None else None


def _applied_already(w: RolloutRun, wave: Wave, *, first: bool) -> bool:
    try:
        return w.applied(waves.part(w.plan, wave.name, first=first))
    except ReconcilerError as e:
        raise _Stopped(wave, str(e), (), e) from None


def _applied(
    w: RolloutRun, wave: Wave, record: WaveRecord | None, busy: Sequence[str], *, first: bool
) -> list[Outcome]:
    """Carry the wave out, a batch of datamarts at a time, and look at its gates.

    What an earlier run loaded counts by its seal, so a gate that closed stays so, unless somebody went on all the same.
    """
    accepted = record is not None and record.state == "accepted"
    runs = list(record.runs) if record is not None else []
    if not accepted:
        _note(w, wave, "applying", "", runs)
    outcomes: list[Outcome] = []
    for n, batch in enumerate(waves.batches(wave, busy) or [()]):
        _stop_if_told(w, wave, outcomes)
        try:
            result = w.carry_out(waves.part(w.plan, wave.name, datamarts=batch, first=first and n == 0))
        except ReconcilerError as e:
            if isinstance(e, Refused):
                _close(w, wave, str(e).splitlines()[0], runs, after=False)
            raise _Stopped(wave, str(e), outcomes, e) from None
        runs += [result.run] if result.run is not None else []
        outcomes += result.outcomes
        if result.exit is Exit.LOCKED or _not_begun(result.outcomes):
            break
    if w.stopping() and not any(
        o.status in _FAILED for o in outcomes
    ):  # what it cut off says nothing of the wave
        raise _Stopped(wave, "the run was interrupted", outcomes)
    new = [o for o in outcomes if o.status is not Status.UNCHANGED] if accepted else outcomes
    if why := waves.closed(wave.gates, new, waves.trips(w.plan, wave)):
        _close(w, wave, why, runs, after=False)
        raise _Stopped(wave, why, outcomes)
    if left := _not_begun(outcomes):  # the next run goes on here
        raise _Stopped(
            wave,
            f"{many(len(left), 'action was', 'actions were')} not begun: {left[0].address}: {left[0].message}",
            outcomes,
        )
    w.board.note(w.record.id, wave.name, "soaking", record.acceptance if record and accepted else "", runs)
    return outcomes


def _not_begun(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What was skipped, but for what is stale: `--skip-stale` asks that the rest goes on without it."""
    return [o for o in outcomes if o.status is Status.SKIPPED and not o.refused]


def _soak(w: RolloutRun, wave: Wave, record: WaveRecord, outcomes: Sequence[Outcome]) -> None:
    """Wait the rest of the soak. A clock that was set back in between begins it anew; one that jumps meanwhile does nothing."""
    left = soak_left(wave, record, w.clock.wall())
    if left > 0:
        w.told(wave, "soaking", f"for {duration(math.ceil(left))}")
    end = w.clock.now() + left
    while (rest := end - w.clock.now()) > 0:
        _stop_if_told(w, wave, outcomes)
        w.clock.wait(min(POLL_S, rest), f"for the soak of wave {wave.name}, {duration(math.ceil(rest))} left")
    _stop_if_told(w, wave, outcomes)


def soak_left(wave: Wave, record: WaveRecord, wall: float) -> float:
    """Seconds that the wave still has to soak; none if it did, and a gate was closed then."""
    if record.state != "soaking":
        return 0.0
    since = wall - record.at
    return wave.soak - since if since >= 0 else wave.soak


def _gates_after(w: RolloutRun, wave: Wave, outcomes: Sequence[Outcome]) -> None:
    """Gates that look at how things are once the wave soaked."""
    least = wave.gates.min_activations
    why = None
    try:
        seen = w.seen(wave) if least is not None else 0
    except ReconcilerError as e:  # not decided, so neither open nor closed
        raise _Stopped(wave, str(e), outcomes, e) from None
    if least is not None and seen < least:
        why = f"{many(seen, 'activation is', 'activations are')} visible; required: {least:,}"
    elif wave.gates.command:
        is_open, said = w.command(wave)
        why = None if is_open else said
    if why is not None:
        _close(w, wave, why, w.board.runs(w.record.id, wave.name), after=True)
        raise _Stopped(wave, why, outcomes)


def _close(w: RolloutRun, wave: Wave, why: str, runs: Sequence[int], *, after: bool) -> None:
    record = _record(w, wave)
    kept = record.acceptance if record is not None else ""
    _note(
        w,
        wave,
        "closed after soak" if after else "closed",
        with_acceptance(why, kept) if after else why,
        runs,
    )
    state = "aborted" if w.rollout.on_failure == "abort" else "stopped"
    w.board.move(w.record.id, state, f"wave {wave.name}: {why}", w.who, unless=("aborted",))


def _stop_if_told(w: RolloutRun, wave: Wave, outcomes: Sequence[Outcome]) -> None:
    """End here if somebody paused or aborted the rollout, or asked this run to end."""
    if w.stopping():
        raise _Stopped(wave, "the run was interrupted", outcomes)
    found = w.board.find(w.record.plan_digest)
    if found is not None and found.state in ("paused", "aborted"):
        raise _Stopped(wave, f"{found.state} by {found.who}", outcomes)


def _passed_before(w: RolloutRun, wave: Wave) -> None:
    """A wave before the one that is wanted.

    Raises:
        Refused: it has not passed.
    """
    record, (busy, first) = _record(w, wave), _busy(w, wave)
    if (record is not None and record.state == "passed") or (not busy and not first):
        return
    if record is None:  # the ledger may be lost: what is there tells
        if w.applied(waves.part(w.plan, wave.name, first=first)) and _record(w, wave) is None:
            _note(w, wave, "passed", "applied before")
            return
        raise Refused(
            f"the wave '{wave.name}' must be applied first",
            help=f"`reconciler apply FILE --wave {wave.name}` applies it",
        )
    if record.state not in ("soaking", "closed after soak"):
        why = record.why or record.state
        raise Refused(
            f"the wave '{wave.name}' has not passed: {why}",
            help=f"fix the cause, and run `reconciler apply FILE --wave {wave.name}` again",
        )
    if (left := soak_left(wave, record, w.clock.wall())) > 0:
        raise Refused(
            f"the wave '{wave.name}' soaks for another {duration(left)}",
            help="run this command again after that",
        )
    try:
        _gates_after(w, wave, ())
    except _Stopped as stopped:
        if stopped.error is not None:
            raise stopped.error from None
        raise Refused(
            f"the gate is closed: {stopped}", help="fix the cause, and run this command again"
        ) from None
    _note(w, wave, "passed", record.acceptance)


def _note(w: RolloutRun, wave: Wave, state: str, why: str, runs: Sequence[int] | None = None) -> None:
    kept = w.board.runs(w.record.id, wave.name) if runs is None else runs
    w.board.note(w.record.id, wave.name, state, why, kept)
    w.told(wave, state, why)


def _passed(w: RolloutRun) -> frozenset[str]:
    """The waves that have passed by now."""
    found = w.board.find(w.record.plan_digest)
    return frozenset(name for name, r in found.waves.items() if r.state == "passed") if found else frozenset()


def _carried(w: RolloutRun) -> frozenset[str]:
    """The waves that were carried out to their end, whether or not their gates are open."""
    found, done = w.board.find(w.record.plan_digest), ("passed", "soaking", "closed after soak")
    return frozenset(name for name, r in found.waves.items() if r.state in done) if found else frozenset()


def _left(w: RolloutRun, done: Sequence[Outcome], why: str) -> list[Outcome]:
    """An outcome for each action that was not begun."""
    known, carried = {o.address for o in done}, _carried(w)
    left = []
    for wave in (None, *(v.name for v in w.rollout.waves)):
        if wave in carried or (wave is None and carried):  # what is in no wave came with the first
            continue
        for address in waves.acting(w.plan, wave):
            if address not in known:
                outcome = Outcome(address, Status.SKIPPED, "skip", why)
                w.skipped(outcome)
                left.append(outcome)
    return left
