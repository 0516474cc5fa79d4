"""What became of a run, in plain words: from its journal, not from its plan. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.kinds.counts import many
from reconciler.ledger.history import Recorded
from reconciler.ledger.rollouts import WaveOfRun
from reconciler.model.plan import Plan
from reconciler.model.unchanged import as_declared
from reconciler.reports.runs.text import DONE, NOT_BEGUN, Step, way_out

CONTINUES = "`reconciler apply` makes a new plan and continues unfinished loads."
_WITHOUT_END = frozenset({None, "intent", "answered", "unknown"})


class State(StrEnum):
    """How a run ended, or that it did not."""

    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Told:
    """One run.

    Attributes:
        counts: how many actions of the plan ended how; `not begun` for those that did not.
        completed_by: the later run that had done, or found done, all that this one left.
        rollout: the wave that the run applied; None of a run that applied a plan at once.
        unread: why the plan cannot be read; empty where it can. Then `plan` says nothing, and all is from the journal.
    """

    run: Recorded
    plan: Plan
    steps: Sequence[Step]
    state: State
    counts: Mapping[str, int]
    completed_by: int | None = None
    rollout: WaveOfRun | None = None
    unread: str = ""

    @property
    def open_write(self) -> bool:
        """True if the run left a write of which nobody knows whether it was carried out."""
        return self.run.state == "unsettled" and any(s.open_write for s in self.steps)

    @property
    def todo(self) -> list[str]:
        """What to do next, a line each; nothing where a later run has done it."""
        told = (
            [f"Its plan cannot be read, so only what its journal has is told: {self.unread}."]
            if self.unread
            else []
        )
        if self.completed_by is None:
            bad = any(s.state not in DONE for s in self.steps)
            unread = [CONTINUES] if bad else []
            told += unread if self.unread else way_out(self.run.id, self.plan, self.steps)
        if self.rollout is not None and ("closed" in self.rollout.state or self.rollout.ended):
            told.append(
                f"`reconciler rollout status {self.rollout.rollout}` shows the rollout, and how it continues."
            )
        return told

    @property
    def why(self) -> str:
        """Why most of what did not end well did not, in the platform's or the program's words; empty where nothing says so."""
        bad = [(s, cause) for s in self.steps if s.state not in DONE and (cause := _cause(s))]
        causes = [cause for s, cause in bad if s.state != "skipped"] or [cause for _, cause in bad]
        return Counter(causes).most_common(1)[0][0] if causes else ""


def _cause(step: Step) -> str:
    """Why an action did not end well; of a load whose commands failed, how many and the reason that most have."""
    reasons = Counter(str(x["reason"]) for x in step.failed_lines if x.get("reason"))
    if not reasons:
        return step.reason
    failed = step.counts.get("failed", len(step.failed_lines))
    return f"{many(failed, 'command')} failed: {reasons.most_common(1)[0][0]}"


def state(recorded: str, steps: Sequence[Step], *, alive: bool, interrupted: bool = False) -> State:
    """The state of a run.

    Args:
        recorded: how the ledger has it: running, finished, ended or unsettled.
        steps: what its journal says of each action.
        alive: the run holds the lock now.
        interrupted: somebody asked it to end, and it ended in order.
    """
    if recorded == "running":
        return State.RUNNING if alive else State.INTERRUPTED
    ends = [s.state for s in steps]
    if recorded == "unsettled" and any(e in _WITHOUT_END and e != "unknown" for e in ends):
        return State.INTERRUPTED
    if all(e in DONE for e in ends):
        return State.SUCCEEDED
    if interrupted:
        return State.INTERRUPTED
    return State.PARTIAL if any(e in DONE or e in ("partial", "duplicated") for e in ends) else State.FAILED


def told(
    runs: Sequence[tuple[Recorded, Plan, Sequence[Step]]],
    since: float | None,
    waves: Mapping[int, WaveOfRun] | None = None,
    unread: Mapping[int, str] | None = None,
    interrupted: Collection[int] = (),
) -> list[Told]:
    """Runs, newest first, each with what became of it.

    Args:
        runs: newest first; what completed one is looked for among them.
        since: since when the lock is held; None if it is free.
        waves: of runs that applied a wave, which.
        unread: of runs whose plan cannot be read, why.
        interrupted: runs that somebody asked to end.
    """
    found = []
    for n, (run, plan, steps) in enumerate(runs):
        alive = since is not None and n == 0 and since <= run.started
        now = state(run.state, steps, alive=alive, interrupted=run.id in interrupted)
        by = None if now in (State.SUCCEEDED, State.RUNNING) else _completed(steps, runs[:n])
        counts = dict(sorted(Counter(s.state or NOT_BEGUN for s in steps).items()))
        wave, why = (waves or {}).get(run.id), (unread or {}).get(run.id, "")
        found.append(Told(run, plan, steps, now, counts, by, wave, why))
    return found


def _completed(steps: Sequence[Step], later: Sequence[tuple[Recorded, Plan, Sequence[Step]]]) -> int | None:
    """The later run since which nothing of it is left to do. That a plan has nothing to do is no answer to failed commands and refused removals."""
    left = {s.address for s in steps if s.state not in DONE}
    partial = {s.address for s in steps if s.state == "partial"}
    kept = partial | {s.address for s in steps if s.refused}

    def settles(did: Step) -> bool:
        """Whether that is the end of it: a load of which commands failed is not ended by one of which some failed again."""
        if did.state == "partial":
            return did.address not in kept
        if did.state == "unchanged":  # the same load, found done: its failed commands are failed still
            return did.address not in partial
        return did.state in DONE

    for run, plan, did in reversed(later):
        idle = {x.address for x in plan.loads if x.actions == ("no-op",) and not x.unfinished}
        same = as_declared(plan)
        idle |= {a for a in left if a in same}
        left -= idle - kept
        left -= {s.address for s in did if settles(s)}
        if not left:
            return run.id
    return None
