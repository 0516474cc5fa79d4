"""A reviewed plan -> writes -> outcomes. The only stage that writes."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from reconciler import __version__
from reconciler.api import resources
from reconciler.api.client import Writer
from reconciler.api.pacing import Pace
from reconciler.api.presence import Clock
from reconciler.bulk.load.context import Context, Progress, VisibilityWindow
from reconciler.bulk.load.driver import run_load
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.bulk.upload.senders import Senders
from reconciler.control.changes import Changer
from reconciler.control.deletions import Deleter
from reconciler.control.executor import execute
from reconciler.control.listing_cache import ListingCache
from reconciler.errors import LedgerFailed, ReadFailed, ReconcilerError, Refused
from reconciler.kinds.counts import many
from reconciler.ledger.evidence import begin
from reconciler.ledger.lock import Lock
from reconciler.ledger.open_writes import written
from reconciler.ledger.store import Ledger
from reconciler.model.address import Address
from reconciler.model.baseline import Left
from reconciler.model.listing import Listed
from reconciler.model.load import UploadNotes
from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.model.remote import Observed
from reconciler.model.removal import REFUSED, RefusedRemoval
from reconciler.planning.config.requirements import Required, Seen, unmet
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.plan.baseline import left_by
from reconciler.planning.plan.document import encode
from reconciler.planning.plan.guards import for_load
from reconciler.planning.plan.inverse import inverse
from reconciler.planning.plan.obstacles import obstacle
from reconciler.settings import Settings
from reconciler.workflows.leftovers import remove_finished
from reconciler.workflows.preflight import Preflight, preflight

LOST = "the lock was lost: taken by another run, or the connection closed; nothing further is written"


# Of these a listing showed what was written, in this run or an earlier one.
_SEEN_THROUGH = frozenset(
    {Status.SUCCEEDED, Status.UNCHANGED, Status.SENT, Status.PARTIAL, Status.DUPLICATED}
)


class Exit(IntEnum):
    """Exit codes of an apply (design 4)."""

    DONE = 0
    FAILED = 1
    PARTLY = 3
    LOCKED = 5
    REFUSED = 4


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a plan; `outcomes` has one entry for every action of it, `run` is its number in the ledger."""

    outcomes: tuple[Outcome, ...]
    exit: Exit
    already: bool = False
    run: int | None = None


