"""A run as one page of HTML that needs nothing else: what became of it, what to do, each action, and when it happened. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.ledger.history import Entry
from reconciler.model.actor import Actor
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import Plan
from reconciler.planning.plan.coverage import Coverage, after, coverage, of_whole_datamarts
from reconciler.reports import allowed
from reconciler.reports.coverage.html import matrix
from reconciler.reports.grouping import counted
from reconciler.reports.line_counts import not_processed
from reconciler.reports.page import template
from reconciler.reports.plan.html import change_of, finding_rows
from reconciler.reports.plan.words import organisation
from reconciler.reports.runs import table
from reconciler.reports.runs.story import State, Told
from reconciler.reports.runs.text import DONE, NOT_BEGUN, Step, in_words, took
from reconciler.reports.runs.timeline import SCALE, bars
from reconciler.reports.times import moment, utc

_TEMPLATE = Path(__file__).parent / "templates" / "run.html"
# What became of the rows of a load, in the order of the chart, and the colour of each.
FATES = (
    ("succeeded", "done"),
    ("failed", "failed"),
    ("rejected", "rejected"),
    ("result unknown", "block"),
    ("not sent or not processed", "open"),
)
_LOOK = {State.SUCCEEDED: "", State.PARTIAL: "part", State.RUNNING: "part"}
SHOWN = 12  # places of rows that failed for one reason


def render(told: Told, journal: Sequence[Entry], by: Actor, notes: Sequence[str] = ()) -> str:
    """The page.

    Args:
        told: the run, and what became of it.
        journal: of the run.
        by: who ran it, where that is known.
        notes: what else is to be said of it.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    run, plan = told.run, told.plan
    states = {s.address: in_words(s.state) for s in told.steps}
    timeline, more = bars(run, told.steps, journal)
    page: str = template(_TEMPLATE).render(
        run=run,
        plan=plan,
        state=_sentence(told),
        look=_LOOK.get(told.state, "not"),
        counts={in_words(k): n for k, n in told.counts.items()},
        todo=[*notes, *told.todo],
        allowed=allowed.sentences(plan.overrides),
        facts=_facts(told, by),
        bad=[(s, in_words(s.state)) for s in told.steps if s.state not in DONE],
        failed=list(_failed(told.steps)),
        changes=_changes(plan, states),
        loads=[_load(s, plan) for s in told.steps if s.address.startswith("ProfileSource/")],
        colours=FATES,
        matrix=matrix(after(_seen_by(plan), _outcomes(told.steps), ())),
        timeline=timeline,
        more=more,
        scale=int(SCALE),
        whole=max((b.ended for b in timeline), default=0.0),
        findings=finding_rows(plan.diagnostics),
        counted=counted(plan.diagnostics),
    )
    return page


def _sentence(told: Told) -> str:
    words = table.state(told)
    counted = table.actions(replace(told, completed_by=None))  # the state says it
    return f"{words[0].upper()}{words[1:]}: {counted}."


def _facts(told: Told, by: Actor) -> list[tuple[str, str]]:
    run, plan = told.run, told.plan
    return [
        ("by", by.who),
        ("commit", by.commit),
        ("job", by.job),
        ("host", run.host),
        ("organisation", organisation(plan)),
        ("environment", plan.environment or ""),
        ("started", f"{utc(run.started)} UTC"),
        ("took", took(run)),
        ("plan", run.plan_digest[:12] + (f" of {moment(plan.created_at)}" if plan.created_at else "")),
        ("reviewed plan", told.rollout.plan_digest[:12] if told.rollout else ""),
    ]


def _changes(plan: Plan, states: Mapping[str, str]) -> list[dict[str, Any]]:
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    return [_row(change_of([c]), states.get(c.address, NOT_BEGUN)) for c in acting]


def _row(row: dict[str, Any], state: str) -> dict[str, Any]:
    """A change with its outcome; the reason is that of the plan, and of what was there already by then it is not true any more."""
    was = (
        f"it was there already; when it was planned: {row['reason']}"
        if state == "unchanged"
        else row["reason"]
    )
    return {**row, "outcome": state, "reason": was}


def fates(counts: Mapping[str, int]) -> dict[str, int]:
    """How many rows of a load became what; each row that was read is counted once."""
    known = (counts.get(x, 0) for x in ("succeeded", "failed", "rejected", "unknown"))
    numbers = (*known, not_processed(counts))
    return {name: n for (name, _), n in zip(FATES, numbers, strict=True)}


def _load(step: Step, plan: Plan) -> dict[str, Any]:
    """One load: its counts, and the parts of the bar that shows them."""
    volume = next((x.bytes for x in plan.loads if x.address == step.address), 0)
    found, parts, x = fates(step.counts), [], 0.0
    whole = sum(found.values())
    for name, colour in FATES:
        if n := found[name]:
            width = SCALE * n / whole
            parts.append((colour, round(x, 2), round(max(width, 3.0), 2)))
            x += width
    return {
        "step": step,
        "state": in_words(step.state),
        "bytes": volume,
        "fates": found,
        "parts": parts,
        "told": ", ".join(f"{n:,} {name}" for name, n in found.items()),
    }


def _failed(steps: Sequence[Step]) -> Iterator[dict[str, Any]]:
    """Rows that the platform failed, by load and reason, with the first places."""
    for step in steps:
        reasons: dict[tuple[str, str], list[int]] = {}
        for x in step.failed_lines:
            reasons.setdefault((str(x["reason"]), str(x["path"])), []).append(int(x["line"]))
        for (reason, path), lines in reasons.items():
            where = f"{path}:{', '.join(str(n) for n in lines[:SHOWN])}"
            more = max(0, len(lines) - SHOWN)
            yield {
                "address": step.address,
                "reason": reason,
                "rows": len(lines),
                "where": where,
                "more": more,
            }


def _seen_by(plan: Plan) -> Coverage:
    """Of datamarts that the plan looked at. Where it says nothing of what is there already, nothing is called missing.

    That is so of the plan of one wave, which has its own actions alone, and of a plan that flags limit to some addresses.
    """
    found = coverage(plan)
    told = bool(plan.listed_datamarts or plan.limits) and of_whole_datamarts(plan)
    compared = plan.rollout is None and told
    named = {c.address.partition("@")[2] for c in plan.resource_changes} | set(plan.unchanged.datamart_ids)
    looked = named if compared else set()
    kept = [n for n, d in enumerate(found.datamarts) if d in looked]
    return replace(
        found,
        datamarts=tuple(found.datamarts[n] for n in kept),
        cells={name: tuple(row[n] for n in kept) for name, row in found.cells.items() if kept},
    )


def _outcomes(steps: Sequence[Step]) -> list[Outcome]:
    """What the matrix asks: which changes were done."""
    ended = [s for s in steps if s.state is not None]
    return [
        Outcome(s.address, Status.SUCCEEDED if s.state in DONE else Status.FAILED, s.action) for s in ended
    ]
