"""Fields that differ between two shapes: exactly those whose values do, whatever the shapes share."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.config.diff import changed_fields

VALUES = st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)
SHAPES = st.dictionaries(st.sampled_from(["actions", "before.x", "after.x", "name", "token", "y"]), VALUES)


@given(SHAPES, SHAPES)
def test_each_field_that_differs_is_named_with_both_values(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    missing = object()
    expected = {
        k: (one.get(k), other.get(k))
        for k in sorted(one.keys() | other.keys())
        if one.get(k, missing) != other.get(k, missing)
    }
    assert changed_fields(one, other) == expected
