"""A person's word on a chunk whose fate is unknown: was it sent? Reads the remote; writes the ledger only."""

from concurrent.futures import Executor
from dataclasses import dataclass

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.errors import ReconcilerError, Refused
from reconciler.kinds.names import LoadKey
from reconciler.model.desired import DesiredLoad
from reconciler.model.listing import Unlisted
from reconciler.planning.loads.changes import executed_keys
from reconciler.planning.loads.cut import rows_of
from reconciler.planning.loads.generations import counted, generations, last_attempt, open_generations
from reconciler.planning.loads.protocol import SEALABLE, ChunkState, ChunkView, state


@dataclass(frozen=True, slots=True)
class UnresolvedChunk:
    """A chunk that may be settled: its load, its last attempt, and what the remote shows of it."""

    load: LoadKey
    attempt: int
    seen: ChunkState


def unresolved_chunk(load: DesiredLoad, index: int, reader: Reader, io: Executor) -> UnresolvedChunk:
    """The chunk in question, of the latest load.

    Args:
        load: the source on the datamart.
        index: of the chunk, from 1.
        reader: lists imports and executions.
        io: threads.

    Raises:
        ReadFailed: the remote could not be read.
        Refused: nothing about it is unknown.
        ReconcilerError: there is no such chunk.
    """
    imports = resources.imports(reader, load.datamart_id).require()
    found = generations(imports.rows, load.definition.former)
    ids = [i for g in open_generations(found) for i in g.import_ids]
    listings = dict(
        zip(ids, io.map(lambda i: resources.executions(reader, load.datamart_id, i), ids), strict=True)
    )
    if bad := next((x for x in listings.values() if isinstance(x, Unlisted)), None):
        bad.require()
    top = counted(found, executed_keys(found, listings))
    if not top or top[0].seal:
        what = f"{top[0].key.title} is finished" if top else "nothing was sent yet"
        raise Refused(f"{load.address}: {what}; there is nothing to resolve")
    if len(top) > 1:
        raise Refused(f"{load.address}: two loads have the same number", help="--reload starts a new load")
    if index > max(n.count for n in top[0].chunks):
        count = max(n.count for n in top[0].chunks)
        raise ReconcilerError(
            f"{load.address} has no chunk {index}", help=f"chunks of {top[0].key.title}: {count}"
        )
    attempt, mine = last_attempt(top[0].chunks, index)
    rows = tuple(e for i in mine for e in rows_of(listings.get(i)))
    seen = state(ChunkView(index, 0, attempt, bool(mine), rows), sibling_executed=True)
    if seen in SEALABLE:
        raise Refused(f"{load.address}#{index} ended as {seen.value}; there is nothing to resolve")
    return UnresolvedChunk(top[0].key, attempt, seen)
