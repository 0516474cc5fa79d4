"""Cutting: chunks joined equal the lines, no chunk is larger than allowed, and where lines are fed does not matter."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.chunker import Cutter, blocks
from reconciler.model.load import Position


def cut(
    lines: list[bytes], max_bytes: int, pieces: list[int] | None = None, *, verbatim: bool = True
) -> Cutter:
    cutter, at = Cutter(max_bytes), 0
    sizes = pieces or [len(lines)]
    while lines:
        size = max(1, sizes.pop(0) if sizes else len(lines))
        some, lines = lines[:size], lines[size:]
        data, start = b"".join(some), at
        cutter.add(data, len(some), lambda i, start=start: Position(0, start + i, 0), verbatim=verbatim)
        at += len(data)
    cutter.close()
    return cutter


@pytest.mark.parametrize(
    ("sizes", "most", "chunks"),
    [
        ([], 10, []),
        ([10], 10, [10]),
        ([5, 5], 10, [10]),
        ([5, 6], 10, [5, 6]),
        ([5, 5, 1], 10, [10, 1]),
        ([1, 10, 1], 10, [1, 10, 1]),
        ([4, 4, 4], 10, [8, 4]),
        ([10, 10], 10, [10, 10]),
        ([3, 3, 3, 1], 10, [10]),
    ],
)
def test_limits(sizes: list[int], most: int, chunks: list[int]) -> None:
    lines = [b"x" * (n - 1) + b"\n" for n in sizes]
    assert [c.size for c in cut(lines, most).chunks] == chunks


LINES = st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"") + b"\n"), max_size=40)


@given(LINES, st.integers(13, 60), st.lists(st.integers(1, 9), max_size=30))
def test_any_lines(lines: list[bytes], most: int, pieces: list[int]) -> None:
    found = cut(list(lines), most, list(pieces)).chunks
    assert found == cut(list(lines), most).chunks  # however the lines are fed
    data, at = b"".join(lines), 0
    for number, chunk in enumerate(found, 1):
        mine = data[at : at + chunk.size]
        assert (chunk.index, chunk.start.offset, chunk.verbatim) == (number, at, True)
        assert (chunk.lines, chunk.sha256) == (mine.count(b"\n"), hashlib.sha256(mine).hexdigest())
        assert 0 < chunk.size <= most
        at += chunk.size
        following = data[at:].split(b"\n", 1)[0] + b"\n"
        assert at == len(data) or chunk.size + len(following) > most  # as full as it can be
    assert at == len(data)


def test_a_chunk_stands_just_so_only_in_one_file_and_without_gaps() -> None:
    def made(*adds: tuple[int, int, bool]) -> list[bool]:
        cutter = Cutter(100)
        for file, offset, verbatim in adds:
            cutter.add(b"abc\n", 1, lambda i, f=file, o=offset: Position(f, o + i, 0), verbatim=verbatim)
        cutter.close()
        return [c.verbatim for c in cutter.chunks]

    assert made((0, 0, True), (0, 4, True)) == [True]
    assert made((0, 0, True), (0, 5, True)) == [False]  # something between them is not sent
    assert made((0, 0, True), (1, 0, True)) == [False]
    assert made((0, 0, True), (0, 4, False)) == [False]
    assert made((0, 0, False), (0, 4, True)) == [False]


def test_blocks_are_given_as_soon_as_they_are_whole() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"abcd"
        read.append(1)
        yield b"ef"

    read: list[int] = []
    first = next(blocks(pieces(), 4))
    assert (first, read) == (b"abcd", [])


@given(st.lists(st.binary(max_size=9), max_size=12), st.integers(1, 8))
def test_blocks(pieces: list[bytes], size: int) -> None:
    found = list(blocks(iter(pieces), size))
    assert b"".join(found) == b"".join(pieces)
    assert all(len(b) == size for b in found[:-1])
    assert all(0 < len(b) <= size for b in found)
