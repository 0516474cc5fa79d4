"""How a load was cut, as the names of its imports on the platform say, and what is known of each chunk (design 6). Pure.

Plan, apply and the retry of failed lines all ask here, so that none of them can see other chunks than the others:

    names of the load's imports                              -> cut
    none                                                        that of the spec
    some, none with an execution                                the smallest `max_bytes` and count
    executions under one `max_bytes` and count                  that one
    executions under two                                        refused: nobody can say which lines were sent

A source is read with the `max_bytes` of the cut. Names of other cuts are left alone: nothing was sent under them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.kinds.names import ChunkName, LoadKey
from reconciler.model.listing import Listed, Listing
from reconciler.model.load import Scan, UploadNotes
from reconciler.model.remote import Execution
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.generations import Generation, last_attempt
from reconciler.planning.loads.protocol import ChunkView, LoadView, apply_manual_verdict

Executions = Mapping[str, Listing[Execution]]


@dataclass(frozen=True, slots=True)
class Cut:
    """How a load is cut.

    Attributes:
        max_bytes: of a chunk.
        count: of chunks, as names on the platform say; None where there are none.
        imports: ids by name, of this cut alone.
        refused: why nothing may be sent.
    """

    max_bytes: int
    count: int | None = None
    imports: Mapping[ChunkName, tuple[str, ...]] = field(default_factory=dict)
    refused: str = ""

    def mismatch(self, key: LoadKey, scan: Scan) -> str:
        """Why the chunks of a source, read with this `max_bytes`, are not those of the names; empty if they are."""
        if self.refused or self.count is None:
            return self.refused
        chunks = {c.index: c.chunk12 for c in scan.chunks}
        if self.count != len(chunks) or any(chunks[n.index] != n.chunk12 for n in self.imports):
            return f"{key.title} on the platform was made from other bytes; --reload starts a new load"
        return ""


def rows_of(listing: Listing[Execution] | None) -> tuple[Execution, ...]:
    """Rows of a listing; none of one that failed or was not read."""
    return listing.rows if isinstance(listing, Listed) else ()


def _begun(load: Generation, executions: Executions) -> set[tuple[int, int]]:
    """`max_bytes` and count of the cuts under which something was sent."""
    return {
        (n.max_bytes, n.count)
        for n, ids in load.chunks.items()
        if any(rows_of(executions.get(i)) for i in ids)
    }


def cut_of(load: Generation | None, executions: Executions, source: SourceDefinition) -> Cut:
    """The module's table.

    Args:
        load: as listed; None where the platform knows nothing of it.
        executions: by import id.
        source: as the spec cuts it.
    """
    if load is None or not load.chunks:
        return Cut(source.max_bytes)
    sent = _begun(load, executions)
    max_bytes, count = min(sent or {(n.max_bytes, n.count) for n in load.chunks})
    imports = {n: ids for n, ids in load.chunks.items() if (n.max_bytes, n.count) == (max_bytes, count)}
    words = f"{load.key.title} on the platform was sent in two cuts; --reload starts a new load"
    return Cut(max_bytes, count, imports, words if len(sent) > 1 else "")


def lacks_imports(load: Generation, executions: Executions) -> bool:
    """True if a load was begun and imports of its chunks are not listed: they were deleted, or made after the listing.

    Args:
        load: as listed.
        executions: by import id.
    """
    there = {(n.max_bytes, n.count, n.index) for n in load.chunks}
    return any(sum(x[:2] == cut for x in there) < cut[1] for cut in _begun(load, executions))


def chunk_name(key: LoadKey, max_bytes: int, scan: Scan, index: int, attempt: int) -> ChunkName:
    """The import's name of a chunk.

    Args:
        key: of the load.
        max_bytes: of its cut.
        scan: of the source, so cut.
        index: of the chunk, from 1.
        attempt: from 1.
    """
    return ChunkName(key, max_bytes, index, len(scan.chunks), scan.chunks[index - 1].chunk12, attempt)


def load_view(key: LoadKey, cut: Cut, scan: Scan, executions: Executions, notes: UploadNotes) -> LoadView:
    """What is known of each chunk of a load.

    Args:
        key: of the load.
        cut: how it is cut.
        scan: of the source, read with the `max_bytes` of the cut.
        executions: by import id.
        notes: of uploads to the datamart.
    """
    views = []
    for chunk in scan.chunks:
        attempt, ids = last_attempt(cut.imports, chunk.index)
        rows = tuple(e for i in ids for e in rows_of(executions.get(i)))
        name = str(chunk_name(key, cut.max_bytes, scan, chunk.index, attempt))
        seen = ChunkView(chunk.index, chunk.lines, attempt, bool(ids), rows, refused=name in notes.refused)
        verdict = notes.verdicts.get((str(key), chunk.index))
        views.append(apply_manual_verdict(seen, verdict))
    return LoadView(tuple(views))


def as_cut(source: SourceDefinition, cut: Cut) -> SourceDefinition:
    """The source, read as the names say."""
    return source if cut.max_bytes == source.max_bytes else replace(source, max_bytes=cut.max_bytes)
