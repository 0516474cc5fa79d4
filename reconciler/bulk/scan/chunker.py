"""Lines -> chunks, deterministically (design 6). Pure: fed with pieces of whole lines, it closes chunks at `max_bytes`."""

import hashlib
from collections.abc import Callable, Generator, Iterator

from reconciler.bulk.scan.cuttable import Cuttable, Held
from reconciler.model.load import Chunk, Position

BLOCK = 256 * 1024
# From an index into a piece: where reading has to begin to make the lines from there on.
At = Callable[[int], Position]


class Cutter:
    """Cuts a stream of lines; holds none of them."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.chunks: list[Chunk] = []
        self._begin(Position(0, 0, 0), verbatim=False)

    def _begin(self, start: Position, *, verbatim: bool) -> None:
        self._start, self._lines, self._size, self._verbatim = start, 0, 0, verbatim
        self._hash = hashlib.sha256()

    def add(self, data: bytes, lines: int, at: At, *, verbatim: bool = False) -> None:
        """Add lines, each ended by a newline and no longer than `max_bytes`.

        Args:
            data: the lines.
            lines: how many.
            at: says where in the source the lines from an index of `data` on begin.
            verbatim: they stand there just so.
        """
        self.cut(Held(data), lines, at, verbatim=verbatim)

    def cut(self, piece: Cuttable, lines: int, at: At, *, verbatim: bool = False) -> None:
        """The same with lines that may be elsewhere; chunks of those have no digest here.

        Args:
            piece: the lines.
            lines: how many.
            at: says where in the source the lines from an index of `piece` on begin.
            verbatim: they stand there just so.
        """
        begin = 0
        while begin < piece.size:
            end = piece.end_within(begin, self.max_bytes - self._size)
            if end <= begin:
                self.close()
                continue
            if not self._lines:
                self._begin(at(begin), verbatim=verbatim)
            self._verbatim = self._verbatim and verbatim and self._follows(at(begin))
            piece.feed(self._hash, begin, end)
            self._size += end - begin
            self._lines += lines if end - begin == piece.size else piece.count(begin, end)
            begin = end

    def _follows(self, here: Position) -> bool:
        return here.file == self._start.file and here.offset == self._start.offset + self._size

    def close(self) -> None:
        """End the current chunk, if it has lines."""
        if self._lines:
            found = self._hash.hexdigest()
            number = len(self.chunks) + 1
            self.chunks.append(
                Chunk(number, self._start, self._lines, self._size, found, verbatim=self._verbatim)
            )
            self._lines = self._size = 0


def blocks(pieces: Iterator[bytes], size: int = BLOCK) -> Generator[bytes]:
    """Join and divide pieces to blocks of `size` bytes; the last may be shorter."""
    held = bytearray()
    for piece in pieces:
        held += piece
        at = 0
        while len(held) - at >= size:
            yield bytes(held[at : at + size])
            at += size
        del held[:at]
    if held:
        yield bytes(held)
