"""The state of a run in plain words, from how the ledger has it and what its journal says; a table of rows."""

import pytest

from reconciler.ledger.history import Recorded
from reconciler.model.plan import FORMAT_VERSION, Budget, Change, Plan, ResourceChange, Summary
from reconciler.model.rollout import Rollout
from reconciler.reports.runs.story import State, Told, state, told
from reconciler.reports.runs.table import state as in_the_table
from reconciler.reports.runs.text import Step, one
from reconciler.reports.style import Style

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


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (["succeeded", "unchanged"], State.SUCCEEDED),  # nothing was left when it was asked
        (["skipped"], State.INTERRUPTED),
        (["unknown"], State.INTERRUPTED),
        (["succeeded", "failed"], State.INTERRUPTED),
    ],
)
def test_a_run_that_was_asked_to_end_is_interrupted(ends: list[str], expected: State) -> None:
    steps = [Step(f"Compartment/c{n}", "create", end, {}, {}) for n, end in enumerate(ends)]
    for recorded in ("ended", "unsettled", "finished"):
        assert state(recorded, steps, alive=False, interrupted=True) is expected


LOAD = "ProfileSource/s@fr"


@pytest.mark.parametrize(
    ("step", "open_write"),
    [
        (Step("Activation/a@fr", "create", "unknown", {}, {}), True),
        (Step("Activation/a@fr", "create", "intent", {}, {}), True),
        (Step("Activation/a@fr", "create", "failed", {}, {}), False),
        (Step("Activation/a@fr", "create", None, {}, {}), False),
        (Step(LOAD, "execute", "unknown", {}, {}), True),  # nothing is known of its requests
        (Step(LOAD, "execute", "unknown", {}, {"done": 8, "withheld": 6}), False),
        (Step(LOAD, "execute", "unknown", {}, {"done": 8, "unclear": 1}), True),
        (Step(LOAD, "execute", "unknown", {}, {}, imports={"done": 3, "intent": 1}), True),
        (Step(LOAD, "execute", "skipped", {}, {"withheld": 6}, imports={"done": 6}), False),
    ],
)
def test_a_write_may_still_be_in_flight_only_where_one_is_open(step: Step, open_write: bool) -> None:
    (found,) = told([(Recorded(1, "h", "", "d", "unsettled", 0.0, 1.0), plan(), [step])], None)
    assert found.open_write is open_write
    assert ("in flight" in in_the_table(found)) is open_write


@pytest.mark.parametrize(
    ("chunks", "to_send", "words"),
    [
        (
            {"done": 8, "withheld": 4},
            14,
            "8 done, 4 not finished (the platform has nothing of them), 2 not begun",
        ),
        ({"done": 14}, 14, "14 done"),
        ({"done": 3, "unclear": 2}, None, "3 done, 2 without a clear answer"),
    ],
)
def test_uploads_of_a_run_come_to_all_chunks(chunks: dict[str, int], to_send: int | None, words: str) -> None:
    step = Step(LOAD, "execute", "skipped", {}, chunks, to_send=to_send)
    run = Recorded(1, "h", "", "d", "ended", 0.0, 1.0)
    told = one(run, plan(), [step], "interrupted", [], Style(width=200))
    assert f"uploads of this run: {words}\n" in told


CREATE, REMOVE = "Activation/a@fr", "Activation/b@fr"


def plan(idle: tuple[str, ...] = (), *, waves: bool = False) -> Plan:
    """One in which nothing is to be done about some addresses."""
    same = Change(actions=("no-op",), before={}, after={})
    changes = tuple(ResourceChange(address=a, kind="Activation", change=same, reason="") for a in idle)
    return Plan(
        format_version=FORMAT_VERSION, tool_version="0", workspace="w", organisation_id="7", endpoint="e", environment=None,
        spec_digest="", complete=True, errored=False, applyable=True, resource_changes=changes, loads=(),
        summary=Summary(), budget=Budget(), rollout=Rollout(name="r", waves=()) if waves else None,
    )  # fmt: skip


