"""Lines -> chunks, deterministically (design 6). Pure: fed with accepted lines, it closes chunks at `max_bytes`."""

import hashlib
from collections.abc import Generator, Iterator

from reconciler.model.load import Chunk, Position

BLOCK = 256 * 1024


class Cutter:
    """Cuts a stream of accepted lines; holds at most one block of them."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.chunks: list[Chunk] = []
        self._begin(Position(0, 0, 0))

    def _begin(self, start: Position) -> None:
        self._start, self._lines, self._size = start, 0, 0
        self._hash = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_size = 0

    def add(self, data: bytes, position: Position) -> None:
        """Add one line that starts at `position` in the source; it is no longer than `max_bytes`."""
        if self._size + len(data) > self.max_bytes:
            self.close()
        if not self._lines:
            self._begin(position)
        self._lines += 1
        self._size += len(data)
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size >= BLOCK:
            self._flush()

    def close(self) -> None:
        """End the current chunk, if it has lines."""
        if self._lines:
            self._flush()
            self.chunks.append(
                Chunk(len(self.chunks) + 1, self._start, self._lines, self._size, self._hash.hexdigest())
            )
            self._lines = self._size = 0

    def _flush(self) -> None:
        self._hash.update(b"".join(self._pending))
        self._pending, self._pending_size = [], 0


def blocks(lines: Iterator[bytes], size: int = BLOCK) -> Generator[bytes]:
    """Join lines to blocks of at least `size` bytes; the last may be shorter."""
    held: list[bytes] = []
    total = 0
    for line in lines:
        held.append(line)
        total += len(line)
        if total >= size:
            yield b"".join(held)
            held, total = [], 0
    if held:
        yield b"".join(held)
