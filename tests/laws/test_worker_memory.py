"""Lines that a worker keeps until they are digested: no segment is made twice, in whatever order its chunks are digested, and none is left."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.worker_memory import Kept


@given(st.data(), st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 60))
def test_what_chunks_share_is_there_for_both(data: st.DataObject, segments: list[int], chunk: int) -> None:
    kept = Kept(1_000_000)
    ends = list(accumulate(segments))
    for n, size in enumerate(segments):
        kept.put(("pass", 0, n), bytes(size))
    cuts = [*range(0, ends[-1], chunk), ends[-1]]
    chunks = list(pairwise(cuts))
    for begin, end in data.draw(st.permutations(chunks)):
        for n, last in enumerate(ends):
            part = min(end, last) - max(begin, last - segments[n])
            if part > 0:
                assert kept.get(("pass", 0, n)) == bytes(segments[n])
                kept.used(("pass", 0, n), part)
    assert all(kept.get(("pass", 0, n)) is None for n in range(len(segments)))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(0, 40)), max_size=40))
def test_no_more_is_kept_than_may_be(steps: list[tuple[int, int, int]]) -> None:
    kept = Kept(100)
    for key, size, used in steps:
        kept.put(("pass", 0, key), bytes(size))
        kept.used(("pass", 0, key), used)
        there = [found for n in range(6) if (found := kept.get(("pass", 0, n))) is not None]
        assert sum(map(len, there)) <= 100
    kept.forget("pass")
    assert not any(kept.get(("pass", 0, n)) for n in range(6))
