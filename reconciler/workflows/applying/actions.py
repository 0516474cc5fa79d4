"""Every action of a plan, each once what it requires is done: changes, then loads."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from reconciler.api import resources
from reconciler.api.pacing import Pace
from reconciler.bulk.load.context import Context, VisibilityWindow
from reconciler.bulk.load.driver import run_load
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.control.changes import Changer
from reconciler.control.deletions import Deleter
from reconciler.control.executor import execute
from reconciler.control.listing_cache import ListingCache
from reconciler.errors import LedgerFailed, ReadFailed
from reconciler.ledger.open_writes import written
from reconciler.machine import refusal
from reconciler.model.address import Address
from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.planning.config.requirements import Required, Seen, unmet
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.plan.guards import for_load
from reconciler.workflows.applying.run import Run, RunJournal, may_commit, shares
from reconciler.workflows.preflight import Preflight


def perform_actions(
    plan: Plan, run: Run, identity: int, visibility: VisibilityWindow, before: Preflight, initial: float
) -> list[Outcome]:
    """Perform them; an outcome for each, those that can do nothing without the user included.

    Args:
        plan: nothing of it is foreign.
        run: collaborators; the lock is held.
        identity: number of the run in the ledger.
        visibility: for how long a write of an earlier run could still become visible.
        before: what was looked at right before.
        initial: monotonic instant of that.
    """
    changes = {c.address: c for c in plan.resource_changes if c.change.actions != ("no-op",)}
    loads = {load.address: load for load in plan.loads if load.actions != ("no-op",)}
    journal = RunJournal(run.ledger, identity, run.lock, {a: w.key for a, w in written(plan).items()})
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
    _say_if_waiting(run, visibility, before)
    gate = CommitGate(lambda name: may_commit(name, run, journal), shares(run))
    turns = _Turns(
        run,
        changes,
        loads,
        before.stale,
        changer,
        Deleter(run.writer, listings, run.clock, run.settings.settle, journal.note),
        _context(plan, run, visibility, before, journal, gate, changes),
    )
    # What one listing shows comes together, so that it is read a few times only.
    ordered = sorted(changes.values(), key=lambda c: (Address.parse(c.address).datamart or "", c.address))
    requires = {c.address: c.requires for c in ordered} | {a: x.requires for a, x in loads.items()}
    try:
        outcomes = execute(
            requires,
            turns.perform,
            wide=frozenset(changes),
            parallelism=run.settings.parallelism,
            stopping=run.stopping,
            finished=_noted(run, journal),
        )
    finally:
        gate.close()
    return outcomes + _stuck(plan, run)


def _say_if_waiting(run: Run, visibility: VisibilityWindow, before: Preflight) -> None:
    """Say why a run that creates something begins with a wait, if it does."""
    missing = [a for a, v in before.verdicts.items() if v.row_id is None]  # to be created, or loaded
    if visibility.settle > 0 and any(map(visibility.open, missing)):
        run.progress.say(
            "apply",
            f"first run with this ledger, or the last run was interrupted: waiting {visibility.settle:g} s to be sure that missing resources do not exist",
        )


def _context(
    plan: Plan,
    run: Run,
    visibility: VisibilityWindow,
    before: Preflight,
    journal: RunJournal,
    gate: CommitGate,
    coming: Collection[str],
) -> Context:
    """What the run hands to its loads.

    Args:
        plan: of the run.
        run: collaborators.
        visibility: see `perform_actions`.
        before: what was looked at right before.
        journal: of the run.
        gate: is asked before the last block of each chunk.
        coming: addresses of what the run changes itself.
    """
    return Context(
        writer=run.writer,
        token=run.token,
        root=run.root,
        scan=run.scans.get,
        forget=run.scans.forget,
        sent=run.sent,
        readable=run.scans.readable,
        approval=plan.plan_digest,
        spools=run.scans.spools,
        unmet=lambda load, ids: _unmet(load, ids, plan, coming, run),
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


@dataclass(frozen=True, slots=True)
class _Turns:
    """Performs each action in its turn, on a thread of its own.

    Attributes:
        changes: to be made, by address.
        loads: to be carried out, by address.
        moved: why the platform is not any more what the plan was made for, of addresses that are left out.
    """

    run: Run
    changes: Mapping[str, ResourceChange]
    loads: Mapping[str, LoadChange]
    moved: Mapping[str, str]
    changer: Changer
    deleter: Deleter
    context: Context

    def perform(self, address: str) -> Outcome:
        """One action; never raises for what the platform, the ledger or the system did."""
        if why := self.moved.get(address):
            return Outcome(address, Status.SKIPPED, "skip", f"stale: {why}", refused=True)
        try:
            outcome = self._changed(address) if address in self.changes else self._loaded(address)
        except LedgerFailed as e:
            outcome = Outcome(address, Status.UNKNOWN, "journal", str(e), stopped=True)
        except Exception as e:
            # It may have come while an answer was read: nothing is proven, and the others still end and are told.
            if (told := refusal(e)) is None:
                raise
            outcome = Outcome(address, Status.UNKNOWN, "stop", "; ".join(filter(None, told)), stopped=True)
        if outcome.stopped:
            self.run.stop()
        return outcome

    def _changed(self, address: str) -> Outcome:
        """What became of a change; also where something that it needs could not be read."""
        change = self.changes[address]
        by = self.deleter if change.change.actions == ("delete",) else self.changer
        try:
            outcome = by.perform(change)
        except ReadFailed as e:
            outcome = Outcome(address, Status.FAILED, change.change.actions[-1], str(e))
        self.context.journal.note(address, outcome.action, outcome.status.value)
        return outcome

    def _loaded(self, address: str) -> Outcome:
        load = self.loads[address]
        known = definition_of(load).compartments
        ids = {k: value for k in known if (value := known[k] or self.changer.ids.get(k)) is not None}
        return run_load(load, ids, self.context)


def _noted(run: Run, journal: RunJournal) -> Callable[[Outcome], None]:
    def finished(outcome: Outcome) -> None:
        if outcome.status is Status.SKIPPED:  # all others were noted where they ended
            with contextlib.suppress(LedgerFailed):
                journal.note(address=outcome.address, step=outcome.action, state=outcome.status.value)
        if (outcome.message or outcome.stuck is not None) and outcome.status not in GOOD:
            with contextlib.suppress(LedgerFailed):
                more: dict[str, str | int | None] = (
                    {} if outcome.answered is None else {"answered": outcome.answered}
                )
                if outcome.stuck is not None:
                    more["stuck"] = " ".join(map(str, outcome.stuck))
                journal.note(
                    outcome.address, "reason", outcome.status.value, text=str(outcome.message), **more
                )
        run.watcher.finished(outcome)

    return finished


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


def _stuck(plan: Plan, run: Run) -> list[Outcome]:
    """Loads that cannot finish without the user: not converged, though nothing was to be done about them."""
    found = []
    for load in plan.loads:
        if load.actions == ("no-op",) and load.unfinished:
            outcome = Outcome(
                load.address, Status.FAILED, "no-op", load.reason, counts=dict(load.unfinished), stuck=()
            )
            run.watcher.finished(outcome)
            found.append(outcome)
    return found
