"""What shows only after a load was sealed is told by the first plan after it: a twin of a chunk, or a superseded load that came late."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.remote import Execution, Import
from reconciler.planning.loads.generations import generations
from reconciler.planning.loads.late import late, watched
from tests.support.stranger import Stranger
from tests.support.workspace import CUSTOMERS, Workspace

OLD, NEW, RETRY = (
    LoadKey("ws", "src", 1, "a" * 12),
    LoadKey("ws", "src", 2, "b" * 12),
    LoadKey("ws", "src", 2, "c" * 12, 1),
)


OTHER = LoadKey("ws", "src", 2, "e" * 12)


def chunk(key: LoadKey) -> str:
    return str(ChunkName(key, 1000, 1, 1, "d" * 12, 1))


@pytest.mark.parametrize(
    ("names", "executions", "codes"),
    [
        ([chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["7"]}, []),
        ([chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["7", "8"]}, ["load-duplicated"]),
        ([chunk(NEW), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["7"], "1": ["8"]}, ["load-duplicated"]),
        # superseded: sent before is as it should be; after is not
        ([chunk(OLD), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["6"], "1": ["7"]}, []),
        ([chunk(OLD), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["10"], "1": ["7"]}, ["load-late"]),
        ([chunk(OLD), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["5", "6"], "1": ["7"]}, ["load-duplicated"]),
        # sealed before: looked at when it was the newest
        ([chunk(OLD), str(SealName(OLD, 5, 0)), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["9"], "2": ["7"]}, []),
        # a sub-load of failed lines
        (
            [chunk(NEW), str(SealName(NEW, 4, 1)), chunk(RETRY), str(SealName(RETRY, 1, 0))],
            {"0": ["7"], "2": ["8", "9"]},
            ["load-duplicated"],
        ),
        ([chunk(NEW), str(SealName(NEW, 4, 1)), chunk(RETRY), str(SealName(RETRY, 1, 0))], {"0": ["7"], "2": ["8"]}, []),
        # another content under the number of the newest load
        ([chunk(OTHER), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["6"], "1": ["7"]}, []),
        ([chunk(OTHER), chunk(NEW), str(SealName(NEW, 5, 0))], {"0": ["10"], "1": ["7"]}, ["load-late"]),
        ([chunk(NEW)], {"0": ["7", "8"]}, []),  # not sealed: every plan looks
    ],
)  # fmt: skip
def test_what_came_after_a_seal(names: list[str], executions: dict[str, list[str]], codes: list[str]) -> None:
    rows = [Import(str(i), n) for i, n in enumerate(names)]
    former = [("ws", "src")]
    found = watched(generations(rows, former), generations(rows, former, retries=True))
    seen = {i: [Execution(e, "SUCCEEDED") for e in ids] for i, ids in executions.items()}
    assert [x.finding("x").code for x in late(found, seen)] == codes


@pytest.fixture
def remote() -> Iterator[Stranger]:
    made = Stranger(1, storm=0.0, lag=0.0, paged=None)
    yield made
    made.stop()


@pytest.mark.parametrize("settle", ["0", "1h"])
def test_the_first_plan_after_the_seal_tells_of_a_late_twin(
    settle: str, remote: Stranger, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "ws", remote.url, settle="0")
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    settings = (workspace.root / "reconciler.yaml").read_text()
    (workspace.root / "reconciler.yaml").write_text(settings.replace("settle: 0", f"settle: {settle}"))
    with remote.lock:
        rows = next(rows for rows in remote.executions.values() if rows)
        rows.append(remote.new({"status": "PENDING"}))
    told = workspace.run("plan", "--detailed-exitcode")
    assert told.code == 0, told
    assert "warning[load-duplicated]" in told.err
    # It is told once, but within `settle` every plan looks: a twin may still come.
    assert ("load-duplicated" in workspace.run("plan").err) is (settle == "1h")
    assert "load-duplicated" in workspace.run("plan", CI="true").err  # nothing is kept there


def test_a_plan_long_after_the_load_asks_for_no_executions(remote: Stranger, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws", remote.url)
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert workspace.run("plan").code == 0
    asked: list[str] = []
    route = remote.route
    remote.route = lambda m, p, b: asked.append(p) or route(m, p, b)  # type: ignore[method-assign,func-returns-value]
    assert workspace.run("plan").code == 0
    assert asked
    assert [p for p in asked if "executions" in p] == []


def loaded(remote: Stranger, tmp_path: Path, settle: str) -> Workspace:
    """A workspace whose load ended well; then its listing may lag for so long."""
    workspace = Workspace(tmp_path / "ws", remote.url, settle="0")
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    text = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", text.replace("settle: 0", f"settle: {settle}"))
    return workspace


def twin(remote: Stranger) -> None:
    with remote.lock:
        next(rows for rows in remote.executions.values() if rows).append(remote.new({"status": "PENDING"}))


@pytest.mark.parametrize(
    ("settle", "saved", "planned_before"),
    [("0", False, False), ("1h", False, True), ("1h", True, False), ("0", True, False), ("0", False, True)],
)
def test_the_first_apply_that_sees_a_late_twin_ends_with_3_and_the_next_with_a_line(
    settle: str, *, saved: bool, planned_before: bool, remote: Stranger, tmp_path: Path
) -> None:
    workspace = loaded(remote, tmp_path, settle)
    arguments = ["apply", "--auto-approve"]
    if saved:
        assert workspace.run("plan", "--out", str(workspace.root / "plan.json")).code == 0
        arguments = ["apply", str(workspace.root / "plan.json")]
    twin(remote)
    if planned_before:
        assert "load-duplicated" in workspace.run("plan").err
    words = "load 1, chunk 1: 2 executions ("
    first = workspace.run(*arguments)
    assert first.code == 3, first
    assert words in first.err
    second = workspace.run(*arguments)
    assert second.code == 0, second
    assert f"ProfileSource/customers@retail-fr: {words}" in second.err
    assert "(reported before)" in second.err
    twin(remote)  # one more is news
    third = workspace.run("apply", "--auto-approve", "-o", "json")
    assert third.code == 3, third
    outcome = json.loads(third.out)["outcomes"][0]
    assert (outcome["status"], outcome["action"]) == ("duplicated", "no-op")
    assert workspace.run("apply", "--auto-approve").code == 0


def test_a_twin_that_a_run_reported_is_not_news_for_the_next(remote: Stranger, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws", remote.url)
    workspace.customers(20)
    execute = remote.execute

    def twice(method: str, identity: str, query: str, body: bytes) -> tuple[int, dict[str, Any]]:
        answer = execute(method, identity, query, body)
        if method == "POST":
            execute(method, identity, query, body)
        return answer

    remote.execute = twice  # type: ignore[method-assign]
    first = workspace.run("apply", "--auto-approve")
    assert first.code == 3, first
    assert "2 executions under one import" in first.err
    second = workspace.run("apply", "--auto-approve")
    assert second.code == 0, second
    assert "(reported before)" in second.err


def test_executions_that_could_not_be_listed_were_not_looked_at(remote: Stranger, tmp_path: Path) -> None:
    workspace = loaded(remote, tmp_path, "0")
    twin(remote)
    route = remote.route

    def closed(method: str, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        return (403, {"status": "error"}) if "executions" in target else route(method, target, body)

    remote.route = closed  # type: ignore[method-assign]
    assert workspace.run("apply", "--auto-approve").code == 0
    remote.route = route  # type: ignore[method-assign]
    assert "load-duplicated" in workspace.run("plan").err
    assert workspace.run("apply", "--auto-approve").code == 3


def test_an_apply_long_after_the_load_asks_for_no_executions(remote: Stranger, tmp_path: Path) -> None:
    workspace = loaded(remote, tmp_path, "0")
    assert workspace.run("apply", "--auto-approve").code == 0
    asked: list[str] = []
    route = remote.route
    remote.route = lambda m, p, b: asked.append(p) or route(m, p, b)  # type: ignore[method-assign,func-returns-value]
    assert workspace.run("apply", "--auto-approve").code == 0
    assert asked
    assert [p for p in asked if "executions" in p] == []


def test_a_twin_of_a_load_that_the_ledger_does_not_know_is_told(remote: Stranger, tmp_path: Path) -> None:
    workspace = loaded(remote, tmp_path, "0")
    workspace.forget_ledger()
    twin(remote)
    assert workspace.run("apply", "--auto-approve").code == 3
    assert workspace.run("apply", "--auto-approve").code == 0


def test_a_twin_of_a_load_before_the_newest_is_told(remote: Stranger, tmp_path: Path) -> None:
    workspace = loaded(remote, tmp_path, "1h")
    workspace.customers(20, mark="v2")
    assert workspace.run("apply", "--auto-approve").code == 0
    twin(remote)  # of the first load
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "load 1, chunk 1: 2 executions (" in done.err
    assert workspace.run("apply", "--auto-approve").code == 0


ROLLOUT = """\
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves:
    - {name: france, datamarts: {country: fr}}
    - {name: everyone, datamarts: rest}
