"""What a file holds that a flag or an argument names: regular, or a pipe such as `<(command)`. Never waited for without end."""

import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 60.0  # for all of a pipe, unless it is made by a command that may take long
WRITER_S = 15.0  # until somebody opens it to write
_BLOCK = 1 << 20


def given_blocks(path: Path, patience: float | None = None) -> Iterator[bytes]:
    """The bytes of a file or pipe.

    Args:
        path: of the file.
        patience: seconds for all of a pipe; `PATIENCE_S` if None.

    Raises:
        OSError: it cannot be opened or read, or a pipe did not end in time.
    """
    seconds = PATIENCE_S if patience is None else patience
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield from _within(descriptor, seconds)
    finally:
        os.close(descriptor)


def _within(descriptor: int, seconds: float) -> Iterator[bytes]:
    deadline, seen = time.monotonic() + seconds, False
    while True:
        try:
            block = os.read(descriptor, _BLOCK)
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise OSError(None, _late(seconds, seen=seen)) from None
            continue
        if block:
            seen = True
            yield block
            if time.monotonic() > deadline:
                raise OSError(None, _late(seconds, seen=True))
        elif seen or select.select([descriptor], [], [], 0)[0]:
            return
        elif not select.select([descriptor], [], [], WRITER_S)[0]:  # no program has ever opened the pipe
            raise OSError(None, f"no program writes into this pipe within {WRITER_S:g} s")


def _late(seconds: float, *, seen: bool) -> str:
    return f"{'it did not end' if seen else 'nothing came'} in {seconds:g} s"


def read_given(path: Path, most: int) -> bytes:
    """All bytes of a file or pipe; where it has more than `most`, not many more.

    Args:
        path: of the file.
        most: bytes that are of use.

    Raises:
        OSError: see `given_blocks`.
    """
    blocks, size = list[bytes](), 0
    for block in given_blocks(path):
        blocks.append(block)
        size += len(block)
        if size > most:
            break
    return b"".join(blocks)
