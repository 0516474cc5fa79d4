"""What a worker of a cluster does of one pass over a source: it checks or digests a part of it.

It gives back counts, digests and places. Lines stay on the worker: some of them for a while in its memory, since they are digested
next. A file that is not the one that the coordinator found is not read.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec

from reconciler.bulk.scan import worker_frames
from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.chosen import Chosen, sent
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.cuttable import ends_of
from reconciler.bulk.scan.elsewhere import Elsewhere
from reconciler.bulk.scan.file_looks import Eyes
from reconciler.bulk.scan.identifiers import without_accounts
from reconciler.bulk.scan.worker_frames import STRETCH
from reconciler.bulk.scan.worker_memory import Continued, Kept
from reconciler.bulk.scan.worker_parts import (
    Looked,
    Pass,
    Piece,
    Place,
    Stretch,
    one_piece,
    read,
    require,
)
from reconciler.bulk.sources.segments import Segment, segments
from reconciler.errors import ReconcilerError
from reconciler.model.load import Chunk

ENDS_ASKED_FROM = (
    16_000_000  # bytes of a chunk from which on chunks end in so few segments that those are asked about
)
KEPT_BYTES = 256_000_000  # lines that wait to be digested


def look(task: Pass, place: Place, stretch: Stretch, accounts: int) -> Looked:
    """Check a stretch.

    Args:
        task: the pass.
        place: the file that it is of.
        stretch: what to check.
        accounts: of so many lines the accounts are digested, too.

    Raises:
        ReconcilerError: it cannot be read, or is another one.
    """
    require(task, place)
    checked = _Checked(task, accounts=accounts, keep=True)
    found, first = [], stretch.first
    with ExitStack() as stack:
        chosen = [p.chosen for p in stretch.segments]
        for segment, lines in itertools.zip_longest(read(task, place, stretch, stack), chosen):
            found.append(checked(segment, first=first, chosen=lines))
            first = False
    return Looked(tuple(found), last=False)


def look_through(task: Pass, place: Place, number: int, accounts: int) -> Looked:
    """Check the segments of a file that is read from its beginning on; each call gives more.

    Args:
        task: the pass.
        place: the file.
        number: how many answers were given before.
        accounts: of so many lines the accounts are digested, too.

    Raises:
        ReconcilerError: it cannot be read, or is another one.
    """
    return _looking.item((task.key, place.file), number, lambda: _looked(task, place, accounts=accounts))


def digest(task: Pass, places: Sequence[Place], chunks: Sequence[Chunk]) -> tuple[str, ...]:
    """Digests of chunks that follow one another, made in one reading.

    Args:
        task: the pass.
        places: those from the start of the first chunk to the end of the last.
        chunks: which.

    Raises:
        ReconcilerError: a place cannot be read, or is another one.
    """
    for place in places:
        require(task, place)
    first, root, names = places[0].file, Path(task.root), [p.name for p in places]
    ours = [replace(c, start=replace(c.start, file=c.start.file - first)) for c in chunks]
    made = []
    for run in _runs(ours):
        size = sum(c.size for c in run)
        pieces = chunk_pieces(root, names, task.source, replace(run[0], size=size))
        made += _divided(pieces, [c.size for c in run])
    return tuple(made)


def digest_pieces(task: Pass, places: Sequence[Place], pieces: Sequence[Piece], skip: int, size: int) -> str:
    """The digest of one chunk, from segments that can be read by themselves; of some the lines may still be here.

    Args:
        task: the pass.
        places: the files of the pieces.
        pieces: in order.
        skip: bytes of lines of the first one that belong to the chunk before.
        size: of the chunk.

    Raises:
        ReconcilerError: a place cannot be read, or is another one.
    """
    by_index = {p.file: p for p in places}
    for place in places:
        require(task, place)
    check, made = checker(task.source), hashlib.sha256()
    for piece in pieces:
        data = _lines(task, by_index[piece.segment.file], piece, check)
        part = memoryview(data)[skip : skip + size]
        skip = max(0, skip - len(data))
        size -= len(part)
        made.update(part)
        _kept.used(_key(task, piece.segment), len(part))
    return made.hexdigest()


def ends(task: Pass, place: Place, piece: Piece) -> bytes:
    """Where the lines of a segment end, which may still be here.

    Args:
        task: the pass.
        place: the file that it is of.
        piece: the segment.

    Raises:
        ReconcilerError: it cannot be read, or is another one.
    """
    require(task, place)
    return ends_of(_lines(task, place, piece, checker(task.source)))


def _lines(task: Pass, place: Place, piece: Piece, check: Callable[[Segment], Batch]) -> bytes:
    """The lines to send of a segment: those that were made here, or made again."""
    kept = _kept.get(_key(task, piece.segment))
    if kept is not None:
        return kept
    with ExitStack() as stack:
        again = read(task, place, one_piece(task, piece), stack)
        return b"".join(sent(check(s), s, piece.chosen).bytes_of(s) for s in again)


def _key(task: Pass, segment: Segment) -> tuple[str, int, int]:
    return task.key, segment.file, segment.offset


def forget(key: str) -> None:
    """A pass is over: keep nothing of it."""
    _kept.forget(key)
    worker_frames.forget(key)
    _looking.forget(key)


def _looked(task: Pass, place: Place, *, accounts: int) -> Iterator[Looked]:
    require(task, place)
    checked = _Checked(task, accounts=accounts, keep=False)
    found, first = list[tuple[Segment, Batch]](), True
    for segment in segments(Path(task.root), [place.name], task.source):
        if len(found) >= STRETCH:
            yield Looked(tuple(found), last=False)
            found.clear()
        found.append(checked(segment._replace(file=place.file), first=first))
        first = False
    yield Looked(tuple(found), last=True)


class _Checked:
    """Checks segments, and gives back what may leave the worker."""

    def __init__(self, task: Pass, *, accounts: int, keep: bool) -> None:
        self._task, self._accounts, self._keep, self._eyes = task, accounts, keep, Eyes(task.source)
        self._check = checker(task.source, look=True, schemas=task.schemas)

    def __call__(
        self, segment: Segment, *, first: bool, chosen: Chosen | None = None
    ) -> tuple[Segment, Batch]:
        made = self._check(segment, accounts=self._accounts > 0)
        glance = self._eyes.glance(segment, made.rejects, first=first)
        batch = sent(made, segment, chosen, self._task.takes)
        data = batch.bytes_of(segment)
        if self._keep and batch.data is not None:
            _kept.put(_key(self._task, segment), data)
        asked = self._keep and self._task.source.max_bytes >= ENDS_ASKED_FROM
        there = Elsewhere(len(data), b"" if asked else ends_of(data), glance)
        seen = batch.identifiers
        if seen is not None:
            seen = without_accounts(seen, self._task.salt, self._accounts)
            self._accounts -= len(seen.spellings or ())
        told = msgspec.structs.replace(
            batch,
            data=None if batch.data is None else b"",
            rejects=[_without_identity(r) for r in batch.rejects],
            identifiers=seen,
            elsewhere=there,
        )
        bare = segment._replace(data=b"", frame=None, schema=None, columns=None, broken=())
        return bare, told


def _without_identity(found: Rejected) -> Rejected:
    return found if found.who is None else msgspec.structs.replace(found, who=None)


def _runs(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Chunks that are read in one go: those whose lines are made, or that stand in a file just so, one behind the other."""
    run = list[Chunk]()
    for chunk in chunks:
        if run and not _one_go(run[-1], chunk):
            yield run
            run = []
        run.append(chunk)
    if run:
        yield run


def _one_go(before: Chunk, chunk: Chunk) -> bool:
    if not (before.verbatim and chunk.verbatim):
        return not (before.verbatim or chunk.verbatim)
    end = before.start.file, before.start.offset + before.size
    return end == (chunk.start.file, chunk.start.offset)


def _divided(pieces: Iterator[bytes], sizes: Sequence[int]) -> list[str]:
    """The digests of parts of these sizes."""
    made, hashed, at, left = list[str](), hashlib.sha256(), 0, sizes[0]
    for piece in pieces:
        begin = 0
        while begin < len(piece):
            part = memoryview(piece)[begin : begin + left]
            hashed.update(part)
            begin, left = begin + len(part), left - len(part)
            if not left:
                made.append(hashed.hexdigest())
                hashed, at = hashlib.sha256(), at + 1
                left = sizes[at] if at < len(sizes) else len(piece)
    if len(made) < len(sizes):
        raise ReconcilerError("the source changed while it was read")
    return made


_looking = Continued[Looked]()
_kept = Kept(KEPT_BYTES)
