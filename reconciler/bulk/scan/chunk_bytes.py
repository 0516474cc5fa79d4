"""The bytes of one chunk again, from where it begins in its source."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from reconciler.bulk.scan import removals
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.chunker import BLOCK
from reconciler.bulk.scan.duplicates import ListedLines
from reconciler.bulk.scan.exclude import only, without
from reconciler.bulk.scan.row_numbers import Rows
from reconciler.bulk.sources import locations
from reconciler.bulk.sources.segments import segments
from reconciler.model.load import Chunk, Position
from reconciler.model.source import SourceDefinition


def chunk_pieces(root: Path, names: Sequence[str], source: SourceDefinition, chunk: Chunk) -> Iterator[bytes]:
    """The bytes of one chunk again, from its start; it may be called as often as an upload is tried.

    Args:
        root: the workspace.
        names: places of the source, in the order of the scan.
        source: how to read it.
        chunk: which bytes.

    Raises:
        ReconcilerError: a place cannot be read.
    """
    left = chunk.size
    if chunk.verbatim:
        with locations.open_place(root, names[chunk.start.file], source.compression) as file:
            file.seek(chunk.start.offset)
            while left and (data := file.read(min(BLOCK, left))):
                left -= len(data)
                yield data
        return
    skip = chunk.start.skip
    for part in parts(root, names, source, chunk.start):
        piece = part.data[skip : skip + left]
        skip = max(0, skip - len(part.data))
        left -= len(piece)
        yield piece
        if not left:
            return


class Part(NamedTuple):
    """What is sent of one segment.

    Attributes:
        file: index of the file.
        before: lines of the file before the segment.
        numbers: for each line of `data`, the line of its record in the segment (0 is the first).
    """

    file: int
    before: int
    data: bytes
    numbers: Sequence[int]


def parts(root: Path, names: Sequence[str], source: SourceDefinition, start: Position) -> Iterator[Part]:
    """All that is sent, from the segment on that a chunk begins in.

    Args:
        root: the workspace.
        names: places of the source, in the order of the scan.
        source: how to read it.
        start: where the chunk begins.

    Raises:
        ReconcilerError: a place cannot be read.
    """
    with ExitStack() as stack:
        place = (start.file, start.line)

        def lines(path: str) -> ListedLines | None:
            return ListedLines(stack.enter_context(Path(path).open("rb")), place) if path else None

        replaced, wanted = lines(source.superseded), lines(source.listed)
        check, rows = checker(source), Rows(names, source, start)
        for segment in segments(root, names, source, start):
            before, batch = rows.before(segment)[0], check(segment)
            if replaced is not None:
                batch = without(batch, segment, before, replaced)
            if wanted is not None:
                batch = only(batch, segment, before, wanted)
            rows.add(segment, batch)
            yield Part(segment.file, before, batch.bytes_of(segment), batch.places)
    for piece in removals.commands(source, start if start.file == len(names) else None):
        yield Part(len(names), piece.before, piece.data, range(piece.lines))
