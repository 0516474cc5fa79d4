"""The rule of absence at, below and above its limits: listings begun when, how many, how long apart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.absence import LISTINGS, Absence

SINCE = 100.0


def after(settle: float, begun: list[float]) -> Absence:
    seen = Absence(SINCE, settle)
    for at in begun:
        seen = seen.unseen(at)
    return seen


@pytest.mark.parametrize(
    ("settle", "begun", "conclusive"),
    [
        # settle: 0: one listing, begun no earlier than the last instant the write could have left
        (0, [], False),
        (0, [99.9], False),
        (0, [100.0], True),
        (0, [100.1], True),
        # five listings, the last of them begun a whole window later
        (10, [100, 102, 104, 106], False),
        (10, [100, 102, 104, 106, 109.9], False),
        (10, [100, 102, 104, 106, 110.0], True),
        (10, [110.0], False),
        (10, [110.0] * 4, False),
        (10, [110.0] * 5, True),
        # a listing begun before the write could have left is no evidence, however many there are
        (10, [99.9] * 5, False),
        (10, [99.9, 102, 104, 106, 110.0], False),
        (10, [99.9, 100, 102, 104, 106, 110.0], True),
        # listings may end in another order than they were begun
        (10, [110.0, 100, 102, 104, 106], True),
    ],
)
def test_conclusive(settle: float, begun: list[float], conclusive: bool) -> None:
    assert after(settle, begun).conclusive is conclusive


def test_a_listing_begun_too_early_changes_nothing() -> None:
    seen = after(10, [101])
    assert seen.unseen(SINCE - 0.001) is seen


@pytest.mark.parametrize(
    ("settle", "begun", "now", "wait"),
    [
        (0, [], 100, 0),
        (0, [], 90, 0),  # before the write left: nothing to wait for either, one listing is enough
        (0, [100], 90, 0),
        (8, [], 100, 0),
        (8, [100], 100, 2),
        (8, [100], 101.5, 0.5),
        (8, [100, 102], 102, 2),
        (8, [100, 102, 104, 106], 106, 2),
        (8, [100, 102, 104, 106, 107], 107, 1),  # more than five: the window must still end
        (8, [100, 102, 104, 106, 108], 108, 0),
        (8, [100], 500, 0),
    ],
)
def test_wait(settle: float, begun: list[float], now: float, wait: float) -> None:
    assert after(settle, begun).wait(now) == pytest.approx(wait)


@given(st.floats(0.1, 600), st.lists(st.floats(-50, 900), max_size=12))
def test_nothing_is_absent_before_the_window_is_over(settle: float, offsets: list[float]) -> None:
    seen = Absence(SINCE, settle)
    for before, at in pairwise([None, *(SINCE + o for o in offsets)]):
        del before
        seen = seen.unseen(at or 0.0)
    good = [o for o in offsets if SINCE + o >= SINCE]
    assert seen.listings == len(good)
    late = max((SINCE + o for o in good), default=0.0)
    assert seen.conclusive == (len(good) >= LISTINGS and late >= SINCE + settle)


@given(st.floats(0.1, 600), st.floats(0, 5))
def test_five_listings_at_the_given_times_take_one_window(settle: float, took: float) -> None:
    begun = now = SINCE
    seen, read = Absence(SINCE, settle), 0
    while not seen.conclusive:
        begun = now = now + seen.wait(now)
        seen = seen.unseen(now)
        now += took
        read += 1
        assert read < 20
    assert read >= LISTINGS
    assert begun >= SINCE + settle
    assert begun <= SINCE + settle + took * LISTINGS + 1e-6
