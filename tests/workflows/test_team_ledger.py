"""Two machines' worth of processes against one PostgreSQL ledger; and what `unlock` says of a lock on one machine."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.postgres import execute, new_database
from tests.support.workspace import Workspace, kill
from tests.workflows.test_faults import once_each

# However slow the machine is, a run that has this before it is not at its end while others look at its lock.
SLOW = {"do": "delay", "seconds": 3, "method": "POST", "path": "/executions", "times": 0}


@pytest.fixture(scope="module")
def server() -> str:
    return new_database()


def until(process: Any, condition: Callable[[], bool]) -> None:
    """Wait for something that a run does."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def machine(folder: Path, name: str, emulator: Emulator, server: str, lines: int) -> Workspace:
    """A checkout on a machine of its own: another folder for the repository, and another for temporary files."""
    made = Workspace(folder / name / "ws", emulator.url)
    (folder / name / "tmp").mkdir()
    made.env = {"TMPDIR": str(folder / name / "tmp"), "LEDGER": server, "GITHUB_ACTOR": name}
    with (made.root / "reconciler.yaml").open("a") as file:
        file.write("  ledger: {env: LEDGER}\n")
    made.customers(lines, max_bytes=5_000)
    return made


def under_way(
    folder: Path, emulator: Emulator, server: str, lines: int = 1500
) -> tuple[Workspace, Workspace, Any]:
    """Two machines, and a run on the first that is in the middle of a load."""
    execute(server, "DROP SCHEMA IF EXISTS reconciler CASCADE")
    one, two = (machine(folder, name, emulator, server, lines) for name in ("ada", "bob"))
    first = one.start("apply", "--auto-approve")
    until(first, lambda: any(emulator.executions("1509").values()))
    return one, two, first


def test_two_machines_exclude_each_other_and_take_over_from_each_other(
    tmp_path: Path, emulator: Emulator, server: str
) -> None:
    one, two, first = under_way(tmp_path, emulator, server)
    emulator.fault(SLOW)  # it does not end before the other begins, however slow the machine is
    blocked = two.run("apply", "--auto-approve", "--lock-timeout", "0s")
    assert blocked.code == 5, blocked
    assert re.search(
        r"locked by another run: ada on \S+ \(process \d+\), since .* UTC, lock [0-9a-f]{8}",
        " ".join(blocked.err.split()),
    )
    kill(first, group=True, after=0)
    emulator.fault()
    done = two.run("apply", "--auto-approve")
    assert done.code == 0, done
    once_each(emulator)
    assert len(emulator.profiles("1509")) == 1500
    assert two.run("plan", "--detailed-exitcode").code == 0
    told = one.run("runs", "-o", "json")
    assert next(r["state"] for r in json.loads(told.out)["runs"]) == "succeeded", told


def test_a_run_whose_lock_is_released_stops_writing_and_the_next_continues(
    tmp_path: Path, emulator: Emulator, server: str
) -> None:
    _one, two, first = under_way(tmp_path, emulator, server, lines=3000)
    emulator.fault(SLOW)
    told = " ".join(two.run("apply", "--auto-approve", "--lock-timeout", "0s").err.split())
    identity = re.search(r"lock ([0-9a-f]{8})", told)
    assert identity
    assert two.run("unlock", "0" * 8).code == 1
    broken = two.run("unlock", identity[1])
    assert broken.code == 0, broken
    assert "Released the lock of ada" in broken.out
    emulator.fault()
    _, err = first.communicate(timeout=60)
    assert first.returncode == 3, err
    assert "the lock was lost" in " ".join(err.split())
    assert two.run("apply", "--auto-approve").code == 0
    once_each(emulator)
    assert len(emulator.profiles("1509")) == 3000


def test_a_lock_on_one_machine_ends_with_its_process_only(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(1500, max_bytes=5_000)
    assert workspace.run("unlock", "x").code == 1
    process = workspace.start("apply", "--auto-approve")
    until(process, lambda: bool(emulator.writes()))
    emulator.fault(SLOW)
    told = workspace.run("apply", "--auto-approve", "--lock-timeout", "0s")
    identity = re.search(r"lock ([0-9a-f]{8})", " ".join(told.err.split()))
    assert identity, told
    refused = workspace.run("unlock", identity[1])
    assert refused.code == 5, refused
    assert f"kill {process.pid}" in " ".join(refused.err.split())
    emulator.fault()
    process.communicate(timeout=60)
    gone = workspace.run("unlock", identity[1])
    assert (gone.code, "not locked" in gone.err) == (1, True), gone


@pytest.mark.parametrize(
    ("ledger", "env", "words"),
    [
        (
            "{env: TEAM_LEDGER}",
            {"CI": "true"},
            "environment variable TEAM_LEDGER, which is not set; this plan",
        ),
        ("{file: absent.url}", {"CI": "true"}, "absent.url"),
        ("{env: TEAM_LEDGER}", {"CI": "true", "TEAM_LEDGER": "sqlite:x.db"}, "the ledger is SQLite"),
        ("sqlite:x.db", {"CI": "true"}, "the ledger is SQLite"),
        ("sqlite:x.db", {"CI": ""}, None),
        ("{env: TEAM_LEDGER}", {"CI": "", "TEAM_LEDGER": "sqlite:x.db"}, None),
        (
            "{env: TEAM_LEDGER}",
            {"CI": ""},
            "TEAM_LEDGER, which is not set; this plan was made without a ledger",
        ),
        ("{file: absent.url}", {"CI": ""}, "set it where you apply"),
    ],
)
def test_a_plan_says_that_its_ledger_is_not_set_and_in_ci_that_it_is_not_shared(
    ledger: str, env: dict[str, str], words: str | None, workspace: Workspace
) -> None:
    settings = workspace.root / "reconciler.yaml"
    kept = [line for line in settings.read_text().splitlines() if "ledger:" not in line]
    settings.write_text("\n".join([*kept, f"  ledger: {ledger}", ""]))
    done = workspace.run("plan", **env)
    assert done.code == 0, done
    if words is None:
        assert "ledger-local" not in done.err
    else:
        assert done.err.count("[ledger-local]") == 1
        assert words in " ".join(done.err.split())
