"""Look at regular times, and never apply: a plan and the ledger, as numbers. A look that fails is counted, and the next one comes.

observe        a plan, what drifted, the ledger's history -> numbers (pure)
pause_s        the time until the next look, with jitter, so that many watchers do not ask at the same instant (pure)
watch          the loop; time, chance and the look itself are handed in
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.ledger.history import WorkEnd
from reconciler.model.observation import Observation
from reconciler.model.plan import Plan


def observe(
    plan: Plan, drift: Sequence[dict[str, Any]], ends: Collection[WorkEnd], datamarts: Collection[str]
) -> Observation:
    """The numbers of one look.

    Args:
        plan: made now; it holds what is pending.
        drift: entries of what changed since the last apply.
        ends: how work on each address ended, from the ledger.
        datamarts: names that the workspace declares.
    """
    pending: Counter[tuple[str, str, str]] = Counter()
    for change in plan.resource_changes:
        if change.change.actions not in (("no-op",), ("read",)):
            pending[change.kind, _datamart(change.address), "+".join(change.change.actions)] += 1
    for load in plan.loads:
        if load.actions != ("no-op",):
            pending["ProfileSource", load.datamart, load.actions[0]] += 1
    success: dict[str, float] = {}
    failed: dict[tuple[str, str], int] = {}
    for end in ends:
        datamart = _datamart(end.address)
        if end.succeeded is not None and datamart in datamarts:
            success[datamart] = max(success.get(datamart, 0.0), end.succeeded)
        if end.failed_rows is not None and datamart in datamarts:
            source = end.address.partition("/")[2].rpartition("@")[0]
            failed[source, datamart] = end.failed_rows
    return Observation(
        datamarts=tuple(datamarts),
        pending=pending,
        drift=Counter(str(d["kind"]) for d in drift),
        unmanaged=Counter(u.kind for u in plan.unmanaged if u.ignored is None),
        findings=Counter(d.severity.value for d in plan.diagnostics),
        errored=plan.errored,
        applyable=plan.applyable,
        last_success=success,
        failed_rows=failed,
    )


def _datamart(address: str) -> str:
    """The name after the @ of an address; empty for a compartment. An import's address goes on behind the name."""
    return address.partition("/")[2].rpartition("@")[2].partition("#")[0] if "@" in address else ""


def pause_s(every: float, jitter: float, dice: random.Random) -> float:
    """Seconds until the next look: `every`, up to a share `jitter` of it sooner or later."""
    return every * (1 + jitter * (2 * dice.random() - 1))


class Recorder(Protocol):
    """Is told how each look went."""

    def observed(self, found: Observation, seconds: float, following: float) -> None:
        """It went well; the next comes in `following` seconds."""

    def failed(self, error: Exception, seconds: float, following: float) -> None:
        """It did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the loop needs.

    Attributes:
        look: makes one observation.
        recorder: is told of it.
        now: monotonic seconds.
        wait: waits so many seconds, or until the end; True once it is to end.
        every: seconds between two looks.
        jitter: share of `every` by which that varies.
        dice: random numbers.
    """

    look: Callable[[], Observation]
    recorder: Recorder
    now: Callable[[], float]
    wait: Callable[[float], bool]
    every: float
    jitter: float
    dice: random.Random


def watch(w: Watch) -> None:
    """Look until it is to end; whatever goes wrong in a look is its result."""
    while True:
        begun = w.now()
        following = pause_s(w.every, w.jitter, w.dice)
        try:
            found = w.look()
        except Exception as e:
            w.recorder.failed(e, w.now() - begun, following)
        else:
            w.recorder.observed(found, w.now() - begun, following)
        if w.wait(following):
            return
