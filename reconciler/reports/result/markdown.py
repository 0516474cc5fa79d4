"""The outcome of an apply as Markdown, for the comment of a pull request and the page of a run. Pure."""

from collections.abc import Iterable, Sequence
from functools import partial

from reconciler.model.exit_code import Exit
from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.plan import Plan
from reconciler.planning.plan.coverage import Coverage
from reconciler.reports import allowed
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.line_counts import not_processed
from reconciler.reports.markdown import cell, code, fitted, headline, table
from reconciler.reports.result.text import counted, todo

_HEADS: dict[int, str] = {
    Exit.DONE: "Applied.",
    Exit.PARTLY: "Applied in part. It is safe to run it again.",
    Exit.REFUSED: "Refused. Nothing was written.",
    Exit.LOCKED: "Another run holds the lock.",
    Exit.HUNG_UP: "Interrupted. `resume` continues the run.",
    Exit.INTERRUPTED: "Interrupted. `resume` continues the run.",
    Exit.TERMINATED: "Interrupted. `resume` continues the run.",
}
_COUNTS = {
    "read": "Read",
    "rejected": "Rejected",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "unknown": "Result unknown",
    "not_processed": "Not processed",
}
_OF_DELTAS = {"unchanged": "Unchanged", "gone": "No longer in the source"}


def render(
    outcomes: Sequence[Outcome], exit_code: int, plan: Plan, told: str, found: Coverage | None = None
) -> str:
    """What happened first, what is not well before what is.

    Args:
        outcomes: one per action.
        exit_code: of the command.
        plan: what was carried out.
        told: what the text says last, where there are no outcomes.
        found: coverage after the run, in a rollout.
    """
    return fitted(lambda rows: _rendered(outcomes, exit_code, plan, told, found, rows))


def _rendered(
    outcomes: Sequence[Outcome], exit_code: int, plan: Plan, told: str, found: Coverage | None, rows: int
) -> str:
    words = ", ".join(f"{n:,} {status}" for status, n in counted(outcomes).items())
    head = _HEADS.get(exit_code, "Failed.")
    lines = [f"## {head} {words}." if words else f"## {cell(told)}", ""]
    lines.append(headline(plan))
    lines += ["", *(f"> **Guard overridden:** {cell(x)}" for x in allowed.sentences(plan.overrides)), ""]
    bad = [o for o in outcomes if o.status not in GOOD]
    lines += table("Not done", "| Outcome | Address | Why |\n|---|---|---|", bad, _bad, rows)
    steps = [f"- {cell(step)}" for step in todo(outcomes)] if bad else []
    lines += ["Next:", "", *steps, ""] if steps else []
    failed = [(o, x) for o in outcomes for x in o.failed_lines]
    lines += table(
        "Rows that failed",
        "| Load | Where | Why |\n|---|---|---|",
        failed,
        lambda x: f"| `{code(x[0].address)}` | `{code(x[1].where)}` | {cell(x[1].reason)} |",
        rows,
    )
    loads = [o for o in outcomes if "read" in o.counts]
    shown = _COUNTS | {k: v for k, v in _OF_DELTAS.items() if any(o.counts.get(k) for o in loads)}
    heads = f"| Load | Outcome | {' | '.join(shown.values())} |\n|---|---|{'--:|' * len(shown)}"
    lines += table("Loads", heads, loads, partial(_load, shown), rows)
    done = [o for o in outcomes if o.status in GOOD and o.status is not Status.UNCHANGED and o not in loads]
    lines += table("Done", "| Action | Address |\n|---|---|", done, _done, rows)
    lines += coverage_text.markdown_matrix(found) if found is not None else []
    return "\n".join(lines).rstrip() + "\n"


def _bad(outcome: Outcome) -> str:
    return f"| {outcome.status.value} | `{code(outcome.address)}` | {cell(outcome.message)} |"


def _load(shown: Iterable[str], outcome: Outcome) -> str:
    found = {**outcome.counts, "not_processed": not_processed(outcome.counts)}
    counts = " | ".join(f"{found.get(x, 0):,}" for x in shown)
    return f"| `{code(outcome.address)}` | {outcome.status.value} | {counts} |"


def _done(outcome: Outcome) -> str:
    return f"| {outcome.action} | `{code(outcome.address)}` |"
