"""What a worker of a cluster does of one pass over a source: it frames, checks or digests a part of it.

It gives back counts, digests and places. Lines stay on the worker: some of them for a while in its memory, since they are digested
next. A file that is not the one that the coordinator found is not read.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.scan.check import checker, with_taken
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.cuttable import ends_of
from reconciler.bulk.scan.duplicates import NumberedLines
from reconciler.bulk.scan.elsewhere import Elsewhere
from reconciler.bulk.scan.exclude import only, without
from reconciler.bulk.scan.file_looks import Eyes
from reconciler.bulk.scan.gathering import Take
from reconciler.bulk.scan.identifiers import without_accounts
from reconciler.bulk.scan.reading import SourceDigest
from reconciler.bulk.scan.segment_records import lines_of
from reconciler.bulk.scan.worker_memory import Continued, Kept
from reconciler.bulk.sources import locations, object_store, parquet
from reconciler.bulk.sources.segments import Segment, alone, feed_file, frames_of, segments
from reconciler.errors import ReconcilerError
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Chunk, Position
from reconciler.model.source import SourceDefinition

STRETCH = 8  # segments that one task checks
ROWS = 10 * parquet.BATCH  # of a Parquet file, that one task checks
FIRST, MOST = 2, 64  # segments after which places are given back: few at first, so that others can begin
ENDS_ASKED_FROM = (
    16_000_000  # bytes of a chunk from which on chunks end in so few segments that those are asked about
)
KEPT_BYTES = 256_000_000  # lines that wait to be digested


class FoundOtherwise(ReconcilerError):
    """A file is not there, or is not the one that the coordinator found."""


class Place(NamedTuple):
    """A place of the source as the coordinator found it.

    Attributes:
        file: its index among the places.
        state: what is equal on all machines while it is the same.
    """

    file: int
    name: str
    state: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over one source.

    Attributes:
        key: unlike that of any other pass.
        root: the workspace.
        schemas: profiles are compared with these.
        salt: key of the digests of accounts.
        takes: what is taken of each segment.
        numbered: lines are counted where the source is divided, since lists name some of them.
    """

    key: str
    root: str
    source: SourceDefinition
    schemas: tuple[DatamartSchema, ...]
    salt: bytes
    takes: tuple[Take, ...] = ()
    numbered: bool = False


class Chosen(NamedTuple):
    """Which lines of a segment are sent, as `packed_lines` packs them; None where there is no such list.

    Attributes:
        replaced: those that a later line replaces.
        wanted: those that are sent, of the others.
    """

    replaced: bytes | None
    wanted: bytes | None


class Piece(NamedTuple):
    """A segment, without its bytes.

    Attributes:
        size: how many those are; rows, of Parquet.
        lines: how many it takes, where that was asked for.
        chosen: which of them are sent, if not all are.
    """

    segment: Segment
    size: int
    lines: int = 0
    chosen: Chosen | None = None


class Stretch(NamedTuple):
    """Segments of one file that a worker can read by itself.

    Attributes:
        file: index of the file.
        first: the file begins with it.
        segments: of which it is made.
        rows: the first row and how many, of Parquet; then there are no segments yet.
    """

    file: int
    first: bool
    segments: tuple[Piece, ...] = ()
    rows: tuple[int, int] | None = None


class Framed(NamedTuple):
    """Where a part of a source can be divided.

    Attributes:
        reached: all stretches of files before this one are known.
        whole: files that only one task after the other can read.
        digest: of the source, once all of it is read.
    """

    stretches: tuple[Stretch, ...]
    reached: int
    whole: frozenset[int] = frozenset()
    digest: str = ""

    @property
    def last(self) -> bool:
        """Whether that is all."""
        return bool(self.digest)


class Looked(NamedTuple):
    """Segments that were checked, in order; and whether they are the last ones of their file."""

    found: tuple[tuple[Segment, Batch], ...]
    last: bool


def state(root: Path, place: str) -> tuple[str | int, ...]:
    """What is equal on all machines while a place is the same: size and time of a file, what a store says of an object.

    Raises:
        ReconcilerError: it is not there.
    """
    found = locations.state(root, place)
    return found if object_store.is_url(place) else found[:2]


def frame(task: Pass, places: Sequence[Place], number: int) -> Framed:
    """Where the source can be divided; each call gives more, until the source's digest is there.

    Args:
        task: the pass.
        places: all of the source.
        number: how many answers were given before.

    Raises:
        ReconcilerError: it cannot be read, or is another one.
    """
    return _framing.item((task.key, "frame"), number, lambda: _framed(task, places))


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
    _require(task, place)
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
        _require(task, place)
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
        _require(task, place)
    check, made = checker(task.source), hashlib.sha256()
    for piece in pieces:
        data = _lines(task, by_index[piece.segment.file], piece, check)
        part = memoryview(data)[skip : skip + size]
        skip = max(0, skip - len(data))
        size -= len(part)
        made.update(part)
    _kept.drop(_key(task, p.segment) for p in pieces[:-1])  # the next chunk may have the rest of the last one
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
    _require(task, place)
    return ends_of(_lines(task, place, piece, checker(task.source)))


def _lines(task: Pass, place: Place, piece: Piece, check: Callable[[Segment], Batch]) -> bytes:
    """The lines to send of a segment: those that were made here, or made again."""
    kept = _kept.get(_key(task, piece.segment))
    if kept is not None:
        return kept
    with ExitStack() as stack:
        again = read(task, place, one_piece(task, piece), stack)
        return b"".join(_sent(check(s), s, piece.chosen).bytes_of(s) for s in again)


