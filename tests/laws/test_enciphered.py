"""Enciphered frames: what is read is what was written there, wholly and in order, or nothing."""

import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.sources import enciphered
from reconciler.bulk.sources.enciphered import Damaged

KEY = b"k" * 32
lists = st.lists(st.binary(max_size=40), max_size=30)
HEAD = 24


def written(records: list[bytes], *, key: bytes = KEY, title: str = "load 7", size: int = 64) -> bytes:
    file = io.BytesIO()
    enciphered.write(file, key, title, records, size)
    return file.getvalue()


def found(data: bytes, *, key: bytes = KEY, title: str = "load 7", first: int = 0) -> list[bytes]:
    return list(itertools.chain(*enciphered.read(io.BytesIO(data), key, title, first)))


def frames(data: bytes) -> list[bytes]:
    parts, at = [], HEAD
    while at < len(data):
        end = at + 5 + 12 + int.from_bytes(data[at : at + 4], "big")
        parts.append(data[at:end])
        at = end
    return parts


@given(lists, st.integers(1, 200))
def test_what_was_written_is_read(records: list[bytes], size: int) -> None:
    assert found(written(records, size=size)) == records


@given(lists)
def test_reading_may_begin_at_any_frame(records: list[bytes]) -> None:
    data = written(records)
    each = list(enciphered.read(io.BytesIO(data), KEY, "load 7"))
    for first in range(len(each)):
        assert found(data, first=first) == list(itertools.chain(*each[first:]))


@given(lists, st.data())
def test_a_byte_that_is_another_is_noticed(records: list[bytes], data: st.DataObject) -> None:
    there = bytearray(written(records))
    there[data.draw(st.integers(0, len(there) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged):
        found(bytes(there))


@given(lists, st.data())
def test_a_file_that_is_cut_or_longer_is_noticed(records: list[bytes], data: st.DataObject) -> None:
    there = written(records)
    with pytest.raises(Damaged):
        found(there[: data.draw(st.integers(0, len(there) - 1))])
    with pytest.raises(Damaged):
        found(there + data.draw(st.binary(min_size=1)))


@given(st.lists(st.binary(min_size=30, max_size=40), min_size=6, max_size=12))
def test_frames_that_are_swapped_left_out_or_of_another_file_are_noticed(records: list[bytes]) -> None:
    there, other = written(records), written(records)
    head, mine, theirs = there[:HEAD], frames(there), frames(other)
    wrong = [
        mine[::-1],
        mine[1:],
        mine[:-1],
        [*mine[:-2], mine[-1]],
        [theirs[0], *mine[1:]],
        [*mine, mine[-1]],
        theirs,
    ]
    for parts in wrong:
        with pytest.raises(Damaged):
            found(head + b"".join(parts))


@given(lists)
def test_another_key_or_another_load_reads_nothing(records: list[bytes]) -> None:
    with pytest.raises(Damaged):
        found(written(records), key=b"o" * 32)
    with pytest.raises(Damaged):
        found(written(records), title="load 8")


@given(st.lists(st.text("abc", min_size=8, max_size=20), min_size=1))
def test_nothing_of_what_was_written_can_be_seen(records: list[str]) -> None:
    data = written([r.encode() for r in records])
    assert not any(r.encode() in data for r in records)
