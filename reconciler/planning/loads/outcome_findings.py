"""What a plan says of loads that are there already: commands that failed, chunks that nothing sends again unasked. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import few, many
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.listing import Listing
from reconciler.model.remote import Import
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.generations import Decision, Do, generations, still_failed
from reconciler.planning.loads.protocol import ChunkState, LoadView, states

MOST_RESENT = 5  # chunks that a command names
_RETRY = "`reconciler source retry {} --failed-lines` sends them again, as they were; of corrected rows `reconciler apply` makes a new load"
# Why a chunk is not sent again without being asked for; of one that failed, where its rows are not safe to be sent twice.
_STUCK = {
    ChunkState.FAILED: "sending the rows again could make merged arrays grow",
    ChunkState.CANCELED: "canceled on the platform",
    ChunkState.DELETED: "the import was deleted on the platform",
}


_SENT = {
    ChunkState.LIVE: "its execution has not ended yet",
    ChunkState.SUCCEEDED: "it succeeded",
    ChunkState.PARTIAL: "the platform processed it, and failed some of its rows",
}


def require_resendable(address: str, decision: Decision, view: LoadView, asked: Collection[int]) -> None:
    """A flag that would do nothing is refused: what was processed is sent again only as a load.

    Args:
        address: of the load.
        decision: about it.
        view: of its chunks.
        asked: chunks that the user named.

    Raises:
        ReconcilerError: the load has ended, or one of these chunks needs no new attempt.
    """
    found = states(view)
    for index in sorted(asked):
        ended = decision.do is Do.NOTHING
        why = "the load has ended" if ended else _SENT.get(found.get(index, ChunkState.UNKNOWN))
        if why:
            raise ReconcilerError(
                f"--resend {address}#{index}: {why}, so the chunk is not sent again",
                help=f"`--reload {address}` sends the whole load again; `reconciler source retry` sends only failed rows",
            )


# How far chunks are, in the order in which that is said; of some the numbers are said, too: a person may have to name one.
_FAR = {
    "done": (ChunkState.SUCCEEDED, ChunkState.PARTIAL, ChunkState.REFUSED),
    "sent and not ended": (ChunkState.LIVE, ChunkState.UNKNOWN),
    "failed": (ChunkState.FAILED,),
    "canceled": (ChunkState.CANCELED,),
    "whose import was deleted": (ChunkState.DELETED,),
    "not sent": (ChunkState.UNSENT, ChunkState.MISSING),
}
_BY_COUNT = ("done", "not sent")
_NAMED = 5


def how_far(view: LoadView) -> str:
    """How far the chunks of an unfinished load are; each is counted once.

    Args:
        view: of its chunks.
    """
    now, parts = states(view), []
    for words, of in _FAR.items():
        numbers = [str(i) for i, s in sorted(now.items()) if s in of]
        named = "" if words in _BY_COUNT else f" (#{few(numbers, _NAMED)})"
        parts += [f"{len(numbers):,} {words}{named}"] if numbers else []
    return f"of {many(len(now), 'chunk')} {', '.join(parts)}"


def stuck(view: LoadView) -> set[int]:
    """Chunks that nothing sends again unasked."""
    return {i for i, s in states(view).items() if s in _STUCK}


def why_stuck(view: LoadView) -> str:
    """Of the chunks that keep a load from its end, where nothing else is left to do."""
    now, told = states(view), []
    for state, why in _STUCK.items():
        if numbers := [i for i in sorted(now) if now[i] is state]:
            told.append(f"{chunks_named(numbers)}: {why}")
    return f"; {'; '.join(told)}; only --resend sends {'it' if len(stuck(view)) == 1 else 'them'} again"


def chunks_named(numbers: Sequence[int]) -> str:
    """Some chunks, by their numbers; of many the first ones."""
    return f"chunk {numbers[0]}" if len(numbers) == 1 else f"chunks {few([*map(str, numbers)], _NAMED)}"


def resending(address: str, chunks: Sequence[int]) -> str:
    """The command that sends chunks again, in backticks; of many it names the first.

    Args:
        address: of their load.
        chunks: their numbers.
    """
    flags = " ".join(f"--resend '{address}#{chunk}'" for chunk in chunks[:MOST_RESENT])
    more = "" if len(chunks) <= MOST_RESENT else ", with a flag for each chunk,"
    return f"`reconciler apply {flags}`{more}"


_WAYS_OUT = {
    "--reload": "sends all rows, as a new load",
    "--supersede": "abandons the unfinished load and starts the new one",
}


def way_out(decision: Decision, address: str) -> str | None:
    """The command for what a refused load proposes; None where it proposes none.

    Args:
        decision: to refuse it.
        address: of the load.
    """
    found = (
        f"`reconciler apply {f} {address}` {does}" for f, does in _WAYS_OUT.items() if f in decision.reason
    )
    return next(found, None)


def unsent_words(left: Mapping[str, int]) -> str:
    """How much of a superseded load was not sent.

    Args:
        left: how many chunks it has, and how many of them were not sent.
    """
    of = many(left["chunks"], "chunk")
    if left["unsent"] == 0:
        return f"all of it was sent ({of})"
    return f"of its {of}, {many(left['unsent'], 'was', 'were')} not sent"


def retried(
    decision: Decision, imports: Listing[Import], definition: SourceDefinition
) -> tuple[Decision, int]:
    """The decision with what became of commands that failed, and how many still are not loaded."""
    latest = decision.latest
    if decision.do is not Do.NOTHING or latest is None or latest.seal is None or not latest.seal.failed:
        return decision, 0
    left = still_failed(latest, generations(imports.require().rows, definition.former, retries=True))
    again = latest.seal.failed - left
    words = f"; {again:,} of them were sent again and succeeded" if again else ""
    return replace(decision, reason=decision.reason + words), left


def outcome_findings(
    decision: Decision, view: LoadView, address: str, actions: tuple[str, ...], left: int
) -> list[Diagnostic]:
    """What is to be said of how a load ended.

    Args:
        decision: about the load.
        view: of its chunks.
        address: of the load.
        actions: what is done.
        left: how many of its commands failed and were not sent again with success.
    """
    findings = []
    if left:
        source = address.removeprefix("ProfileSource/").partition("@")[0]
        findings.append(warning("load-partial", decision.reason, address=address, help=_RETRY.format(source)))
    if decision.do is Do.RESUME and actions == ("no-op",):
        number = decision.latest.number if decision.latest else "?"
        words = f"load {number} cannot finish without a decision{why_stuck(view)}"
        todo = f"{resending(address, sorted(stuck(view)))} sends {'it' if len(stuck(view)) == 1 else 'them'} again"
        findings.append(warning("load-stuck", words, address=address, help=todo))
    return findings
