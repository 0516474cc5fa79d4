"""`conformance` against the emulator: it reports just the switches that are set, and reads only unless told to write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.switches import CHOICES, Switches
from reconciler.workflows.conformance.lines import _order
from tests.support.covering import missing, rows
from tests.support.datamart_schema import EXAMPLE
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ROWS = rows()
ALONE = {
    "datamarts": [{"id": "1509", "name": "Set aside", "organisation_id": "1185"}],
    "compartments": [{"id": "1000", "organisation_id": "1185", "token": "default", "name": None}],
    "activations": [{"datamart_id": "1509", "compartment_id": "1000", "default": True}],
    "schemas": [{"datamart_id": "1509", "text": EXAMPLE}],
}
TIMES = {"pending_seconds": 0.3, "running_seconds": 0.06}
Answers = dict[str, Any]


def asked(emulator: Emulator, root: Path, *flags: str) -> dict[str, Any]:
    """What `conformance` prints as JSON."""
    command = ["conformance", "--organisation-id", "1185", "--datamart", "1509", "--endpoint", emulator.url]
    done = Workspace(root, emulator.url).run(*command, "--patience", "20s", "-o", "json", *flags)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_every_pair_of_settings_is_in_the_array() -> None:
    assert missing(ROWS) == []


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_it_reports_the_switches_that_are_set(
    number: int, emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    row = ROWS[number]
    truth = Switches().with_values(row)
    # A lag is measured by the clock: where the machine was too busy to see it, it is measured again. A wrong rule is wrong each time.
    for attempt in range(3):
        emulator = emulator_with(seed=ALONE, **TIMES, **row)
        document = asked(emulator, tmp_path / f"ws{attempt}", "--write", "--auto-approve")
        if all(as_set(answer, truth) for answer in document["answers"] if "lag_" in answer["question"]):
            break
    told: Answers = document["switches"]
    for answer in document["answers"]:
        assert as_set(answer, truth), answer
    assert len(told) >= 17
    # Nothing is left of what can be removed, and the rest is named.
    assert emulator.imports("1509") == []
    kept = [c["id"] for c in emulator.compartments() if c["id"] != "1000"]
    assert len(document["left"]) >= len(kept)
    assert kept == [] or truth.removal == "405"


@pytest.mark.parametrize("order", ["fifo", "shuffled", "parallel"])
def test_the_order_is_told_where_executions_wait_for_each_other(
    order: str, emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulator = emulator_with(seed=ALONE, pending_seconds=0.3, running_seconds=0.5, order=order)
    document = asked(emulator, tmp_path / "ws", "--write", "--auto-approve")
    assert document["switches"]["order"] == order


def _row(made: int, start: int, duration: int) -> dict[str, int]:
    return {"creation_date": made, "start_date": start, "duration": duration}


def _served(*made: int, after: int, each: int) -> list[dict[str, int]]:
    """One after the other, in order, each at the earliest `after` its creation."""
    rows, free = [], 0
    for at in made:
        rows.append(_row(at, max(at + after, free), each))
        free = rows[-1]["start_date"] + each
    return rows


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        (_served(0, 1, 2, 3, 4, 5, after=300, each=60), "fifo"),  # 1 in 720 by chance
        (_served(0, 1, 2, 3, 4, 5, after=0, each=60), "fifo"),  # 1 in 120: the first had no rival
        (_served(0, 1, 2, 3, 4, after=0, each=60), None),  # 1 in 24
        (_served(0, 1, 2, 3, after=0, each=60), None),  # 1 in 6
        (_served(0, 100, 200, 300, 400, 500, after=300, each=60), None),  # none waited for another
        (_served(0, 1000, 2000, after=0, each=60), None),
        ([_row(0, 300, 60), _row(1, 300, 60), _row(2, 300, 60)], "parallel"),
        ([_row(0, 300, 60), _row(100, 400, 60), _row(200, 500, 60), _row(300, 600, 60)], None),
        ([_row(0, 360, 60), _row(1, 300, 60), _row(2, 420, 60)], "shuffled"),
        ([_row(0, 300, 60), _row(1, 360, 60)], None),
        ([_row(0, 300, 60), _row(1, 360, 60), {"creation_date": 2}], None),
    ],
)
def test_an_order_that_may_be_chance_is_no_answer(rows: list[dict[str, int]], answer: str | None) -> None:
    assert _order(rows).answer == answer


def as_set(answer: dict[str, Any], truth: Switches) -> bool:
    """Whether an answer is what the switches say."""
    name, found = answer["question"], answer["answer"]
    expected = getattr(truth, name)
    if found is None:
        # On a machine that is busy too few executions wait at once; the test of the orders waits long enough.
        return "by chance" in answer["seen"] or untellable(name, truth)
    if name.endswith("lag_seconds"):
        return bool(abs(found - expected) < 0.35)
    return bool(found == expected)


def untellable(name: str, truth: Switches) -> bool:
    """Questions that cannot be told under these settings."""
    if name in (
        "page_default",
        "page_cap",
    ):  # lists do not echo, and say no total that a page could be short of
        return truth.shape == "odd"
    if name in ("schema_clash", "schema_nested_null"):  # what the index has cannot be read back
        return truth.schema_clash not in ("failure", "coerced") or name == "schema_nested_null"
    # There is no compartment that is not active, and none can be deactivated.
    return name == "unactivated_compartment" and truth.auto_activate == "on" and truth.removal == "405"


def test_without_write_nothing_is_written(emulator: Emulator, tmp_path: Path) -> None:
    document = asked(emulator, tmp_path / "ws")
    assert emulator.writes() == []
    told = {"page_default": 20, "page_cap": 500, "total": "with"}
    assert document["switches"] == {**told, "schema_list": "draft_first", "schema_text": "plain"}
    assert {a["seen"] for a in document["answers"] if a["question"] == "removal"} == {"needs --write"}


def test_executions_of_the_past_tell_without_writing(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(10)
    emulator.switch(success_word="SUCCESS", numeric_ids="off")
    assert workspace.run("apply", "--auto-approve").code == 0
    before = len(emulator.writes())
    command = ["conformance", "--organisation-id", "1185", "--datamart", "1509", "--endpoint", emulator.url]
    done = workspace.run(*command)
    assert done.code == 0
    assert "success_word            SUCCESS" in done.out
    assert "numeric_ids             off" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert len(emulator.writes()) == before
    assert workspace.run(*command, "-o", "markdown").out.startswith("| Question | Answer |")


def test_a_wrong_token_or_address_is_reported(emulator: Emulator, workspace: Workspace) -> None:
    emulator.switch(token="another")
    command = ["conformance", "--organisation-id", "1185", "--datamart", "1509", "--endpoint"]
    done = workspace.run(*command, emulator.url)
    assert done.code == 1
    assert "401" in done.err
    assert workspace.run(*command, "http://127.0.0.1:9").code == 1
    (workspace.root / "reconciler.yaml").unlink()
    assert workspace.run("conformance", "--datamart", "1509", "--endpoint", emulator.url).code == 64


def test_it_asks_the_platform_of_the_workspace_and_writes_only_when_told_to(workspace: Workspace) -> None:
    command = ["conformance", "--organisation-id", "1185", "--datamart", "1509"]
    assert workspace.run(*command).code == 0, "the endpoint is the one in reconciler.yaml"
    done = workspace.run(*command, "--write")
    assert (done.code, "approval is required" in done.err) == (1, True), done


SCHEMA_SWITCHES = [
    *(
        {"schema_list": option}
        for option in CHOICES["schema_list"]
        if option in ("draft_first", "paged", "live_only")
    ),
    *({"schema_text": option} for option in CHOICES["schema_text"]),
    {"schema_unknown": "failure", "schema_clash": "coerced"},
    {"schema_unknown": "dropped", "schema_clash": "failure", "schema_plain_names": "platform"},
]


@pytest.mark.parametrize("switches", SCHEMA_SWITCHES, ids=str)
def test_it_reports_how_the_schema_is_answered_and_what_it_does(
    switches: dict[str, str], emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulator = emulator_with(seed=ALONE, **switches)
    flags = ("--write", "--auto-approve") if "schema_unknown" in switches else ()
    told = asked(emulator, tmp_path / "ws", *flags)["switches"]
    assert {k: told.get(k) for k in switches} == switches


@pytest.mark.parametrize("listed", ["empty", "no_live", "two_live", "published"])
def test_lists_without_one_live_schema_are_told(
    listed: str, emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    assert asked(emulator_with(schema_list=listed), tmp_path / "ws")["switches"]["schema_list"] == listed
