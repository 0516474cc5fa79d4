"""Whom a write that may still be on its way concerns, as a table."""

import pytest

from reconciler.ledger.open_writes import EVERY_LOAD, EVERYTHING, OpenWrites

COMPARTMENT, ACTIVATION = "Compartment/a", "Activation/a@fr"
LOAD, SIBLING, ELSEWHERE = "ProfileSource/a@fr", "ProfileSource/b@fr", "ProfileSource/a@de"
RETIRED = "DocumentImport/x@fr"


@pytest.mark.parametrize(
    ("opened", "address", "expected"),
    [
        (COMPARTMENT, COMPARTMENT, True),
        (COMPARTMENT, ACTIVATION, True),  # the platform may activate a new compartment by itself
        (COMPARTMENT, LOAD, False),
        (ACTIVATION, "Compartment/b", True),
        (LOAD, LOAD, True),
        (LOAD, SIBLING, True),  # it may have been renamed
        (LOAD, ELSEWHERE, False),
        (LOAD, COMPARTMENT, False),
        (LOAD, RETIRED, True),
        (EVERYTHING, COMPARTMENT, True),
        (EVERYTHING, LOAD, True),
        (EVERY_LOAD, LOAD, True),
        (EVERY_LOAD, COMPARTMENT, False),
    ],
)
def test_an_open_write_concerns_what_reads_the_same_listing(
    opened: str, address: str, *, expected: bool
) -> None:
    assert OpenWrites({opened: 7}).concern(address) is expected


@pytest.mark.parametrize(
    ("opened", "looked", "expected"),
    [
        (EVERYTHING, 6, True),
        (EVERYTHING, 7, False),
        (EVERY_LOAD, 6, True),
        (EVERY_LOAD, 8, False),
        (LOAD, 8, True),
    ],
)
def test_a_load_that_was_looked_at_since_is_not_concerned_by_unknown_runs(
    opened: str, looked: int, *, expected: bool
) -> None:
    assert OpenWrites({opened: 7}, {LOAD: looked}).concern(LOAD) is expected


def test_a_run_that_lasts_long_enough_closes_all_but_loads_that_are_still_planned() -> None:
    left = OpenWrites(dict.fromkeys((EVERYTHING, EVERY_LOAD, COMPARTMENT, LOAD, SIBLING), 1))
    assert left.outlived([LOAD], complete=True) == {EVERYTHING, COMPARTMENT, SIBLING}
    assert left.outlived([LOAD], complete=False) == {EVERYTHING, COMPARTMENT}
