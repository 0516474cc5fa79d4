"""What tasks of a pass over a source are about: its places, stretches and segments, and what is found of them.

A file that is not the one that the coordinator found is not read.
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.chosen import Chosen
from reconciler.bulk.scan.gathering import Take
from reconciler.bulk.sources import locations, object_store
from reconciler.bulk.sources.segments import Segment, frames_of
from reconciler.errors import ReconcilerError
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Position
from reconciler.model.source import SourceDefinition


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


def require(task: Pass, place: Place) -> None:
    """Refuse a file that is not the one that the coordinator found.

    Raises:
        FoundOtherwise: it is not there, or its size or time differs.
        ReconcilerError: it cannot be opened.
        MissingExtra: an object store needs what is not installed.
    """
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


def one_piece(task: Pass, piece: Piece) -> Stretch:
    """One segment, to be read by itself."""
    if task.source.format == "parquet":
        return Stretch(piece.segment.file, False, rows=(piece.segment.offset, piece.size))
    return Stretch(piece.segment.file, False, (piece,))


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
