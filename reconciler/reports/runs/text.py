"""Runs of the ledger as text that fits 80 columns. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.kinds.names import ChunkName, parse
from reconciler.ledger.history import Entry, Recorded
from reconciler.ledger.rollouts import WaveOfRun, acceptance
from reconciler.model.plan import Budget, LoadChange, Plan, Summary
from reconciler.model.removal import REFUSED
from reconciler.reports import allowed
from reconciler.reports.folded import wrapped
from reconciler.reports.line_counts import HIDDEN_WORDS, fates, shares
from reconciler.reports.next_steps import End, next_steps
from reconciler.reports.plan.places import counted
from reconciler.reports.style import Style, safe
from reconciler.reports.times import moment, utc

DONE = frozenset({"succeeded", "unchanged", "done", "sent"})  # ended well
_OPEN = {"intent": "unsettled", "answered": "unsettled"}
_UPLOADS = {
    **_OPEN,
    "unclear": "without a clear answer",
    "withheld": "not finished (the platform has nothing of them)",
}
_UNKNOWN = frozenset(
    {"intent", "answered", "unknown", "committing", "unclear"}
)  # what became of it nobody knows
SHOWN = 20  # failed lines
NOT_BEGUN = "not begun"


@dataclass(frozen=True, slots=True)
class Step:
    """What the journal knows of one action of the plan.

    Attributes:
        state: its last outcome; `intent` or `answered` if a write was begun and no outcome is recorded; None if it was not begun.
        counts: of lines, for a load that ended.
        chunks: how many chunks are in which state, by the last that was recorded.
        reason: why it did not end well, where the journal says so.
        failed_lines: path, line and reason of lines that the remote refused, as many as were recorded.
        answered: status of the answer that ended a removal, where the platform refused it.
        imports: how many document imports are in which state, likewise.
        to_send: how many chunks it had to send, where the plan says it.
        stuck: chunks that only `--resend` sends again, where nothing else of the load is left.
    """

    address: str
    action: str
    state: str | None
    counts: dict[str, int]
    chunks: dict[str, int]
    failed_lines: tuple[dict[str, Any], ...] = ()
    reason: str = ""
    answered: int | None = None
    imports: dict[str, int] = field(default_factory=dict)
    to_send: int | None = None
    stuck: tuple[int, ...] | None = None

    @property
    def open_write(self) -> bool:
        """True if a write of it was begun and nobody knows whether it was carried out; of a load its requests tell."""
        told = {*self.chunks, *self.imports}
        return bool(_UNKNOWN & told) if told else self.state in _UNKNOWN

    @property
    def refused(self) -> bool:
        """True of a removal that the platform refused for good: trying again comes to the same."""
        return self.action == "delete" and self.state == "failed" and self.answered in REFUSED


def steps(plan: Plan, journal: Sequence[Entry]) -> list[Step]:
    """Each acting change and load of a plan with what became of it."""
    last: dict[tuple[str, str], Entry] = {(e.address, e.step): e for e in journal}
    written: dict[str, dict[str, dict[str, str]]] = {"upload": {}, "import": {}}
    for e in journal:
        name = parse(str(e.detail.get("name", "")))
        if e.step in written and e.address and isinstance(name, ChunkName):
            written[e.step].setdefault(e.address, {})[str(name)] = e.state
    to_send = {x.address: _to_send(x) for x in plan.loads}
    changes = [(c.address, c.change.actions[-1]) for c in plan.resource_changes]
    loads = [(x.address, x.actions[0]) for x in plan.loads]
    if not plan.format_version:  # it cannot be read
        changes, loads = _begun(journal)
    made = []
    for address, action in changes:
        if action != "no-op":
            found = last.get((address, action)) or last.get((address, "skip"))
            made.append(Step(address, action, found.state if found else None, {}, {}))
    for address, action in loads:
        if action != "no-op":
            found = last.get((address, "load")) or last.get((address, "skip"))
            states, imports = (Counter(written[w].get(address, {}).values()) for w in ("upload", "import"))
            state = found.state if found else "intent" if states else None
            counts = {k: v for k, v in (found.detail if found else {}).items() if isinstance(v, int)}
            failed = tuple(e.detail for e in journal if (e.address, e.step) == (address, "failed-line"))
            step = Step(address, action, state, counts, dict(states), failed, imports=dict(imports))
            made.append(replace(step, to_send=to_send.get(address)))
    why = {e.address: e.detail for e in journal if e.step == "reason"}
    known = [(s, why.get(s.address, {})) for s in made]
    return [
        replace(
            s,
            reason=str(x.get("text", "")),
            answered=x.get("answered"),
            stuck=tuple(map(int, str(x["stuck"]).split())) if "stuck" in x else None,
        )
        for s, x in known
    ]


def _begun(journal: Sequence[Entry]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Changes and loads that a journal has, each with its action."""
    changes = dict.fromkeys(
        (e.address, e.step) for e in journal if e.step in ("create", "update", "delete") and e.address
    )
    loads = dict.fromkeys(e.address for e in journal if e.step in ("load", "upload") and e.address)
    return list(changes), [(address, "execute") for address in loads]


def _to_send(load: LoadChange) -> int | None:
    """How many chunks a load had to send; None where the plan does not know how it is cut."""
    if load.after_unknown:
        return None
    if load.actions == ("resume",):
        return sum(load.unfinished.get(s, 0) for s in ("unsent", "missing"))
    return load.chunks


