"""A reviewed plan -> writes -> outcomes. The only stage that writes."""

import contextlib
from dataclasses import dataclass

from reconciler.bulk.load.context import VisibilityWindow
from reconciler.errors import ReconcilerError, Refused
from reconciler.kinds.counts import many
from reconciler.ledger.evidence import begin
from reconciler.ledger.open_writes import written
from reconciler.model.exit_code import Exit
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import Plan
from reconciler.planning.plan.document import encode
from reconciler.planning.plan.inverse import inverse
from reconciler.workflows.applying.actions import perform_actions
from reconciler.workflows.applying.outcomes import (
    SEEN_THROUGH,
    compartments_of,
    exit_of,
    left_after,
    note_removals,
    state_of,
)
from reconciler.workflows.applying.run import Run
from reconciler.workflows.leftovers import remove_finished
from reconciler.workflows.preflight import preflight


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a plan; `outcomes` has one entry for every action of it, `run` is its number in the ledger."""

    outcomes: tuple[Outcome, ...]
    exit: Exit
    already: bool = False
    run: int | None = None


def apply_plan(plan: Plan, run: Run, *, saved: bool) -> Result:
    """Carry a plan out.

    Args:
        plan: checked by `check_plan`.
        run: collaborators; the lock is held.
        saved: it came from a file, so its digest is an approval that can be used up.

    Raises:
        Refused: something moved since it was planned, and --skip-stale was not given.
        Unauthorized: the token is not accepted; nothing was written.
        ReadFailed: the remote could not be read; nothing was written.
        ReconcilerError: a source cannot be read, or the ledger does not do its part.
    """
    if run.scans.spools is not None:
        remove_finished(run.ledger, run.scans.spools)
    if saved and run.ledger.finished(plan.plan_digest):
        return Result((), Exit.DONE, already=True)
    initial = run.clock.now()
    before = preflight(plan, run.writer, run.io, run.scans, from_file=run.from_file)
    for words in before.schemas.notes:
        run.progress.say("apply", f"Note: {words}.")
    if before.stale and not run.skip_stale:
        lines = "\n".join(f"  {address}: {why}" for address, why in sorted(before.stale.items()))
        raise Refused(
            f"{many(len(before.stale), 'action is', 'actions are')} stale; nothing was written\n{lines}",
            help="make a new plan; `reconciler apply --skip-stale`, of a saved plan with its file, applies the rest",
        )
    writes = written(plan)
    back = inverse(plan)
    evidence = begin(
        run.ledger, run.lock, run.nonce, plan.plan_digest, encode(plan), encode(back), back.plan_digest
    )
    intended = {writes[address].key for address in before.verdicts}
    evidence.intend(intended)
    visibility = VisibilityWindow(
        run.locked_at, run.settings.settle, lambda address: evidence.concern(writes[address].names)
    )
    outcomes: list[Outcome] = []
    try:
        run.watcher.began(evidence.run, plan.plan_digest, len(before.verdicts))
        outcomes = perform_actions(plan, run, evidence.run, visibility, before, initial)
        if run.scans.spools is not None:
            run.scans.spools.sweep()
    finally:
        with contextlib.suppress(ReconcilerError):  # then the run counts as cut off, which it nearly was
            run.ledger.remember_compartments(plan.workspace, compartments_of(plan, outcomes, before.observed))
            note_removals(plan, outcomes, run.ledger)
            run.ledger.keep_baseline(plan.workspace, left_after(plan, outcomes))
            through = [writes[o.address].names for o in outcomes if o.status in SEEN_THROUGH]
            known = {writes[o.address].key for o in outcomes if o.status is not Status.UNKNOWN}
            evidence.close(
                frozenset().union(*through),
                known,
                intended - known,
                outlived=run.clock.now() >= run.locked_at + run.settings.settle,
            )
            if run.interrupted():
                run.ledger.note(evidence.run, "", "run", "interrupted")
            evidence.end(state_of(outcomes, len(before.verdicts)))
        if run.scans.spools is not None:
            run.scans.spools.release()
            remove_finished(run.ledger, run.scans.spools)
    return Result(tuple(outcomes), exit_of(outcomes), run=evidence.run)
