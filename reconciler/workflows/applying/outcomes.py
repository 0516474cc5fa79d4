"""What the outcomes of an apply come to: an exit code, and what the ledger keeps of them."""

from collections.abc import Sequence

from reconciler.ledger.store import Ledger
from reconciler.model.baseline import Left
from reconciler.model.exit_code import Exit
from reconciler.model.listing import Listed
from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.plan import Plan
from reconciler.model.remote import Observed
from reconciler.model.removal import REFUSED, RefusedRemoval
from reconciler.model.unchanged import compartments
from reconciler.planning.plan.baseline import left_by

# Of these a listing showed what was written, in this run or an earlier one.
SEEN_THROUGH = frozenset({Status.SUCCEEDED, Status.UNCHANGED, Status.SENT, Status.PARTIAL, Status.DUPLICATED})


def note_removals(plan: Plan, outcomes: Sequence[Outcome], ledger: Ledger) -> None:
    """What the platform refused to remove is not proposed again; what it removed after all is."""
    going = {
        c.address: (c.kind, str((c.change.before or {}).get("datamart_id")), c.remote_id)
        for c in plan.resource_changes
        if c.change.actions == ("delete",) and c.remote_id is not None
    }
    ended = [o for o in outcomes if o.address in going]
    ledger.refuse_removals(
        RefusedRemoval(*going[o.address], o.answered) for o in ended if o.answered in REFUSED
    )
    ledger.removed(going[o.address] for o in ended if o.status is Status.SUCCEEDED)


def left_after(plan: Plan, outcomes: Sequence[Outcome]) -> list[Left]:
    """How an apply leaves what it was to change."""
    good = {o.address for o in outcomes if o.status in GOOD}
    unknown = {o.address for o in outcomes if o.status is Status.UNKNOWN}
    made = {o.address: o.remote_id for o in outcomes if o.remote_id is not None}
    return list(left_by(plan, good, unknown, made).values())


def compartments_of(plan: Plan, outcomes: Sequence[Outcome], observed: Observed) -> dict[str, str]:
    """Remote ids of the compartments that were there as the plan says, or that the run made, by address."""
    planned = {c.address: c for c in compartments(plan)}
    rows = observed.compartments.rows if isinstance(observed.compartments, Listed) else ()
    there = {(row.id, row.token) for row in rows}
    found = {
        a: c.remote_id
        for a, c in planned.items()
        if c.remote_id is not None and (c.remote_id, (c.change.before or {}).get("token")) in there
    }
    made = {o.address: o.remote_id for o in outcomes if o.address in planned and o.status in SEEN_THROUGH}
    return found | {a: i for a, i in made.items() if i}


def state_of(outcomes: list[Outcome], expected: int) -> str:
    """How the ledger records the end: `unsettled` if a write may still be on its way."""
    if len(outcomes) < expected or any(o.status is Status.UNKNOWN for o in outcomes):
        return "unsettled"
    return (
        "finished"
        if all(
            o.status in GOOD | {Status.PARTIAL, Status.DUPLICATED} and o.status is not Status.SENT
            for o in outcomes
        )
        else "ended"
    )


def exit_of(outcomes: Sequence[Outcome]) -> Exit:
    """The exit code that outcomes come to."""
    bad = [o for o in outcomes if o.status not in GOOD]
    if not bad:
        return Exit.DONE
    if any(o.locked for o in outcomes):
        return Exit.LOCKED
    wrote = any(
        o.status in (Status.SUCCEEDED, Status.SENT, Status.PARTIAL, Status.UNKNOWN, Status.DUPLICATED)
        or o.counts.get("sent")
        for o in outcomes
    )
    if not wrote and any(o.stopped for o in outcomes):
        return Exit.FAILED
    if (
        not wrote
        and all(o.refused for o in bad if o.status is not Status.SKIPPED)
        and any(o.refused for o in bad)
    ):
        return Exit.REFUSED
    return Exit.PARTLY
