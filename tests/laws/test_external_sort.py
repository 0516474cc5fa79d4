"""Records come out in order, and all of them, however many are held at once and however often one of them comes."""

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.external_sort import SortedRecords

records = st.lists(
    st.lists(st.one_of(st.binary(min_size=3, max_size=3), st.sampled_from([b"aaa", b"zzz"])), max_size=40),
    max_size=12,
)


@pytest.mark.parametrize(("block", "part"), [(1024, 64), (2, 1), (1, 1), (3, 2)])
@given(
    added=records, at_once=st.integers(1, 30), again=st.lists(st.binary(min_size=3, max_size=3), max_size=5)
)
def test_all_come_out_in_order(
    block: int, part: int, added: list[list[bytes]], at_once: int, again: list[bytes]
) -> None:
    with closing(SortedRecords(3, at_once, block, part)) as made:
        for several in added:
            made.add(b"".join(several))
        expected = sorted(r for several in added for r in several)
        assert list(made) == expected
        assert list(made) == expected, "they may be asked for again"
        assert list(made.merged()) == expected
        assert list(made) == expected
        for one in again:
            made.add(one)
        assert list(made.merged()) == sorted(expected + again)


def test_parts_are_small_whatever_the_records_are() -> None:
    """Memory: so many equal ones as one part may not have are merged one by one; else a part has little more than its blocks."""
    rows, at_once = 40_000, 5_000
    for spread in (1, 7, 1_000, 1 << 31):
        with closing(SortedRecords(4, at_once, 64, 8)) as made:
            for n in range(rows):
                made.add((n * 2_654_435_761 % (1 << 32) % spread).to_bytes(4))
            parts = [len(part) for part in made._parts()]
        assert sum(parts) == rows
        assert max(parts) <= (8 + rows // at_once + 1) * 64 * 2
