"""Attribute changes between two shapes of one resource. The only user of deepdiff, on pairs that already differ."""

from collections.abc import Mapping
from typing import Any


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Top-level fields that differ, each with (before, after); empty for equal shapes."""
    if before == after:
        return {}
    from deepdiff import DeepDiff

    # Without the threshold, shapes that share few fields come as one change at the root, with no field to name.
    found = DeepDiff(
        dict(before),
        dict(after),
        view="tree",
        ignore_order=False,
        verbose_level=2,
        threshold_to_diff_deeper=0,
    )
    fields: dict[str, tuple[Any, Any]] = {}
    for category in found.values():
        for item in category:
            key = str(item.path(output_format="list")[0])
            fields[key] = (before.get(key), after.get(key))
    return dict(sorted(fields.items()))
