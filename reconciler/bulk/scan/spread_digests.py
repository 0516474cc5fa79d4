"""The digests of chunks whose lines are on workers: asked for as soon as a chunk is cut."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.bulk.scan import worker_tasks
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.worker_parts import Pass, Piece, Place, Stretch
from reconciler.bulk.scan.workers import Given, Workers
from reconciler.bulk.sources.segments import Segment
from reconciler.model.load import Chunk


class _Uncut(NamedTuple):
    """A segment whose lines are not all in chunks yet; `piece` is None if it cannot be read by itself."""

    file: int
    piece: Piece | None
    size: int
    worker: str


class _Content(NamedTuple):
    """What a chunk is made of: segments, and how many bytes of the first one belong to the chunk before."""

    parts: tuple[_Uncut, ...]
    skip: int


class Digesting:
    """Of the chunks of one pass."""

    def __init__(self, workers: Workers, task: Pass, places: Sequence[Place]) -> None:
        self._workers, self._task, self._places = workers, task, places
        self._framed = dict[tuple[int, int], Piece]()
        self._uncut = deque[_Uncut]()
        self._taken = 0  # bytes of the first of them
        self._seen = 0  # chunks
        self._together = list[
            Chunk
        ]()  # that one task reads in one go, since their file is read from its beginning
        self._last = 0  # the file in which they end
        self._given = list[Given[Any]]()

    def expect(self, stretch: Stretch) -> None:
        """These segments will be checked."""
        for piece in stretch.segments:
            self._framed[piece.segment.file, piece.segment.offset] = piece

    def add(self, segment: Segment, batch: Batch, worker: str) -> Piece | None:
        """A segment that a worker checked; as it can be read by itself, if it can."""
        piece = self._framed.pop((segment.file, segment.offset), None)
        if self._task.source.format == "parquet":
            piece = Piece(segment, batch.records)
        if batch.elsewhere is not None and batch.elsewhere.size:
            self._uncut.append(_Uncut(segment.file, piece, batch.elsewhere.size, worker))
        return piece

    def cut(self, chunks: Sequence[Chunk]) -> None:
        """Have the chunks digested that are new among these."""
        for chunk in chunks[self._seen :]:
            content = self._content(chunk.size)
            end = content.parts[-1].file
            if self._together and chunk.start.file != self._together[0].start.file:
                self._read_through()
            if any(p.piece is None for p in content.parts):
                self._together.append(chunk)
                self._last = end
            elif chunk.verbatim:
                self._give(worker_tasks.digest, self._places_of(chunk.start.file, end), (chunk,))
            else:
                self._give_pieces(content, chunk)
        self._seen = len(chunks)

    def _content(self, size: int) -> _Content:
        """Take so many bytes from the segments that are not cut."""
        parts, skip = list[_Uncut](), self._taken
        while size:
            parts.append(self._uncut[0])
            here = min(size, self._uncut[0].size - self._taken)
            size, self._taken = size - here, self._taken + here
            if self._taken == self._uncut[0].size:
                self._uncut.popleft()
                self._taken = 0
        return _Content(tuple(parts), skip)

    def _give_pieces(self, content: _Content, chunk: Chunk) -> None:
        pieces = tuple(p.piece for p in content.parts if p.piece is not None)
        workers = [p.worker for p in content.parts]
        places = self._places_of(content.parts[0].file, content.parts[-1].file)
        near = max(workers, key=workers.count)
        self._give(worker_tasks.digest_pieces, places, pieces, content.skip, chunk.size, near=near)

    def _read_through(self) -> None:
        if self._together:
            places = self._places_of(self._together[0].start.file, self._last)
            self._give(worker_tasks.digest, places, tuple(self._together))
            self._together = []

    def _places_of(self, first: int, last: int) -> tuple[Place, ...]:
        return tuple(self._places[first : last + 1])

    def _give(self, task: Any, *args: Any, near: str = "") -> None:
        self._given.append(self._workers.give(task, self._task, *args, near=near, first=True))

    def digested(self, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """All of them, with their digests.

        Raises:
            ReconcilerError: the source cannot be read again, or there is no worker.
        """
        self.cut(chunks)
        self._read_through()
        made = list[str]()
        for given in self._given:
            found = given.result()
            made += [found] if isinstance(found, str) else found
        return tuple(replace(c, sha256=d) for c, d in zip(chunks, made, strict=True))

    def cancel(self) -> None:
        """No more is wanted."""
        for given in self._given:
            given.cancel()
