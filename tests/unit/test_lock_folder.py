"""What may stand where locks lie: links, pipes and folders of others are refused by name, never followed, never waited for."""

import os
import time
from pathlib import Path

import pytest

from reconciler.errors import DiskFailed, LockHeld
from reconciler.ledger.lock import FileLock, Owner, acquire
from reconciler.ledger.lock_folder import default_folder, open_lock, ready
from reconciler.ledger.open_writes import Mark
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

PLANTED = ("link", "dangling", "fifo", "folder", "file")


def plant(path: Path, what: str) -> Path:
    """Put something there; gives what a link would lead to."""
    aim = path.with_name("aim")
    match what:
        case "link":
            aim.mkdir()
            path.symlink_to(aim)
        case "dangling":
            path.symlink_to(aim)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "file":
            path.write_text("")
    return aim


@pytest.mark.parametrize("what", [w for w in PLANTED if w != "folder"])
@pytest.mark.parametrize("chosen", [False, True])
def test_a_lock_folder_that_is_no_folder_is_refused(what: str, tmp_path: Path, *, chosen: bool) -> None:
    aim = plant(tmp_path / "locks", what)
    with pytest.raises(DiskFailed):
        ready(tmp_path / "locks", chosen=chosen)
    assert not aim.exists() or not list(aim.iterdir())


@pytest.mark.parametrize(
    ("mode", "good"), [(0o700, True), (0o770, True), (0o1777, True), (0o777, False), (0o702, False)]
)
def test_a_chosen_folder_in_which_anybody_could_replace_files_is_refused(
    mode: int, tmp_path: Path, *, good: bool
) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    folder.chmod(mode)
    if good:
        assert ready(folder, chosen=True) == folder
        assert folder.stat().st_mode & 0o7777 == mode
    else:
        with pytest.raises(DiskFailed, match="every user"):
            ready(folder, chosen=True)


@pytest.mark.parametrize("what", [w for w in PLANTED if w != "file"])
def test_a_lock_that_is_no_file_is_refused_at_once(what: str, tmp_path: Path) -> None:
    aim = plant(tmp_path / "x.lock", what)
    with pytest.raises(DiskFailed):
        open_lock(tmp_path / "x.lock")
    assert what == "link" or not aim.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_private_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    os.chown(tmp_path / "locks", 65534, 65534)
    with pytest.raises(DiskFailed):
        ready(tmp_path / "locks", chosen=False)


def test_no_variable_moves_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = default_folder()
    for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "USER", "LOGNAME"):
        monkeypatch.setenv(name, "/elsewhere")
    assert default_folder() == before


@pytest.mark.parametrize("what", ["link", "fifo", "file"])
def test_apply_names_the_lock_folder_and_writes_nothing(
    what: str, emulator: Emulator, workspace: Workspace
) -> None:
    plant(workspace.root.parent / "locks", what)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1, done
    assert "locks" in done.err
    assert "bug" not in done.err
    assert emulator.writes() == []


def taken(ledger: Path, folder: Path) -> FileLock:
    owner, now = Owner("lock", "me", "here", 1, 0.0), time.monotonic
    return acquire(ledger, "o", "1185", folder=folder, timeout=0, owner=owner, now=now, sleep=time.sleep)


@pytest.mark.parametrize("linked", [False, True])
def test_the_folder_of_the_ledger_may_be_that_of_the_locks(tmp_path: Path, *, linked: bool) -> None:
    folder = ledger = tmp_path / "locks"
    folder.mkdir(mode=0o700)
    if linked:
        folder = tmp_path / "on the way"
        folder.symlink_to(tmp_path, target_is_directory=True)
        folder = folder / "locks"
    for mark in (Mark("first", quiet=True), Mark("second", quiet=False)):
        lock = taken(ledger / "ledger.db", folder)
        assert lock.held()
        with pytest.raises(LockHeld):
            taken(ledger / "ledger.db", folder)
        lock.mark(mark)
        lock.release()
    last = taken(ledger / "ledger.db", folder)
    assert last.left == Mark("second", quiet=False)
    last.release()


def test_a_lock_that_cannot_be_taken_whole_is_not_taken_at_all(tmp_path: Path) -> None:
    """Whatever still knows of the failure, as a traceback does, holds nothing."""
    ledger, folder = tmp_path / "ledger" / "ledger.db", tmp_path / "locks"
    folder.mkdir(mode=0o700)
    taken(ledger, folder).release()
    senders = next(folder.glob("senders-*"))
    senders.unlink()
    senders.mkdir()
    with pytest.raises(DiskFailed) as failed:
        taken(ledger, folder)
    senders.rmdir()
    taken(ledger, folder).release()
    assert failed.tb is not None
