"""An upload that is refused: for its content (terminal), or for the situation (the load stops, and the next apply goes on)."""

from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ADDRESS = "ProfileSource/customers@retail-fr"


def refuse(emulator: Emulator, status: int, *, after: int) -> None:
    rule: dict[str, Any] = {"method": "POST", "path": "/executions", "do": "status", "status": status}
    emulator.fault({**rule, "after": after, "times": 0})


def seals(emulator: Emulator) -> list[str]:
    return [i["name"] for i in emulator.imports("1509") if ".sealed." in i["name"]]


def sent(emulator: Emulator) -> dict[str, int]:
    return {n: len(rows) for n, rows in emulator.executions("1509").items() if rows}


@pytest.mark.parametrize("status", [403, 404, 405, 410, 413, 415, 423, 451, 402])
def test_a_situation_stops_the_load_and_the_next_apply_sends_the_rest(
    status: int, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(400, max_bytes=3_000)
    refuse(emulator, status, after=5)
    done = workspace.run("apply", "--auto-approve", "--parallelism", "2")
    words = " ".join(done.err.split())
    assert done.code == 3, done
    assert f"the upload was answered {status}" in words
    assert "fix the cause and run the same command again, which sends the chunks that are left" in words
    assert seals(emulator) == []
    before = sent(emulator)
    assert len(before) == 5
    tried = [w for w in emulator.writes() if w["path"].endswith("/executions")]
    assert len(tried) <= 5 + 4, "the other chunks are not tried against the same refusal"
    emulator.fault()
    again = workspace.run("apply", "--auto-approve")
    assert again.code == 0, again
    after = sent(emulator)
    assert set(after.values()) == {1}
    assert before.items() <= after.items()
    assert len(seals(emulator)) == 1
    assert len(emulator.profiles("1509")) == 400
    assert workspace.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("status", [400, 422])
def test_content_that_is_refused_is_failed_and_sealed_as_such(
    status: int, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20)
    refuse(emulator, status, after=0)
    assert workspace.run("apply", "--auto-approve").code == 3
    assert len(seals(emulator)) == 1
    emulator.fault()
    writes = len(emulator.writes())
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.writes()) == writes
    assert workspace.run("apply", "--auto-approve", "--reload", ADDRESS).code == 0
    assert len(emulator.profiles("1509")) == 20


def test_later_for_ever_leaves_the_chunks_unsent(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(60, max_bytes=3_000)
    rule = {"method": "POST", "path": "/executions", "do": "status", "status": 429, "times": 0}
    emulator.fault({**rule, "headers": {"Retry-After": "0"}})
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert seals(emulator) == []
    emulator.fault()
    assert workspace.run("apply", "--auto-approve").code == 0
    assert set(sent(emulator).values()) == {1}
    assert len(emulator.profiles("1509")) == 60