class Watcher(Protocol):
    """Told how the run goes."""

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A plan is being applied: the run's number in the ledger, and how many actions it has."""

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything an apply is handed."""

    settings: Settings
    root: Path
    writer: Writer
    token: str
    clock: Clock
    io: Executor
    senders: Callable[[CommitGate], Senders]
    ledger: Ledger
    lock: Lock
    locked_at: float
    nonce: str
    scans: Scans
    sent: SentIndexes
    progress: Progress
    stopping: Callable[[], bool]
    stop: Callable[[], None]
    watcher: Watcher
    from_file: bool
    follow: bool = True
    skip_stale: bool = False


def check_plan(plan: Plan, settings: Settings, now: str) -> None:
    """A plan belongs to one workspace, organisation, endpoint and major version, and must be applyable and not too old.

    Args:
        plan: any plan whose digest is right.
        settings: of this workspace.
        now: in UTC, as plans write it.

    Raises:
        Refused: it is foreign, too old, or was not applyable when it was made.
    """
    if plan.tool_version.split(".")[0] != __version__.split(".", maxsplit=1)[0]:
        raise Refused(
            f"the plan was made by reconciler {plan.tool_version}; this is {__version__}",
            help="apply the plan with that version, or make a new plan",
        )
    if settings.max_plan_age is not None:
        age = (datetime.fromisoformat(now) - datetime.fromisoformat(plan.created_at)).total_seconds()
        if age > settings.max_plan_age:
            raise Refused(
                f"the plan is {age / 3600:.1f} h old; max_plan_age allows {settings.max_plan_age / 3600:g} h",
                help="make a new plan",
            )
    for what, theirs, ours in (
        ("organisation", plan.organisation_id, settings.organisation_id),
        ("workspace", plan.workspace, settings.workspace),
        ("environment", plan.environment, settings.environment),
        ("endpoint", plan.endpoint, str(settings.endpoint)),
    ):
        if theirs != ours:
            raise Refused(
                f"the plan is for {what} {theirs}; this workspace is set to {ours}",
                help="apply the plan in that workspace, or make a new plan",
            )
    if (why := obstacle(plan)) is not None:
        raise Refused(
            why,
            help="`reconciler show FILE` lists the reasons",
        )


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
            help="make a new plan, or apply the rest with --skip-stale",
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
        outcomes = _execute(plan, run, evidence.run, visibility, before, initial)
        if run.scans.spools is not None:
            run.scans.spools.sweep()
    finally:
        with contextlib.suppress(ReconcilerError):  # then the run counts as cut off, which it nearly was
            run.ledger.remember_compartments(plan.workspace, _compartments(plan, outcomes, before.observed))
            _note_removals(plan, outcomes, run.ledger)
            run.ledger.keep_baseline(plan.workspace, left_after(plan, outcomes))
            through = [writes[o.address].names for o in outcomes if o.status in _SEEN_THROUGH]
            known = {writes[o.address].key for o in outcomes if o.status is not Status.UNKNOWN}
            evidence.close(
                frozenset().union(*through),
                known,
                intended - known,
                outlived=run.clock.now() >= run.locked_at + run.settings.settle,
            )
            evidence.end(_state(outcomes, len(before.verdicts)))
        if run.scans.spools is not None:
            run.scans.spools.release()
            remove_finished(run.ledger, run.scans.spools)
    return Result(tuple(outcomes), exit_of(outcomes), run=evidence.run)


def _note_removals(plan: Plan, outcomes: Sequence[Outcome], ledger: Ledger) -> None:
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


def _compartments(plan: Plan, outcomes: Sequence[Outcome], observed: Observed) -> dict[str, str]:
    """Remote ids of the compartments that were there as the plan says, or that the run made, by address."""
    planned = {c.address: c for c in plan.resource_changes if c.kind == "Compartment"}
    rows = observed.compartments.rows if isinstance(observed.compartments, Listed) else ()
    there = {(row.id, row.token) for row in rows}
    found = {
        a: c.remote_id
        for a, c in planned.items()
        if c.remote_id is not None and (c.remote_id, (c.change.before or {}).get("token")) in there
    }
    made = {o.address: o.remote_id for o in outcomes if o.address in planned and o.status in _SEEN_THROUGH}
    return found | {a: i for a, i in made.items() if i}


def _execute(
    plan: Plan, run: Run, identity: int, visibility: VisibilityWindow, before: Preflight, initial: float
) -> list[Outcome]:
    changes = {c.address: c for c in plan.resource_changes if c.change.actions != ("no-op",)}
    loads = {load.address: load for load in plan.loads if load.actions != ("no-op",)}
    journal = _Journal(run.ledger, identity, run.lock, {a: w.key for a, w in written(plan).items()})
    listings = ListingCache(run.writer, plan.organisation_id, run.clock, (initial, before.observed))
    changer = Changer(
        run.writer,
        listings,
        plan.organisation_id,
        run.clock,
        run.settings.settle,
        visibility.absence,
        journal.note,
        before.single_datamart,
    )
    deleter = Deleter(run.writer, listings, run.clock, run.settings.settle, journal.note)
    missing = [a for a, v in before.verdicts.items() if v.row_id is None]  # to be created, or loaded
    waiting = any(map(visibility.open, missing))
    if waiting and visibility.settle > 0:
        run.progress.say(
            "apply",
            f"first run with this ledger, or the last run was interrupted: waiting {visibility.settle:g} s to be sure that missing resources do not exist",
        )
    gate = CommitGate(lambda name: _may_commit(name, run, journal))
    context = Context(
        writer=run.writer,
        token=run.token,
        root=run.root,
        scan=run.scans.get,
        forget=run.scans.forget,
        sent=run.sent,
        readable=run.scans.readable,
        approval=plan.plan_digest,
        spools=run.scans.spools,
        unmet=lambda load, ids: _unmet(load, ids, plan, changes, run),
        schemas=before.schemas.to_compare,
        guards=lambda address: for_load(run.settings.guards, plan.overrides, address),
        clock=run.clock,
        settle=run.settings.settle,
        follow_timeout=run.settings.follow_timeout,
        write_timeout=run.settings.write_timeout,
        visibility=visibility,
        journal=journal,
        progress=run.progress,
        io=run.io,
        pace=Pace(run.settings.parallelism),
        senders=lambda: run.senders(gate),
        gate=gate,
        stopping=run.stopping,
        stop=run.stop,
        follow=run.follow,
    )

    moved = before.stale

    def perform(address: str) -> Outcome:
        if why := moved.get(address):
            return Outcome(address, Status.SKIPPED, "skip", f"stale: {why}", refused=True)
        try:
            if address in changes:
                change = changes[address]
                outcome = _changed(change, deleter if change.change.actions == ("delete",) else changer)
                journal.note(address, outcome.action, outcome.status.value)
            else:
                outcome = run_load(loads[address], _ids(loads[address], changer), context)
        except LedgerFailed as e:
            outcome = Outcome(address, Status.UNKNOWN, "journal", str(e), stopped=True)
        if outcome.stopped:
            run.stop()
        return outcome

    # What one listing shows comes together, so that it is read a few times only.
    ordered = sorted(changes.values(), key=lambda c: (Address.parse(c.address).datamart or "", c.address))
    requires = {c.address: c.requires for c in ordered} | {a: x.requires for a, x in loads.items()}
    try:
        outcomes = execute(
            requires,
            perform,
            wide=frozenset(changes),
            parallelism=run.settings.parallelism,
            stopping=run.stopping,
            finished=_noted(run, journal),
        )
    finally:
        gate.close()
    return outcomes + _stuck(plan, run)


def _changed(change: ResourceChange, by: Changer | Deleter) -> Outcome:
    """What became of a change; also where something that it needs could not be read."""
    try:
        return by.perform(change)
    except ReadFailed as e:
        return Outcome(change.address, Status.FAILED, change.change.actions[-1], str(e))


def _noted(run: Run, journal: "_Journal") -> Callable[[Outcome], None]:
    def finished(outcome: Outcome) -> None:
        if outcome.status is Status.SKIPPED:  # all others were noted where they ended
            with contextlib.suppress(LedgerFailed):
                journal.note(address=outcome.address, step=outcome.action, state=outcome.status.value)
        if outcome.message and outcome.status not in GOOD:
            with contextlib.suppress(LedgerFailed):
                journal.note(outcome.address, "reason", outcome.status.value, text=str(outcome.message))
        run.watcher.finished(outcome)

    return finished


def _ids(load: LoadChange, changer: Changer) -> dict[str, str]:
    known = definition_of(load).compartments
    return {key: value for key in known if (value := known[key] or changer.ids.get(key)) is not None}


def _unmet(
    load: LoadChange, ids: Mapping[str, str], plan: Plan, coming: Collection[str], run: Run
) -> str | None:
    """Why the platform is not any more what a load requires; what this run has just changed was seen by the change itself."""
    organisation = plan.organisation_id
    seen = Seen(
        organisation,
        resources.datamarts(run.writer, organisation).require(then="nothing was sent").rows,
        resources.compartments(run.writer, organisation).require(then="nothing was sent").rows,
        resources.activations(run.writer, load.datamart_id).require(then="nothing was sent").rows,
    )
    need = Required(load.datamart, load.datamart_id, ids, load.tokens, coming)
    return "; ".join(found.why for found in unmet(need, seen)) or None


def _may_commit(name: str, run: Run, journal: "_Journal") -> bool:
    """May the last block of this chunk go out now? `committing` is durable before the answer is yes."""
    if run.stopping():
        return False
    if not run.lock.held():
        run.progress.say("apply", LOST)
        run.stop()
        return False
    journal.note("", "upload", "committing", name=name)
    return True


def _stuck(plan: Plan, run: Run) -> list[Outcome]:
    """Loads that cannot finish without the user: not converged, though nothing was to be done about them."""
    found = []
    for load in plan.loads:
        if load.actions == ("no-op",) and load.unfinished:
            outcome = Outcome(load.address, Status.FAILED, "no-op", load.reason, counts=dict(load.unfinished))
            run.watcher.finished(outcome)
            found.append(outcome)
    return found


@dataclass(frozen=True, slots=True)
class _Journal:
    ledger: Ledger
    run: int
    lock: Lock
    written: Mapping[str, str]

    def watch(self, address: str, generation: int) -> None:
        self.ledger.watch(self.written[address], generation)

    def note(self, address: str, step: str, state: str, **detail: str | int | None) -> None:
        """Durable when it returns; no intent is noted, and so nothing sent, without the lock.

        Raises:
            LedgerFailed: it is not durable, or the lock is lost.
        """
        if state == "intent" and not self.lock.held():
            raise LedgerFailed(LOST)
        self.ledger.note(self.run, address, step, state, **detail)

    def refuse(self, datamart_id: str, name: str) -> None:
        self.ledger.refuse(datamart_id, name)

    def report(self, datamart_id: str, executions: Collection[str]) -> None:
        self.ledger.report(datamart_id, executions)

    def uploads(self, datamart_id: str) -> UploadNotes:
        return self.ledger.uploads(datamart_id)


def _state(outcomes: list[Outcome], expected: int) -> str:
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
