"""A rollout as one page of HTML that needs nothing else: where it is, its waves, their datamarts, and what did not go well. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.ledger.history import Entry
from reconciler.ledger.rollouts import Recorded
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import Plan
from reconciler.model.rollout import Wave
from reconciler.planning.plan.coverage import after, coverage
from reconciler.reports import allowed
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.coverage.html import matrix
from reconciler.reports.page import template
from reconciler.reports.plan.words import organisation
from reconciler.reports.rollout.text import GOOD, ended, left_of, rows, succeeded, todo, wave_state
from reconciler.reports.times import moment, utc

_TEMPLATE = Path(__file__).parent / "templates" / "rollout.html"
_LOOK = {"finished": "", "running": "part", "paused": "part"}
ORDER = ("failed", "applying", "waiting", "done", "no changes")


def render(found: Recorded, plan: Plan, journal: Sequence[Entry], now: float) -> str:
    """The page.

    Args:
        found: the rollout in the ledger.
        plan: its plan.
        journal: entries of all its runs.
        now: seconds since 1970.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    assert plan.rollout is not None  # noqa: S101 - a rollout's plan
    every = rows(found, plan, journal)
    datamarts = [row for row in every if row["datamart"]]
    page: str = template(_TEMPLATE).render(
        found=found,
        plan=plan,
        state=f"{found.state[0].upper()}{found.state[1:]}{f': {found.why}' if found.why else ''}.",
        look=_LOOK.get(found.state, "not"),
        notes=[words] if (words := todo(found)) else [],
        allowed=allowed.sentences(plan.overrides),
        facts=_facts(found, plan),
        counts=_counts(datamarts),
        waves=[_wave(w, found, every, now) for w in plan.rollout.waves],
        bad=_bad(plan, journal),
        datamarts=datamarts,
        matrix=matrix(after(coverage(plan), _outcomes(journal), _passed(found))),
    )
    return page


def _facts(found: Recorded, plan: Plan) -> list[tuple[str, str]]:
    return [
        ("organisation", organisation(plan)),
        ("environment", plan.environment or ""),
        ("by", found.who),
        ("begun", f"{utc(found.started)} UTC"),
        ("last step", f"{utc(found.updated)} UTC"),
        ("plan", f"{plan.plan_digest[:12]} of {moment(plan.created_at)}"),
    ]


def _counts(every: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Datamarts in each state that there is."""
    found = [(state, sum(row["state"] == state for row in every)) for state in ORDER]
    return [(state, n) for state, n in found if n]


def _wave(wave: Wave, found: Recorded, every: Sequence[Mapping[str, Any]], now: float) -> dict[str, Any]:
    record, mine = found.waves.get(wave.name), [row for row in every if row["wave"] == wave.name]
    state = wave_state(found, record)
    return {
        "name": wave.name,
        "state": state,
        "since": f"{utc(record.at)} UTC" if record else "",
        "why": left_of(wave, record, now) if state == "soaking" else record.why if record else "",
        "datamarts": len(wave.datamarts),
        "done": sum(row["done"] for row in mine),
        "actions": sum(row["actions"] for row in mine),
        "rows": sum(row["lines"] for row in mine),
        "soak": wave.soak,
        "gates": coverage_text.gates(wave.gates),
    }


def _bad(plan: Plan, journal: Sequence[Entry]) -> list[tuple[str, str, str]]:
    """What did not end well in the last run that tried it: outcome, address, why."""
    why = {e.address: str(e.detail.get("text", "")) for e in journal if e.step == "reason"}
    wave = {c.address: c.wave for c in plan.resource_changes} | {x.address: x.wave for x in plan.loads}
    states = [(s, a) for a, s in sorted(ended(journal).items()) if a in wave]
    return [(s, a, why.get(a, "")) for s, a in states if s not in GOOD or s == "partial"]


def _passed(found: Recorded) -> list[str]:
    return [name for name, record in found.waves.items() if record.state == "passed"]


def _outcomes(journal: Sequence[Entry]) -> list[Outcome]:
    done = succeeded(journal)
    return [Outcome(a, Status.SUCCEEDED if good else Status.FAILED, "") for a, good in done.items()]
