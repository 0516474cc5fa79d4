"""Waves: which part of a plan is carried out when, and each gate at, below and above its limit."""

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model.outcome import Outcome, Status
from reconciler.model.rollout import Gates, Wave
from reconciler.planning.plan import waves
from reconciler.planning.plan.document import decode, encode
from tests.laws.test_authority import made


def ended(*statuses: Status, failed: int = 0, succeeded: int = 0) -> list[Outcome]:
    return [
        Outcome(
            f"ProfileSource/s{n}@fr", status, "execute", counts={"failed": failed, "succeeded": succeeded}
        )
        for n, status in enumerate(statuses)
    ]


OK = Status.SUCCEEDED


@pytest.mark.parametrize(
    ("gates", "outcomes", "trips", "closes"),
    [
        ({}, [], 0, False),
        ({}, ended(OK), 0, False),
        # each status counts as failed, or does not
        *(({}, ended(s), 0, s in waves.FAILED) for s in Status),
        ({"max_failed_executions": 1}, ended(Status.FAILED), 0, False),
        ({"max_failed_executions": 1}, ended(Status.FAILED, Status.UNKNOWN), 0, True),
        ({"max_failed_lines": 5}, ended(OK, failed=5, succeeded=5), 0, False),
        ({"max_failed_lines": 5}, ended(OK, failed=6, succeeded=94), 0, True),
        ({"max_failed_lines": 5}, ended(OK, OK, failed=3, succeeded=9), 0, True),
        ({"max_failed_lines": 0}, ended(OK, failed=1), 0, True),
        ({"max_failed_lines_percent": 1}, ended(OK, failed=1, succeeded=99), 0, False),
        ({"max_failed_lines_percent": 1}, ended(OK, failed=2, succeeded=98), 0, True),
        ({"max_failed_lines_percent": 0}, ended(OK, failed=0, succeeded=9), 0, False),
        ({"max_failed_lines_percent": 0}, ended(OK, failed=1, succeeded=9_999), 0, True),
        ({"max_failed_lines_percent": 1}, ended(OK), 0, False),  # nothing was sent
        ({"max_guard_trips": 0}, [], 0, False),
        ({"max_guard_trips": 0}, [], 1, True),
        ({"max_guard_trips": 2}, [], 2, False),
        ({}, [], 99, False),
    ],
)
def test_gates(gates: dict[str, Any], outcomes: list[Outcome], trips: int, closes: bool) -> None:
    why = waves.closed(Gates(**gates), outcomes, trips)
    assert (why is not None) is closes
    if why is not None:  # what commands closed is told from what executions and guards did
        assert waves.by_commands(why) is any(key.startswith("max_failed_lines") for key in gates)


@pytest.mark.parametrize(
    ("most", "busy", "batches"),
    [
        (None, ("a", "b", "c"), [("a", "b", "c")]),
        (None, (), []),
        (1, ("a", "b", "c"), [("a",), ("b",), ("c",)]),
        (2, ("a", "b", "c"), [("a", "b"), ("c",)]),
        (3, ("a", "b", "c"), [("a", "b", "c")]),
        (9, ("c", "a"), [("a", "c")]),  # in the order of the wave
        (2, ("x", "b"), [("b",)]),
    ],
)
def test_batches(most: int | None, busy: tuple[str, ...], batches: list[tuple[str, ...]]) -> None:
    assert (
        waves.batches(Wave(name="w", datamarts=("a", "b", "c"), max_parallel_datamarts=most), busy) == batches
    )


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({}, {}, []),
        ({"a": "1"}, {"a": "1"}, []),
        ({"a": "1"}, {"a": "2"}, ["a changed"]),
        ({"a": "1"}, {}, ["a was removed"]),
        ({}, {"a": "1"}, ["a is new"]),
        (
            {"b": "1", "a": "1", "c": "1"},
            {"a": "2", "d": "1", "b": "1"},
            ["a changed", "c was removed", "d is new"],
        ),
    ],
)
def test_moved_specs(then: dict[str, str], now: dict[str, str], expected: list[str]) -> None:
    assert [w.split(":")[0] for w in waves.moved_specs(then, now)] == expected


@pytest.mark.parametrize(
    ("idle", "wave", "first"),
    [
        (idle, wave, first)
        for n in range(3)
        for idle in itertools.combinations(("customers@fr", "orders@de"), n)
        for wave in ("canary", "everyone")
        for first in (True, False)
    ],
)
def test_the_part_of_a_wave_is_a_plan_that_can_be_read_again(
    idle: tuple[str, ...], wave: str, first: bool
) -> None:
    """Whichever loads have nothing to do, and whatever they require that another wave does."""
    plan = made()[0]
    acting = [c.address for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = tuple(
        replace(x, actions=("no-op",), wave=None, requires=tuple(a for a in acting if a.endswith(x.datamart)))
        if x.address.partition("/")[2] in idle
        else x
        for x in plan.loads
    )
    part = waves.part(replace(plan, loads=loads), wave, first=first)
    assert decode(encode(part).encode(), "p") == part
    names = {wave, None} if first else {wave}
    assert {x.wave for x in part.loads} <= {wave, None}
    assert {c.wave for c in part.resource_changes if c.change.actions != ("no-op",)} <= names | {None}
