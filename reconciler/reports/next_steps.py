"""What to do after actions that did not all end well: retry what the platform failed, continue what is left. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.reports.style import safe

# Nothing is left of these: a partial load is finished, and what was done twice is not undone by a run.
_ENDED = frozenset({"succeeded", "unchanged", "done", "sent", "partial", "duplicated"})


class End(NamedTuple):
    """How an action ended.

    Attributes:
        failed: how many commands the platform failed.
        answered: status of the answer by which the platform refused a removal for good; trying again comes to the same.
    """

    address: str
    state: str | None
    failed: int = 0
    answered: int | None = None


def next_steps(ends: Iterable[End], command: str = "resume") -> list[str]:
    """A line for each thing to do; nothing where all is done.

    Args:
        ends: of the actions of a run.
        command: that continues its plan.
    """
    every = list(ends)
    failed = [x.address for x in every if x.state == "partial" and x.failed]
    sources = sorted({a.removeprefix("ProfileSource/").partition("@")[0] for a in failed})
    told = [f"`reconciler source retry {safe(x)} --failed-lines` sends the failed commands." for x in sources]
    if any(x.state not in _ENDED and x.answered is None for x in every):
        told.append(f"`reconciler {command}` continues this plan; nothing is sent twice.")
    return told + [
        f"The platform refused to remove {safe(x.address)} ({x.answered}), and would again: remove it in the console, or drop it from the specs."
        for x in every
        if x.answered is not None
    ]
