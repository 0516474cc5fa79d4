"""What lies on the platform under names of ours, and was made by nobody of ours, is told and not believed."""

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

LINES = 60


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.customers(LINES, max_bytes=4_000)
    return workspace


def begun(emulator: Emulator, workspace: Workspace) -> str:
    """A load of which the first chunk is there; gives the beginning of its names."""
    emulator.fault(
        {"method": "POST", "path": "/executions", "after": 1, "times": 99, "do": "status", "status": 401}
    )
    workspace.run("apply", "--auto-approve", "--parallelism", "1")
    emulator.fault()
    return ".".join(emulator.imports_named("1509")[0].split(".")[:5])


def forge(emulator: Emulator, name: str) -> None:
    emulator.store.add("import", "1509", {"datamart_id": "1509", "name": name})


@pytest.mark.parametrize("counts", ["22-0", "0-0", f"{LINES - 1}-0", f"{LINES}-1"])
def test_a_seal_with_other_counts_is_told_and_not_believed(
    counts: str, emulator: Emulator, workspace: Workspace
) -> None:
    forge(emulator, f"{begun(emulator, workspace)}.sealed.{counts}")
    plan = workspace.plan()
    assert [d["code"] for d in plan["diagnostics"] if d["code"] == "seal-doubted"] == ["seal-doubted"]
    assert plan["loads"][0]["actions"] == ["resume"]
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == LINES
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_seal_without_all_chunks_is_not_believed(emulator: Emulator, workspace: Workspace) -> None:
    head = begun(emulator, workspace).replace(".g1.", ".g9.")
    forge(emulator, f"{head}.sealed.{LINES}-0")
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == LINES
    assert {n.split(".")[3] for n in emulator.imports_named("1509") if ".b4000." in n} == {"g1"}


@pytest.mark.parametrize("number", ["9" * 7, "9" * 20, "0", "-1"])
def test_a_number_that_no_load_can_have_is_nobodys(
    number: str, emulator: Emulator, workspace: Workspace
) -> None:
    head = begun(emulator, workspace).replace(".g1.", f".g{number}.")
    forge(emulator, f"{head}.sealed.{LINES}-0")
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == LINES
    assert workspace.run("plan", "--detailed-exitcode").code == 0
