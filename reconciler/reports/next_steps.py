"""What to do after actions that did not all end well: retry what the platform failed, continue what is left. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reconciler.kinds.counts import few
from reconciler.model.removal import NO_SUCH_CALL
from reconciler.planning.loads.outcome_findings import chunks_named, resending
from reconciler.reports.style import safe

# Nothing is left of these: a partial load is finished, and what was done twice is not undone by a run.
_ENDED = frozenset({"succeeded", "unchanged", "done", "sent", "partial", "duplicated"})


_CORRECTED = (
    "If a source, its query or a spec has to be corrected first: correct it, then run `reconciler apply`, which makes a new plan."
    " The plan of this run is resumed only as it was."
)


class End(NamedTuple):
    """How an action ended.

    Attributes:
        failed: how many commands the platform failed.
        stuck: chunks of a load that only `--resend` sends again, where nothing else of it is left; empty where it is not known which.
        answered: status of the answer by which the platform refused a removal for good; trying again comes to the same.
    """

    address: str
    state: str | None
    failed: int = 0
    answered: int | None = None
    stuck: tuple[int, ...] | None = None


def next_steps(ends: Iterable[End], command: str = "resume") -> list[str]:
    """A line for each thing to do; nothing where all is done.

    Args:
        ends: of the actions of a run.
        command: that continues its plan.
    """
    every = list(ends)
    failed = [x.address for x in every if x.state == "partial" and x.failed]
    sources = sorted({a.removeprefix("ProfileSource/").partition("@")[0] for a in failed})
    told = [
        f"`reconciler source retry {safe(x)} --failed-lines` sends the failed commands again, as they were; of corrected rows `reconciler apply` makes a new load."
        for x in sources
    ]
    refused = [x for x in every if x.answered is not None]
    imports_stay = any(_is_import(x) for x in refused)
    # The seal of a load goes after its other imports: where these stay, so does it, at each try.
    left = (
        x
        for x in every
        if x.stuck is None and not (x in refused or (imports_stay and _is_import(x) and x.state == "skipped"))
    )
    unfinished = [x for x in left if x.state not in _ENDED]
    if unfinished:
        told.append(f"`reconciler {command}` continues this plan; nothing is sent twice.")
    if command.startswith("resume") and any(
        x.state == "failed" and x.address.startswith("ProfileSource/") for x in unfinished
    ):
        told.append(_CORRECTED)
    return told + [_resent(x.address, x.stuck) for x in every if x.stuck is not None] + _removals(refused)


def _resent(address: str, chunks: Sequence[int]) -> str:
    """What sends chunks again that no run sends by itself: their rows may have arrived, or somebody stopped them."""
    if not chunks:
        return f"No run sends by itself what {safe(address)} has left: `reconciler plan` says why, and which `--resend` does."
    which = chunks_named(chunks)
    return (
        f"No run sends {which} of {safe(address)} again by itself: `reconciler plan` says why. "
        f"{resending(safe(address), chunks)} does."
    )


def _is_import(end: End) -> bool:
    return end.address.startswith("DocumentImport/")


def _removals(refused: Sequence[End]) -> list[str]:
    """What to do where the platform refused removals for good: running again comes to the same, and the specs still ask for it."""
    told = []
    for status in sorted({x.answered or 0 for x in refused}):
        some = [x for x in refused if x.answered == status]
        imports = [x for x in some if _is_import(x)]
        right = "give the token's user the right to remove them, or " if status != NO_SUCH_CALL else ""
        if imports:
            named = safe(few([x.address for x in imports], 1))
            told.append(
                f"The platform refused to remove {named} ({status}), and would again: {right}remove them in the console,"
                " or drop `keep_generations` from the source. Until then they stay, and no load is changed by that."
            )
        told += [
            f"The platform refused to remove {safe(x.address)} ({status}), and would again: {right.replace('them', 'it')}remove it in"
            " the console, or do not ask for it: drop it from the specs, or plan without --prune."
            for x in some
            if not _is_import(x)
        ]
    return told
