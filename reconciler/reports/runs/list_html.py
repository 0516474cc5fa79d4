"""Runs as one page of HTML that needs nothing else: how each ended, why, who ran it, and what to do about the newest. Pure."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reconciler.kinds.counts import many
from reconciler.reports.page import template
from reconciler.reports.runs import table
from reconciler.reports.runs.story import State, Told
from reconciler.reports.runs.text import took
from reconciler.reports.times import utc

_TEMPLATE = Path(__file__).parent / "templates" / "runs.html"
LOOK = {State.SUCCEEDED: "good", State.PARTIAL: "wait", State.RUNNING: "wait"}
_BORDER = {"good": "", "wait": "part"}


def render(runs: Sequence[Told], workspace: str, asked: Sequence[tuple[str, str]]) -> str:
    """The page.

    Args:
        runs: newest first.
        workspace: its name.
        asked: what the list is limited to, such as `("since", "7d")`.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    counts = Counter(told.state for told in runs)
    newest = runs[0] if runs else None
    page: str = template(_TEMPLATE).render(
        workspace=workspace,
        verdict=_verdict(runs, asked),
        look=_BORDER.get(LOOK.get(newest.state, "bad"), "not") if newest else "",
        todo=newest.todo if newest else [],
        facts=list(asked),
        counts=[(state.value, LOOK.get(state, "bad"), counts[state]) for state in State if counts[state]],
        rows=[
            {
                "told": told,
                "look": LOOK.get(told.state, "bad"),
                "state": table.state(told),
                "actions": table.actions(told),
                "started": utc(told.run.started),
                "took": took(told.run),
            }
            for told in runs
        ],
    )
    return page


def _verdict(runs: Sequence[Told], asked: Sequence[tuple[str, str]]) -> str:
    """How the newest run ended."""
    if not runs:
        return table.none(narrowed=bool(asked))
    newest = runs[0]
    return f"{many(len(runs), 'run')}; the newest, run {newest.run.id}: {table.state(newest)}."
