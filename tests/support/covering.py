"""A covering array over the switches of the emulator: every pair of settings is in some row."""

from itertools import combinations
from typing import Any

from allpairspy import AllPairs

from reconciler.sandbox.switches import CHOICES

Row = dict[str, Any]
# What a question stands for in switches; the platform's own questions first, then how it dresses its answers.
SETTINGS: dict[str, list[Row]] = {
    **{
        key: [{key: option} for option in options]
        for key, options in CHOICES.items()
        if key not in ("profiles", "order") and not key.startswith("schema_")  # tables of their own
    },
    "paging": [{}, {"page_default": 1, "page_cap": 2}, {"page_cap": 0}],
    "lag": [{}, {"lag_reads": 2}, {"lag_seconds": 0.4}],
    "profile_lag": [{}, {"profile_lag_reads": 2}, {"profile_lag_seconds": 0.4}],
    "order": [{"order": option} for option in CHOICES["order"]],
}


def rows() -> list[Row]:
    """The switches of each row."""
    names = list(SETTINGS)
    found = AllPairs([[(name, n) for n in range(len(SETTINGS[name]))] for name in names])
    made = []
    for row in found:
        switches: Row = {}
        for name, n in row:
            switches |= SETTINGS[name][n]
        made.append(switches)
    return made


def missing(array: list[Row]) -> list[tuple[Row, Row]]:
    """Pairs of settings that no row has."""
    return [
        (a, b)
        for one, other in combinations(SETTINGS, 2)
        for a in SETTINGS[one]
        for b in SETTINGS[other]
        if not any(_has(row, one, a) and _has(row, other, b) for row in array)
    ]


def _has(row: Row, name: str, setting: Row) -> bool:
    """True if a row has just this setting of a question, and none of its others."""
    of_it = {key for option in SETTINGS[name] for key in option}
    return {k: v for k, v in row.items() if k in of_it} == setting
