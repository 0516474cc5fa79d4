"""The outcome of an apply as text. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.kinds.counts import many
from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.removal import REFUSED
from reconciler.reports.folded import wrapped
from reconciler.reports.line_counts import HIDDEN_WORDS, fates, shares
from reconciler.reports.next_steps import End, next_steps
from reconciler.reports.style import Style, safe

_UNAUTHORIZED = re.compile(r": 401\b")
REFUSED_401 = "The platform did not accept the token (401), which may have expired: set a new one; `reconciler doctor` checks it."
_MARK = {Status.SUCCEEDED: "ok", Status.UNCHANGED: "ok", Status.SENT: "sent"}


def line(outcome: Outcome, style: Style) -> str:
    """One line, or a few, as an action ends."""
    if outcome.status is Status.UNCHANGED and not outcome.counts:
        return f"{style.green(outcome.status.value)}  {outcome.address}"  # it was not created: it was there
    good = outcome.status in GOOD
    mark = (
        style.green
        if good
        else style.yellow
        if outcome.status in (Status.PARTIAL, Status.SKIPPED)
        else style.red
    )
    action = "" if outcome.action == "no-op" and not good else f"  {style.dim(outcome.action)}"
    text = f"{mark(outcome.status.value)}  {outcome.address}{action}"
    lines = [text]
    if outcome.counts and "read" in outcome.counts:
        lines.append(f"    {shares(outcome.counts)}\n    {fates(outcome.counts)}")
    if "verified" in outcome.counts:
        c = outcome.counts
        lines.append(
            f"    read back: {c['verified']:,} as predicted, {c['differing']:,} not, {c['not_verified']:,} not verified"
        )
    lines += _failed(outcome)
    if outcome.message and outcome.status is not Status.UNCHANGED:
        lines += wrapped(
            safe(outcome.message)[:600], style.width, initial_indent="    ", subsequent_indent="    "
        )
    return "\n".join(lines)


def _failed(outcome: Outcome) -> list[str]:
    """Lines that the remote refused, where they stand in the source."""
    lines = [f"    {safe(x.where)} {safe(x.reason)}".rstrip()[:200] for x in outcome.failed_lines]
    more = outcome.counts.get("failed", 0) - len(outcome.failed_lines) - outcome.unplaced
    if any("…" in x.reason for x in outcome.failed_lines):
        lines.append(f"    {HIDDEN_WORDS}")
    if lines and more > 0:
        lines.append(f"    … and {more:,} more")
    if outcome.unplaced and outcome.status is Status.PARTIAL:
        lines.append(
            f"    {many(outcome.unplaced, 'failed command has', 'failed commands have')} no known row: the platform does not report which rows failed"
        )
    return lines


def summary(counts: Mapping[str, int], style: Style, *, stopped: bool = False) -> str:
    """One line, of what the stream's last event counted: how many of each.

    Args:
        counts: of actions, by how they ended.
        style: how to mark text.
        stopped: a rollout stopped, so waves are left however well all actions ended.
    """
    words = ", ".join(f"{counts[s]} {s.value}" for s in Status if s in counts)
    if counts.keys() <= GOOD and not stopped:
        return f"{style.bold('Apply complete:')} {words or 'nothing to do'}."
    return f"{style.bold('Apply incomplete:')} {words or 'nothing was done'}."


def todo(outcomes: Sequence[Outcome]) -> list[str]:
    """What to run next, a line each."""
    refused = (
        [REFUSED_401]
        if any((o.stopped and "401" in o.message) or _UNAUTHORIZED.search(o.message) for o in outcomes)
        else []
    )
    return refused + next_steps(
        End(
            o.address,
            o.status.value,
            o.counts.get("failed", 0),
            o.answered if o.action == "delete" and o.answered in REFUSED else None,
            o.stuck,
        )
        for o in outcomes
    )


def counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many actions ended how, by status."""
    return dict(sorted(Counter(o.status.value for o in outcomes).items()))
