"""Links in `.reconciler` and `.sandbox`, which a branch may bring along, lead nothing that removes or writes to what is not this tool's."""

import os
from pathlib import Path

import pytest

from reconciler.private_folder import leads_straight
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

COMMANDS = (
    ("plan",),
    ("source", "check", "customers"),
    ("clean",),
    ("clean", "--remove", "--auto-approve"),
    ("source", "retry", "customers", "--failed-lines", "--auto-approve"),
    ("source", "index", "customers"),
    ("source", "index", "customers", "--drop"),
    ("apply", "--auto-approve"),
    ("resume",),
    ("doctor",),
)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of the user's own, with names such as this tool gives."""
    made = tmp_path / "victim"
    for name in ("docs/a", "x.partial-99999999/f", "customers-1509-g1.r1/0000.ndjson", "uploads/b"):
        (made / name).parent.mkdir(parents=True)
        (made / name).write_bytes(b"precious")
    for name in (
        "server.json",
        "seed.json",
        "state.db",
        "ledger.db.damaged-1",
        "notes.123",
        "y.partial-77",
        "log",
    ):
        (made / name).write_bytes(b"precious")
    for path in made.rglob("*"):
        os.utime(path, (1, 1))
    return made


@pytest.mark.parametrize(
    "place", [".reconciler", ".reconciler/spool", ".reconciler/index", ".reconciler/spool/customers-1"]
)
def test_nothing_is_removed_or_written_where_a_link_leads(
    place: str, victim: Path, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20, source=f"{CUSTOMERS}  duplicates: keep_last\n  send: changed\n")
    assert workspace.run("apply", "--auto-approve").code == 0
    path = workspace.root / place
    if path.exists():
        path.rename(workspace.root / "moved")
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(victim)
    before = contents(victim)
    workspace.customers(21, source=f"{CUSTOMERS}  duplicates: keep_last\n  send: changed\n")
    for command in COMMANDS:
        done = workspace.run(*command)
        assert contents(victim) == before, (command, done)
        assert "precious" not in done.out + done.err
    assert "victim" not in workspace.run("clean").out


@pytest.mark.parametrize("place", [".sandbox", ".sandbox/log", ".sandbox/start.lock"])
def test_a_sandbox_writes_nothing_where_a_link_leads(place: str, victim: Path, tmp_path: Path) -> None:
    own = Workspace(tmp_path / "own", '"sandbox:"')
    path = own.root / place
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(victim if place == ".sandbox" else victim / "log")
    before = contents(victim)
    try:
        for command in (("plan",), ("sandbox", "status"), ("sandbox", "stop"), ("sandbox", "reset")):
            done = own.run(*command)
            assert contents(victim) == before, (command, done)
    finally:
        own.run("sandbox", "stop")


def test_which_paths_lead_straight(tmp_path: Path) -> None:
    own = tmp_path / ".reconciler"
    (own / "spool").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (own / "link").symlink_to(tmp_path / "other")
    assert leads_straight(own / "spool/missing")
    assert not leads_straight(own / "link")
    assert not leads_straight(own / "link/below")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    assert leads_straight(tmp_path / "link/below")  # not this tool's own
