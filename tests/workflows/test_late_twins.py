"""What shows only after a load was sealed is told by the first plan after it: a twin of a chunk, or a superseded load that came late."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.remote import Execution, Import
from reconciler.planning.loads.generations import generations
from reconciler.planning.loads.late import late_findings, watched
from tests.support.stranger import Stranger
from tests.support.workspace import Workspace

OLD, NEW, RETRY = (
    LoadKey("ws", "src", 1, "a" * 12),
    LoadKey("ws", "src", 2, "b" * 12),
    LoadKey("ws", "src", 2, "c" * 12, 1),
)


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
        ([chunk(NEW)], {"0": ["7", "8"]}, []),  # not sealed: every plan looks
    ],
)  # fmt: skip
def test_what_came_after_a_seal(names: list[str], executions: dict[str, list[str]], codes: list[str]) -> None:
    rows = [Import(str(i), n) for i, n in enumerate(names)]
    former = [("ws", "src")]
    found = watched(generations(rows, former), generations(rows, former, retries=True))
    seen = {i: [Execution(e, "SUCCEEDED") for e in ids] for i, ids in executions.items()}
    assert [d.code for d in late_findings("x", found, seen)] == codes


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
