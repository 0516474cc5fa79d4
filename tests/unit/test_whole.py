"""Whole numbers as others write them: `²`, Arabic digits and thousands of digits are none, and crash nothing."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import reconciler
from reconciler.errors import ReconcilerError
from reconciler.planning.loads.generations import number
from reconciler.settings import resolve
from reconciler.whole import whole, whole_value

digits = st.text(st.characters(categories=["Nd", "No", "Nl"]) | st.sampled_from("0123456789²٣"), max_size=12)
texts = (
    digits
    | st.integers(0, 10**30).map(str)
    | st.sampled_from(["9" * 5_000, "", " 1", "+1", "1_0", "\uff11\uff12"])
)
WORKSPACE = {"metadata": {"name": "x"}, "spec": {"organisation_id": "1", "endpoint": "sandbox:"}}


@given(texts)
def test_it_is_the_number_of_the_text_or_none(text: str) -> None:
    found = whole(text)
    assert (found is None) == (re.fullmatch("[0-9]{1,18}", text) is None)
    assert found is None or found == int(text)
    assert whole_value(text) == found


@given(st.integers() | st.booleans() | st.none() | st.floats() | st.lists(st.integers()))
def test_a_value_of_json_is_a_number_only_where_it_is_written_as_one(value: object) -> None:
    assert whole_value(value) == (value if type(value) is int else None)


@given(st.lists(texts))
def test_ids_of_any_kind_have_an_order(ids: list[str]) -> None:
    assert [number(i) for i in sorted(ids, key=number)] == sorted(map(number, ids))


@given(texts)
def test_parallelism_is_a_number_or_an_error(text: str) -> None:
    try:
        made = resolve({}, {"RECONCILER_PARALLELISM": text}, WORKSPACE)
    except ReconcilerError:
        return
    assert 1 <= made.parallelism <= 64


def test_no_other_place_asks_for_digits() -> None:
    """The sandbox shares no code; what is asked of single characters, and of what is not made a number, is something else."""
    root = Path(reconciler.__file__).parent
    others = {
        str(p.relative_to(root))
        for p in root.rglob("*.py")
        if "sandbox" not in p.parts and re.search(r"\.is(digit|decimal|numeric)\(", p.read_text())
    }
    assert others == {
        "whole.py",
        "bulk/load/results/error_files.py",
        "bulk/sources/postgres_values.py",
        "bulk/records/schema_fit.py",
    }