def _sent(batch: Batch, segment: Segment, chosen: Chosen | None, takes: Sequence[Take] = ()) -> Batch:
    """A batch with those lines alone that are sent; what is taken is taken of those that no later one replaces."""
    if chosen is not None and chosen.replaced is not None:
        batch = without(batch, segment, 0, NumberedLines(chosen.replaced), contents=False)
    batch = with_taken(batch, segment, takes)
    if chosen is not None and chosen.wanted is not None:
        batch = only(batch, segment, 0, NumberedLines(chosen.wanted))
    return batch


def _key(task: Pass, segment: Segment) -> tuple[str, int, int]:
    return task.key, segment.file, segment.offset


def forget(key: str) -> None:
    """A pass is over: keep nothing of it."""
    _kept.forget(key)
    _framing.forget(key)
    _looking.forget(key)


def _require(task: Pass, place: Place) -> None:
    object_store.forget()
    if not object_store.is_url(place.name):
        with suppress(OSError):  # a network file system looks anew at a file that is opened
            locations.open_place(Path(task.root), place.name, "none").close()
    try:
        now = state(Path(task.root), place.name)
    except ReconcilerError as e:
        raise FoundOtherwise(str(e)) from None
    if now != place.state:
        raise FoundOtherwise(f"{place.name} is another file there: its size or time differs")


def _framed(task: Pass, places: Sequence[Place]) -> Iterator[Framed]:
    for place in places:
        _require(task, place)
    digests = SourceDigest(task.source)
    root, names = Path(task.root), [p.name for p in places]
    if task.source.format == "parquet":
        yield _row_groups(root, names)
        for name in names:
            with locations.as_file(root, name) as path:
                feed_file(path, digests.feed)
    else:
        yield Framed((), 0, frozenset(p.file for p in places if not alone(p.name, task.source)))
        yield from _text(task, root, names, digests)
    yield Framed((), len(names), digest=digests.hexdigest())


def _row_groups(root: Path, names: Sequence[str]) -> Framed:
    whole, stretches = set[int](), list[Stretch]()
    for index, name in enumerate(names):
        if object_store.is_url(name) or parquet.layout(root / name, name).footer is not None:
            whole.add(index)
            continue
        count = parquet.rows(root / name, name)
        stretches += [
            Stretch(index, at == 0, rows=(at, min(ROWS, count - at))) for at in range(0, count, ROWS)
        ]
    return Framed(tuple(stretches), len(names), frozenset(whole))


def _text(task: Pass, root: Path, names: Sequence[str], digests: SourceDigest) -> Iterator[Framed]:
    held, most, file = list[Piece](), FIRST, -1
    stretches = list[Stretch]()
    begun = -1

    def close() -> None:
        nonlocal held, begun
        if held:
            stretches.append(Stretch(held[0].segment.file, held[0].segment.file != begun, tuple(held)))
            begun, held = held[0].segment.file, []

    for segment in segments(root, names, task.source, feed=digests.feed):
        if segment.file != file:
            close()
            file = segment.file
        if alone(names[file], task.source):
            lines = lines_of(segment, task.source) if task.numbered else 0
            held.append(Piece(segment._replace(data=b""), len(segment.data), lines))
            if len(held) >= min(STRETCH, most):
                close()
        if sum(len(s.segments) for s in stretches) >= most:
            yield Framed(tuple(stretches), file)
            stretches.clear()
            most = min(2 * most, MOST)
    close()
    yield Framed(tuple(stretches), len(names))


def _looked(task: Pass, place: Place, *, accounts: int) -> Iterator[Looked]:
    _require(task, place)
    checked = _Checked(task, accounts=accounts, keep=False)
    found, first = list[tuple[Segment, Batch]](), True
    for segment in segments(Path(task.root), [place.name], task.source):
        if len(found) >= STRETCH:
            yield Looked(tuple(found), last=False)
            found.clear()
        found.append(checked(segment._replace(file=place.file), first=first))
        first = False
    yield Looked(tuple(found), last=True)


def read(task: Pass, place: Place, stretch: Stretch, stack: ExitStack) -> Iterator[Segment]:
    """The segments of a stretch, with their bytes or rows.

    Args:
        task: the pass.
        place: the file that it is of.
        stretch: what to read.
        stack: closes what is opened.

    Raises:
        ReconcilerError: it cannot be read.
    """
    root, name = Path(task.root), place.name
    try:
        if stretch.rows is not None:
            path, (row, count) = stack.enter_context(locations.as_file(root, name)), stretch.rows
            yield from frames_of(path, name, task.source, Position(place.file, row, 0), count)
            return
        file = stack.enter_context(locations.open_place(root, name, task.source.compression))
        for piece in stretch.segments:
            file.seek(piece.segment.offset)
            yield piece.segment._replace(data=file.read(piece.size))
    except locations.damage() as e:
        raise ReconcilerError(f"cannot read {name}: {locations.damage_words(e)}") from None


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
        batch = _sent(made, segment, chosen, self._task.takes)
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


def one_piece(task: Pass, piece: Piece) -> Stretch:
    """One segment, to be read by itself."""
    if task.source.format == "parquet":
        return Stretch(piece.segment.file, False, rows=(piece.segment.offset, piece.size))
    return Stretch(piece.segment.file, False, (piece,))


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


_framing = Continued[Framed]()
_looking = Continued[Looked]()
_kept = Kept(KEPT_BYTES)
