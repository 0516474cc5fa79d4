"""Reasons of many datamarts are compared without the name of theirs, and nothing else is taken out of them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.reports.grouping import anywhere

WORDS = st.sampled_from(
    ["the", "compartment", "does", "not", "exist", "on", "it", "es", "fr", "retail-fr", "fr-2"]
)


@pytest.mark.parametrize(
    ("text", "datamart", "expected"),
    [
        ("the compartment does not exist yet", "es", "the compartment does not exist yet"),
        ("nothing is loaded on es: es is new", "es", "nothing is loaded there: … is new"),
        ("'retail-fr-2' and 'retail-fr'", "retail-fr", "'retail-fr-2' and '…'"),
        ("Activation/loyalty@fr", "fr", "Activation/loyalty@…"),
        ("it is the default of it", "it", "… is the default of …"),
        ("based on fr-2, not on fr", "fr", "based on fr-2, not there"),
        ("first load", "", "first load"),
    ],
)  # fmt: skip
def test_a_name_is_taken_out_whole(text: str, datamart: str, expected: str) -> None:
    assert anywhere(text, datamart) == expected


@given(st.lists(WORDS), st.sampled_from(["es", "fr", "it", "retail-fr"]))
def test_other_words_stay(words: list[str], datamart: str) -> None:
    shown = anywhere(" ".join(words), datamart).split()
    left = [w for w in words if w != datamart]
    there = sum(a == "on" and b == datamart for a, b in itertools.pairwise(words))
    assert [w for w in shown if w not in ("…", "there", "on")] == [w for w in left if w != "on"]
    assert shown.count("there") == there
