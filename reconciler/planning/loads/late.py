"""What came after a load was sealed: twins of its executions, and executions of loads that it superseded (design 6). Pure.

No lock excludes every other run (another machine, a lost ledger), and a listing may lag. So a duplicate that could not be
prevented is told by the first plan after the seal.
"""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.remote import Execution
from reconciler.planning.loads.generations import Generation, number


def watched(found: Sequence[Generation], retries: Sequence[Generation]) -> list[Generation]:
    """The newest sealed load, its sealed sub-loads, and the unfinished loads that it superseded.

    What is not sealed and newer is looked at by every plan.
    """
    seals = sorted({g.number for g in found if g.seal}, reverse=True)
    if not seals:
        return []
    before = seals[1] if len(seals) > 1 else 0
    return [
        *(g for g in found if before < g.number <= seals[0]),
        *(g for g in retries if g.number == seals[0] and g.seal),
    ]


def late_findings(
    address: str, looked_at: Sequence[Generation], executions: Mapping[str, Sequence[Execution]]
) -> Iterator[Diagnostic]:
    """Chunks that were sent more than once, and executions of a superseded load that came after those of its successor.

    Args:
        address: of the load.
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
            yield warning(
                "load-duplicated",
                f"{key.title}, chunk {name.index}: {len(ids)} executions ({', '.join(ids)}) under one import; "
                "its commands were sent more than once",
                address=address,
            )
    newest = max((key.generation for key, _ in by_chunk), default=0)
    first = min(
        (number(i) for (k, _), ids in by_chunk.items() if k.generation == newest for i in ids), default=None
    )
    for (key, name), ids in by_chunk.items():
        late = [i for i in ids if first is not None and key.generation < newest and number(i) > first]
        if late:
            yield warning(
                "load-late",
                f"{key.title}, chunk {name.index}: execution {late[0]} came after load {newest}, which superseded it, had begun; "
                "older content may have replaced newer",
                address=address,
                help="--reload loads the present content again",
            )
