"""Runs as a table that fits 80 columns. Pure."""

import textwrap
from collections.abc import Sequence

from reconciler.reports.folded import wrapped
from reconciler.reports.runs.story import State, Told
from reconciler.reports.runs.text import in_words, of_wave, took
from reconciler.reports.style import Style, safe
from reconciler.reports.times import utc

_LEAST = 24  # characters of a line that are left for what a run did
_WHY = 200  # characters of a reason; `runs show` has all of it


def none(*, narrowed: bool) -> str:
    """What is said where there is no run to show."""
    return "No run in the ledger is as asked." if narrowed else "The ledger has no runs."


def render(runs: Sequence[Told], style: Style, *, narrowed: bool = False) -> str:
    """One line a run; longer where it needs more words.

    Args:
        runs: newest first.
        style: how to mark text.
        narrowed: flags limit the list.
    """
    if not runs:
        return f"{none(narrowed=narrowed)}\n"
    titles = f"{'run':>4}  {'started (UTC)':<19}  {'took':>7}  {'state':<11}  "
    beside = style.width - len(titles) >= _LEAST  # on a narrow terminal what a run did has lines of its own
    lines = [style.bold(f"{titles}{'actions' if beside else ''}".rstrip())]
    for told in runs:
        head = f"{told.run.id:>4}  {utc(told.run.started):<19}  {took(told.run):>7}  {told.state.value:<11}  "
        first, indent = (head, " " * len(head)) if beside else (" " * 6, " " * 8)
        lines += [] if beside else [head.rstrip()]
        lines += wrapped(actions(told), style.width, initial_indent=first, subsequent_indent=indent)
        if told.why:
            words = textwrap.shorten(safe(told.why), _WHY, placeholder=" …")
            lines += wrapped(
                f"because: {words}", style.width, initial_indent=" " * 6, subsequent_indent=" " * 8
            )
    newest = runs[0]
    if newest.state is State.INTERRUPTED and newest.completed_by is None:
        for words in newest.todo:
            lines += ["", *wrapped(f"Run {newest.run.id} was interrupted: {words}", style.width)]
    return "\n".join(lines) + "\n"


def actions(told: Told) -> str:
    """How many actions ended how."""
    words = [f"{n:,} {in_words(state)}" for state, n in told.counts.items()]
    if told.completed_by is not None:
        words.append(f"completed by run {told.completed_by}")
    if told.rollout is not None:
        words.append(of_wave(told.rollout, told.steps, told.plan))
    return ", ".join(words) or "none"


def state(told: Told) -> str:
    """The state in words, with what is left to be known."""
    if told.completed_by is not None:
        return f"{told.state.value}; completed by run {told.completed_by}"
    if told.open_write:
        return f"{told.state.value}; a write may still be in flight"
    return told.state.value
