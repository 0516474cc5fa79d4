"""The state of a run in plain words, from how the ledger has it and what its journal says; a table of rows."""

import pytest

from reconciler.reports.runs.story import State, state
from reconciler.reports.runs.text import Step

ROWS = [
    ("running", [None], True, State.RUNNING),
    ("running", ["succeeded"], False, State.INTERRUPTED),
    ("running", ["intent", None], False, State.INTERRUPTED),
    ("finished", ["succeeded", "unchanged"], False, State.SUCCEEDED),
    ("finished", ["succeeded", "partial"], False, State.PARTIAL),
    ("finished", ["partial"], False, State.PARTIAL),
    ("ended", ["failed"], False, State.FAILED),
    ("ended", ["failed", "skipped"], False, State.FAILED),
    ("ended", ["succeeded", "failed"], False, State.PARTIAL),
    ("ended", ["sent"], False, State.SUCCEEDED),
    ("unsettled", ["succeeded", None], False, State.INTERRUPTED),
    ("unsettled", ["succeeded", "unknown"], False, State.PARTIAL),
    ("unsettled", ["unknown"], False, State.FAILED),
]


@pytest.mark.parametrize(("recorded", "ends", "alive", "expected"), ROWS)
def test_the_state_of_a_run(recorded: str, ends: list[str | None], alive: bool, expected: State) -> None:
    steps = [Step(f"Compartment/c{n}", "create", end, {}, {}) for n, end in enumerate(ends)]
    assert state(recorded, steps, alive=alive) is expected