def ledger(*found: tuple[Plan, list[Step]]) -> list[Told]:
    """Runs as told, oldest first."""
    rows = [
        (Recorded(n, "h", "", "d", "ended", 0.0, 1.0), made, steps)
        for n, (made, steps) in enumerate(found, 1)
    ]
    return told(rows[::-1], None)[::-1]


def create(ended: str) -> Step:
    return Step(CREATE, "create", ended, {}, {})


def remove(status: int | None, ended: str = "failed") -> Step:
    return Step(REMOVE, "delete", ended, {}, {}, answered=status)


FAILED_ROWS = Step("ProfileSource/s@fr", "execute", "partial", {"failed": 2}, {})
RESUME = "`reconciler resume 1` continues this plan; nothing is sent twice."
GONE = f"The platform refused to remove {REMOVE} (405), and would again: remove it in the console, or do not ask for it: drop it from the specs, or plan without --prune."
RETRY = "`reconciler source retry s --failed-lines` sends the failed commands again, as they were; of corrected rows `reconciler apply` makes a new load."


@pytest.mark.parametrize(
    ("first", "later", "completed_by", "todo"),
    [
        ([create("succeeded")], [], None, []),
        ([create("failed")], [], None, [RESUME]),
        ([create("failed")], [(plan(), [create("failed")])], None, [RESUME]),
        ([create("failed")], [(plan(), [create("succeeded")])], 2, []),
        ([create("failed")], [(plan((CREATE,)), [])], 2, []),
        ([create("unknown")], [(plan(), []), (plan((CREATE,)), [])], 3, []),
        ([remove(405)], [], None, [GONE]),
        ([remove(409)], [], None, [RESUME]),
        ([create("failed"), remove(405)], [], None, [RESUME, GONE]),
        ([remove(405)], [(plan((REMOVE,)), [])], None, [GONE]),  # not proposed again, and still there
        ([remove(405)], [(plan(), [remove(None, "succeeded")])], 2, []),
        ([FAILED_ROWS], [], None, [RETRY]),
        ([FAILED_ROWS], [(plan((FAILED_ROWS.address,)), [])], None, [RETRY]),
        ([FAILED_ROWS], [(plan(), [Step(FAILED_ROWS.address, "execute", "unchanged", {}, {})])], None, [RETRY]),
        ([FAILED_ROWS], [(plan(), [Step(FAILED_ROWS.address, "execute", "succeeded", {}, {})])], 2, []),
        ([FAILED_ROWS], [(plan(), [FAILED_ROWS])], None, [RETRY]),  # tried again, and failed again
        ([FAILED_ROWS], [(plan(), [FAILED_ROWS]), (plan(), [Step(FAILED_ROWS.address, "execute", "succeeded", {}, {})])], 3, []),
        ([Step(FAILED_ROWS.address, "execute", None, {}, {})], [(plan(), [FAILED_ROWS])], 2, []),  # what is left is told by run 2
    ],
)  # fmt: skip
def test_what_is_left_to_do_about_a_run(
    first: list[Step], later: list[tuple[Plan, list[Step]]], completed_by: int | None, todo: list[str]
) -> None:
    found = ledger((plan(), first), *later)[0]
    assert (found.completed_by, found.todo) == (completed_by, todo)


def test_refused_removals_of_imports_are_one_line_and_their_seal_is_nothing_to_continue() -> None:
    imports = [Step(f"DocumentImport/{n}@fr", "delete", "failed", {}, {}, answered=405) for n in (3000, 3001)]
    seal = Step("DocumentImport/3002@fr", "delete", "skipped", {}, {})
    (said,) = ledger((plan(), [*imports, seal]))[0].todo
    assert "DocumentImport/3000@fr, DocumentImport/3001@fr (405)" in said
    assert "`keep_generations`" in said
    assert "specs" not in said


def test_who_has_no_right_to_remove_is_told_of_it() -> None:
    (said,) = ledger((plan(), [remove(403)]))[0].todo
    assert "give the token's user the right to remove it" in said


def test_a_run_of_a_rollout_goes_on_as_that() -> None:
    (found,) = ledger((plan(waves=True), [create("failed")]))
    assert found.todo == ["`reconciler rollout resume` continues this plan; nothing is sent twice."]
