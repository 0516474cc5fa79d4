"""What came after a load was sealed: twins of its executions, and executions of loads that it superseded (design 6). Pure.

No lock excludes every other run (another machine, a lost ledger), and a listing may lag. So a duplicate that could not be
prevented is told by the first plan after the seal.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.remote import Execution
from reconciler.planning.loads.generations import Generation, number


@dataclass(frozen=True, slots=True)
class Late:
    """One thing that came after the seal.

    Attributes:
        superseded: it is of a load that another one superseded; else it is one of several executions of a chunk.
        executions: ids of those that it is about; who has reported all of them has reported it.
    """

    message: str
    executions: frozenset[str]
    superseded: bool = False

    def finding(self, address: str) -> Diagnostic:
        """As a plan says it."""
        if not self.superseded:
            return warning("load-duplicated", self.message, address=address)
        words = "--reload loads the present content again"
        return warning("load-late", self.message, address=address, help=words)


def watched(
    found: Sequence[Generation], retries: Sequence[Generation], due: Collection[int] | None = None
) -> list[Generation]:
    """Sealed loads that are due, their sealed sub-loads, and the unfinished loads that the newest one superseded.

    What is not sealed and newer is looked at by every plan.

    Args:
        found: all loads of a source.
        retries: their sub-loads.
        due: numbers of loads to look at; None is the newest one.
    """
    seals = sorted({g.number for g in found if g.seal}, reverse=True)
    if not seals:
        return []
    wanted = {seals[0]} if due is None else {*due}
    before = seals[1] if len(seals) > 1 else 0
    if seals[0] in wanted:
        wanted |= {g.number for g in found if before < g.number < seals[0]}
    return [
        *(g for g in found if g.number in wanted and g.number <= seals[0]),
        *(g for g in retries if g.number in wanted & {*seals} and g.seal),
    ]


def late(looked_at: Sequence[Generation], executions: Mapping[str, Sequence[Execution]]) -> Iterator[Late]:
    """Chunks that were sent more than once, and executions of a superseded load that came after those of its successor.

    Args:
        looked_at: see `watched`.
        executions: by import id.
    """
    by_chunk = {
        (g.key, name): sorted((e.id for i in ids for e in executions.get(i, ())), key=number)
        for g in looked_at
        for name, ids in g.chunks.items()
    }
    for (key, name), ids in by_chunk.items():
        if len(ids) > 1:
            yield Late(
                f"{key.title}, chunk {name.index}: {many(len(ids), 'execution')} ({', '.join(ids)}) under one import; "
                "its commands were sent more than once",
                frozenset(ids),
            )
    sealed = {g.key.load12: g.number for g in looked_at if g.seal}
    newest = max(sealed.values(), default=0)
    current = {load12 for load12, generation in sealed.items() if generation == newest}
    first = min(
        (number(i) for (k, _), ids in by_chunk.items() if k.load12 in current for i in ids), default=None
    )
    for (key, name), ids in by_chunk.items():
        if key.generation > newest or (key.generation == newest and key.load12 in current):
            continue
        came_late = [i for i in ids if first is not None and number(i) > first]
        if came_late:
            other = (
                f"load {newest}, which superseded it,"
                if key.generation < newest
                else "a load with its number and other content"
            )
            yield Late(
                f"{key.title}, chunk {name.index}: execution {came_late[0]} came after {other} had begun; "
                "older content may have replaced newer",
                frozenset(came_late),
                superseded=True,
            )