"""


def in_waves(remote: Stranger, tmp_path: Path) -> tuple[Workspace, str]:
    """A workspace whose second load has waves, and a saved plan of it; what came late of the first one is of before."""
    workspace = loaded(remote, tmp_path, "0")
    workspace.write("specs/rollout.yaml", ROLLOUT)
    workspace.customers(20, mark="v2", source=CUSTOMERS.replace("datamarts: retail-fr", "datamarts: all"))
    plan = str(workspace.root / "plan.json")
    assert workspace.run("plan", "--out", plan).code == 0
    return workspace, plan


def told_once(workspace: Workspace, *first: str) -> None:
    """The run that sees it first ends with 3 and names it, the next with 0 and a line."""
    done = workspace.run("apply", *first, "-o", "json")
    assert done.code == 3, done
    found = json.loads(done.out)
    assert found["exit_code"] == 3, found
    assert [(o["address"], o["action"]) for o in found["outcomes"] if o["status"] == "duplicated"] == [
        ("ProfileSource/customers@retail-fr", "no-op")
    ]
    assert "load 1, chunk 1: 2 executions (" in done.err + done.out
    again = workspace.run("apply", "--auto-approve")
    assert again.code == 0, again
    assert "(reported before)" in again.err


def test_a_rollout_tells_of_a_late_twin_as_any_apply_does(remote: Stranger, tmp_path: Path) -> None:
    workspace, plan = in_waves(remote, tmp_path)
    twin(remote)  # of the first load; the rollout makes the second one
    told_once(workspace, plan)


def test_one_wave_tells_of_a_late_twin_of_a_wave_before(remote: Stranger, tmp_path: Path) -> None:
    workspace, plan = in_waves(remote, tmp_path)
    assert workspace.run("apply", plan, "--wave", "france").code == 0
    with remote.lock:
        newest = max(i for i, rows in remote.executions.items() if rows)
        remote.executions[newest].append(remote.new({"status": "PENDING"}))
    done = workspace.run("apply", plan, "--wave", "everyone")
    assert done.code == 3, done
    assert "ProfileSource/customers@retail-fr" in done.err
    assert "load 2, chunk 1: 2 executions (" in done.err
    done = workspace.run("apply", plan)  # finished
    assert done.code == 0, done
    assert "(reported before)" in done.err


def test_a_rollout_that_fails_leaves_late_twins_to_the_next(remote: Stranger, tmp_path: Path) -> None:
    workspace, plan = in_waves(remote, tmp_path)
    twin(remote)
    with remote.lock:
        kept, remote.activations["1510"] = remote.activations["1510"], []
    assert workspace.run("apply", plan).code in (3, 4)
    remote.activations["1510"] = kept
    told_once(workspace, "--auto-approve")