def in_words(state: str | None) -> str:
    """The state of an action; None is one that was not begun."""
    return NOT_BEGUN if state is None else _OPEN.get(state, state)


def way_out(run: int, plan: Plan, found: Sequence[Step]) -> list[str]:
    """What to do next, a line each.

    Args:
        run: its id.
        plan: its plan.
        found: what its journal says of each action.
    """
    ends = (
        End(x.address, x.state, x.counts.get("failed", 0), x.answered if x.refused else None, x.stuck)
        for x in found
    )
    return next_steps(ends, "rollout resume" if plan.rollout is not None else f"resume {run}")


def one(
    run: Recorded,
    plan: Plan,
    found: Sequence[Step],
    words: str,
    todo: Sequence[str],
    style: Style,
    rollout: WaveOfRun | None = None,
) -> str:
    """One run: what its plan said, and what became of each action.

    Args:
        run: the run in the ledger.
        plan: its plan.
        found: what its journal says of each action.
        words: its state.
        todo: what to do next.
        style: how to mark text.
        rollout: the wave, of a run that applied one.
    """
    reviewed, own = (rollout.plan_digest if rollout else run.plan_digest)[:12], run.plan_digest[:12]
    lines = [
        f"{style.bold(f'Run {run.id}')}: {words}",
        *(
            wrapped(of_wave(rollout, found, plan), style.width, initial_indent="  ", subsequent_indent="    ")
            if rollout
            else []
        ),
        f"  started {utc(run.started)} UTC on {safe(run.host)}, took {took(run)}",
        *_by(run),
        f"  plan {reviewed}"
        + (f" of {moment(plan.created_at)}" if plan.created_at else "")
        + (f", environment {plan.environment}" if plan.environment else ""),
        *([f"  of it this run carried out a part, plan {own}"] if own != reviewed else []),
        *(
            part
            for sentence in allowed.sentences(plan.overrides)
            for part in wrapped(
                f"override: {sentence}", style.width, initial_indent="  ", subsequent_indent="    "
            )
        ),
        "",
    ]
    for step in found:
        mark = style.green if step.state in DONE else style.red if step.state else style.dim
        did = "" if step.state == "unchanged" else f"  {style.dim(step.action)}"
        lines.append(f"{mark(in_words(step.state))}  {step.address}{did}")
        lines += wrapped(safe(step.reason), style.width, initial_indent="    ", subsequent_indent="    ")
        if "read" in step.counts:
            c = Counter(step.counts)
            lines += [f"    {shares(c)}", f"    {fates(c)}"]
        lines += [
            f"    {safe(str(x['path']))}:{x['line']} {safe(str(x['reason']))}"[:120]
            for x in step.failed_lines[:SHOWN]
        ]
        if any("…" in str(x["reason"]) for x in step.failed_lines[:SHOWN]):
            lines.append(f"    {HIDDEN_WORDS}")
        if len(step.failed_lines) > SHOWN:
            lines.append(f"    … and {len(step.failed_lines) - SHOWN:,} more; -o json shows all")
        if step.chunks:
            left = (step.to_send or 0) - sum(step.chunks.values())
            every = [*sorted(step.chunks.items()), *([(NOT_BEGUN, left)] if left > 0 else [])]
            words = ", ".join(f"{n:,} {_UPLOADS.get(s, s)}" for s, n in every)
            lines += wrapped(
                f"uploads of this run: {words}", style.width, initial_indent="    ", subsequent_indent="    "
            )
    if todo:
        lines += ["", *(part for x in todo for part in wrapped(x, style.width))]
    return "\n".join(lines) + "\n"


def of_wave(rollout: WaveOfRun, found: Sequence[Step], plan: Plan) -> str:
    """Which wave a run applied; on which datamarts, where other runs applied it, too; and what closed its gate."""
    datamarts = {s.address.partition("@")[2] for s in found} - {""}
    where = f" on {counted(datamarts, plan.labels)}" if rollout.several and datamarts else ""
    gate = f"; its gate is closed: {safe(rollout.why)}" if "closed" in rollout.state else ""
    gate = gate or (f"; its gate was closed: {safe(kept)}" if (kept := acceptance(rollout.why)) else "")
    ended = f"; the rollout was {safe(rollout.ended)}" if rollout.ended else ""
    return f"wave {safe(rollout.wave)} of rollout {rollout.rollout}{where}{gate}{ended}"


def without_plan(run: Recorded) -> Plan:
    """In place of a plan that cannot be read: one that says nothing."""
    return Plan(
        format_version="", tool_version="", workspace="", organisation_id="", endpoint="", environment=None, spec_digest="",
        complete=False, errored=False, applyable=False, resource_changes=(), loads=(), summary=Summary(), budget=Budget(),
        plan_digest=run.plan_digest,
    )  # fmt: skip


def _by(run: Recorded) -> list[str]:
    """Who ran it, where the ledger knows."""
    parts = (("by", run.by.who), ("commit", run.by.commit), ("job", run.by.job))
    return [f"  {name} {safe(value)}" for name, value in parts if value]


def took(run: Recorded) -> str:
    """How long a run took."""
    if run.ended is None:
        return "-"
    seconds = run.ended - run.started
    if seconds < 0:  # the clock was set back
        return "-"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 600 else f"{minutes // 60} h {minutes % 60} min"
