"""The ledger is expendable (G5): a damaged one is set aside, told, and the run goes on as with a lost one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    made = Emulator()
    yield made
    made.stop()


def alone(ledger: Path) -> None:
    for beside in ledger.parent.glob("ledger.db-*"):
        beside.unlink()


def truncated(ledger: Path) -> None:
    alone(ledger)
    ledger.write_bytes(ledger.read_bytes()[: ledger.stat().st_size // 2 + 100])


def text(ledger: Path) -> None:
    alone(ledger)
    ledger.write_text("this is no database\n" * 400)


def overwritten(ledger: Path) -> None:
    alone(ledger)
    data = bytearray(ledger.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    ledger.write_bytes(data)


def a_folder(ledger: Path) -> None:
    alone(ledger)
    ledger.unlink()
    ledger.mkdir()


@pytest.mark.parametrize("damage", [truncated, text, overwritten, a_folder])
def test_a_damaged_ledger_is_set_aside_and_the_run_goes_on(
    damage: Callable[[Path], None], emulator: Emulator, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "ws", emulator.url)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(30)
    ledger = workspace.root / ".reconciler" / "ledger.db"
    damage(ledger)
    plan = workspace.run("plan")
    assert plan.code == 0, plan
    assert "damaged" in plan.err
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "damaged" in done.err
    assert len(list(ledger.parent.glob("ledger.db.damaged-*"))) >= 1
    assert len(emulator.profiles("1509")) == 30
    quiet = workspace.run("plan", "--detailed-exitcode")
    assert quiet.code == 0
    assert "damaged" not in quiet.err
    assert workspace.run("runs").code == 0
