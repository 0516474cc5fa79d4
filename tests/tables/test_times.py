"""Durations and moments at their extremes: an error in words or a moment that can be shown, and no wait that a system cannot do."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UsageError
from reconciler.reports.times import utc
from reconciler.settings import LONGEST_S, seconds
from reconciler.spec.schema import schema
from reconciler.spec.validate import validator

_DIGITS = st.one_of(
    st.integers(0, 10**20).map(str), st.from_regex(r"[0-9]{1,13}(\.[0-9]{1,17})?", fullmatch=True)
)
_TEXTS = st.one_of(
    st.builds(str.__add__, _DIGITS, st.sampled_from(["", "ms", "s", "m", "h", "d", "w", " s", "S"])),
    st.sampled_from(["", "-1s", "1e300", "inf", "nan", "1.s", ".5s", "٣s", "1_0s", "0x1"]),
)
_NUMBERS = st.one_of(
    st.integers(-1, 10**20), st.floats(allow_nan=False, allow_infinity=False), st.just(1e-300)
)


def read(value: str | float) -> float | None:
    try:
        return seconds(value)
    except UsageError:
        return None


@given(st.one_of(_TEXTS, _NUMBERS))
def test_what_the_schema_takes_can_be_read_and_waited_for(value: str | float) -> None:
    found = read(value)
    assert (found is not None) == validator("duration").is_valid(value), (value, found)
    if found is not None:
        assert 0 <= found < threading.TIMEOUT_MAX / 2  # a few of them may be added up


def test_the_schema_says_the_longest_number() -> None:
    assert schema()["definitions"]["duration"]["maximum"] == LONGEST_S


@pytest.mark.parametrize("text", ["7d", "9999d", "99999h", "500ms", "30", "1.5h"])
def test_usual_durations(text: str) -> None:
    assert read(text)


@given(st.one_of(st.floats(allow_nan=False), st.integers(-(10**30), 10**30)))
def test_any_moment_can_be_shown(at: float) -> None:
    assert utc(at)[-8:].count(":") == 2
