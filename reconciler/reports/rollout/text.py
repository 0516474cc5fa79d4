"""Where a rollout is: datamart × wave × state × counts, as a table for 80 columns. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from reconciler.ledger.history import Entry
from reconciler.ledger.rollouts import Recorded, WaveRecord
from reconciler.model.plan import Plan
from reconciler.model.rollout import Wave
from reconciler.planning.plan.waves import by_commands, carried_out, datamart_of
from reconciler.reports.folded import wrapped
from reconciler.reports.style import Style, duration, safe

GOOD = frozenset({"succeeded", "unchanged", "partial", "sent"})
_ABORT = "`reconciler rollout abort` cancels the rest."
NEXT = {
    "running": "where no process carries it out any more, `reconciler rollout resume` continues it.",
    "paused": f"`reconciler rollout resume` continues it; {_ABORT}",
    "stopped": "correct the cause. `reconciler apply FILE` with the plan's file continues, or a new `reconciler apply` where none was saved; "
    f"`reconciler rollout resume` continues and accepts what failed, but nothing that is unknown; {_ABORT}",
    "aborted": "`reconciler plan` shows what the specs still ask for.",
}
_FAILED_COMMANDS = (
    "`reconciler source retry NAME --failed-lines` sends the failed commands again. They still count for this gate: "
    f"`reconciler rollout resume` accepts them and continues; {_ABORT}"
)
_CHECKED_AGAIN = f"correct the cause, and `reconciler rollout resume` checks the gate again; {_ABORT}"
ORGANISATION = "the organisation"  # the row of what belongs to no datamart
SINGLE_MAX_DATAMARTS = (
    4  # datamarts of a wave are told of one by one up to here; beyond, those in one state in a row together
)


def rows(found: Recorded, plan: Plan, journal: Sequence[Entry]) -> list[dict[str, Any]]:
    """A row for each datamart of each wave: what is to be done there, and how much of it was.

    What belongs to no datamart, such as a compartment, has a row with an empty name in the wave that carries it out.
    """
    assert plan.rollout is not None  # noqa: S101 - a rollout's plan
    ends, loaded = ended(journal), _loaded(journal)
    made = []
    for wave in plan.rollout.waves:
        record = found.waves.get(wave.name)
        todo = _by_datamart(plan, wave)
        for datamart in [*([""] if "" in todo else []), *wave.datamarts]:
            addresses = todo.get(datamart, [])
            states = Counter(ends.get(a, "not begun") for a in addresses)
            lines = sum(loaded.get(a, 0) for a in addresses)
            done = sum(states[s] for s in GOOD)
            made.append(
                {
                    "wave": wave.name,
                    "wave_state": wave_state(found, record),
                    "datamart": datamart,
                    "state": state(
                        states, record.state if record else None, aborted=found.state == "aborted"
                    ),
                    "actions": len(addresses),
                    "done": done,
                    "lines": lines,
                    "states": dict(sorted(states.items())),
                }
            )
    return made


def table(found: Recorded, plan: Plan, journal: Sequence[Entry], style: Style, now: float) -> str:
    """What a person reads: each wave with its state, and its datamarts beneath.

    Args:
        found: the rollout in the ledger.
        plan: its plan.
        journal: entries of all its runs.
        style: how to mark text.
        now: seconds since 1970.
    """
    assert plan.rollout is not None  # noqa: S101 - a rollout's plan
    why = f": {safe(found.why)}" if found.why else ""
    head = f"Rollout {found.id} '{plan.rollout.name}' of plan {plan.plan_digest[:12]} is {found.state}{why}"
    lines = [style.bold(line) for line in wrapped(head, style.width)]
    if found.state in ("paused", "aborted"):
        lines.append(f"  by {safe(found.who)}")
    every = rows(found, plan, journal)
    lines += ["", style.dim(f"  {'datamart':<{_names(style)}}{'state':<16}{'actions':>12}{'rows':>14}")]
    for wave in plan.rollout.waves:
        lines.append(_wave_line(wave, found, style, now))
        of_wave = [r for r in every if r["wave"] == wave.name]
        for _, same in groupby(
            of_wave,
            key=lambda r: (
                r["state"],
                bool(r["datamart"]),
                len(of_wave) > SINGLE_MAX_DATAMARTS or r["datamart"],
            ),
        ):
            lines += _datamart_lines(list(same), style)
    return "\n".join(lines) + "\n"


def todo(found: Recorded) -> str:
    """What can be done now; empty of one that is finished. A gate that is checked after the soak is never accepted."""
    words = NEXT.get(found.state)
    if found.state == "stopped":
        states = {wave.state for wave in found.waves.values()}
        closed = [wave.why for wave in found.waves.values() if wave.state == "closed"]
        if "closed after soak" in states:
            words = _CHECKED_AGAIN
        elif closed and all(map(by_commands, closed)):
            words = _FAILED_COMMANDS
    return f"Next: {words}" if words else ""


def _names(style: Style) -> int:
    """Width of the column of names."""
    return min(30, style.width - 44)


def _datamart_lines(same: Sequence[Mapping[str, Any]], style: Style) -> list[str]:
    """One datamart, or several in a row that are in the same state; a name that is long has a line of its own."""
    first, last = str(same[0]["datamart"]) or ORGANISATION, str(same[-1]["datamart"])
    name = first if len(same) == 1 else f"{first} … {last} ({len(same)})"
    mark = {"done": style.green, "failed": style.red, "applying": style.yellow}.get(
        same[0]["state"], style.dim
    )
    done, todo, lines = (sum(r[key] for r in same) for key in ("done", "actions", "lines"))
    actions = f"{done} of {todo}" if todo else ""
    told = f"{lines:,}" if lines else ""
    rest = f"{mark(format(same[0]['state'], '<16'))}{actions:>12}{told:>14}".rstrip()
    room = _names(style)
    return [f"  {name:<{room}}{rest}"] if len(name) < room else [f"  {name}", " " * (room + 2) + rest]


def wave_state(found: Recorded, record: WaveRecord | None) -> str:
    """How a wave is; after an abort nothing soaks, is applied or is waited for."""
    state = record.state if record else "waiting"
    if found.state != "aborted" or state == "passed" or "closed" in state:
        return record.shown if record else state
    return "canceled" if record is None else "aborted"


def _wave_line(wave: Wave, found: Recorded, style: Style, now: float) -> str:
    record = found.waves.get(wave.name)
    how = wave_state(found, record)
    more = record.why if record else ""
    if how == "soaking" and record is not None:
        more = left_of(wave, record, now)
    mark = {"passed": style.green, "waiting": style.dim, "canceled": style.dim}.get(
        how, style.red if "closed" in how else style.yellow
    )
    told = f": {safe(more)}" if more else ""
    return f"{style.bold(wave.name)}  {mark(how)}{told}"


def left_of(wave: Wave, record: WaveRecord | None, now: float) -> str:
    """How long a wave still soaks, and what was accepted before."""
    left = 0.0 if record is None else max(0.0, record.at + wave.soak - now)
    told = f"{duration(left)} left" if left else "soaked; gates are checked next"
    kept = record.acceptance if record is not None else ""
    return f"{told}; its gate was closed: {kept}" if kept else told


def _by_datamart(plan: Plan, wave: Wave) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for address in carried_out(plan, wave.name):
        found.setdefault(datamart_of(address), []).append(address)
    return found


def ended(journal: Sequence[Entry]) -> dict[str, str]:
    """The last that was said of each address as a whole."""
    return {
        e.address: e.state
        for e in journal
        if e.step in ("create", "update", "delete", "load", "skip", "no-op")
    }


def succeeded(journal: Sequence[Entry]) -> dict[str, bool]:
    """Of each change that ended in some run, whether the last one that tried it succeeded."""
    ends = {"succeeded", "unchanged", "failed", "unknown"}
    return {
        e.address: e.state in GOOD
        for e in journal
        if e.step in ("create", "update", "delete") and e.state in ends
    }


def _loaded(journal: Sequence[Entry]) -> dict[str, int]:
    """Lines that the last run of each load says have succeeded, or the last that says some have."""
    found: dict[str, int] = {}
    for entry in journal:
        if entry.step == "load" and (lines := entry.detail.get("succeeded")):
            found[entry.address] = int(lines)
    return found


def state(states: Mapping[str, int], wave: str | None, *, aborted: bool) -> str:
    """What became of one datamart in a wave; after an abort nothing waits, and nothing is applied any more.

    Args:
        states: how many of its actions ended how.
        wave: the state of the wave; None of one that has not begun.
        aborted: the rollout is.
    """
    actions = sum(states.values())
    if not actions:
        return "no changes"
    if sum(states.get(s, 0) for s in GOOD) == actions or wave == "passed":
        return "done"
    if states.get("not begun", 0) == actions:
        return "canceled" if aborted else "waiting"
    if "closed" in (wave or "") or (aborted and states.get("failed", 0)):
        return "failed"
    return "partly done" if aborted else "applying"
