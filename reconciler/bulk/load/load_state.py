"""What a run has seen of one load so far. Only ever added to: what was seen is never un-seen in a run."""

from dataclasses import replace

from reconciler.bulk.load.prepare import Ready
from reconciler.model.load import Chunk
from reconciler.planning.loads.protocol import ChunkView, LoadView


class LoadState:
    """Of one load; `ready` is there once it is prepared.

    Attributes:
        view: what the protocol decides by.
        errors: what went wrong, in words, without ending the load.
    """

    ready: Ready

    def __init__(self) -> None:
        self.view = LoadView(())
        self.errors: list[str] = []

    def begin(self, ready: Ready) -> None:
        """The load is prepared."""
        self.ready, self.view = ready, ready.view

    def sent(self) -> bool:
        """True if executions of the load were seen."""
        return any(c.executions for c in self.view.chunks)

    def name(self, index: int) -> str:
        """The import's name of a chunk, at its present attempt."""
        return str(self.ready.name(index, self.view_of(index).attempt))

    def chunk(self, index: int) -> Chunk:
        """A chunk, by its index from 1."""
        return self.ready.scan.chunks[index - 1]

    def view_of(self, index: int) -> ChunkView:
        """What is known of a chunk."""
        return self.view.chunks[index - 1]

    def update(self, index: int, **fields: object) -> None:
        """Something more is known of a chunk."""
        new = replace(self.view_of(index), **fields)  # type: ignore[arg-type]
        self.view = replace(
            self.view, chunks=(*self.view.chunks[: index - 1], new, *self.view.chunks[index:])
        )
