"""What the machine refuses (space, memory, files, threads) is told as that, with what to do: no bug, no traceback, no values."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from reconciler.machine import refusal
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, TOKEN, Workspace

CONSOLE = "import sys\nfrom reconciler.cli.entry import run\nsys.argv[0] = 'reconciler'\nrun()\n"


def limited(workspace: Workspace, largest_file: int, *args: str, code: str = CONSOLE) -> tuple[int, str]:
    """Exit code and all output of a command that can write no file larger than so many bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    done = subprocess.run(
        [sys.executable, "-c", code, "-C", str(workspace.root), *args],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
        env={**os.environ, "CI": "1"},
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_temporary_file_that_cannot_grow(workspace: Workspace) -> None:
    workspace.customers(3000, source=f"{CUSTOMERS}  duplicates: keep_last\n")
    file = workspace.root / "data/customers.csv"
    file.write_text(file.read_text() + file.read_text().removeprefix("id,tier\n"))
    code, shown = limited(workspace, 1000, "source", "check", "customers")
    assert (code, "File too large" in shown, "Traceback" in shown) == (1, True, False), shown
    assert "= help: allow larger files" in shown
    assert "a bug in" not in shown


@pytest.mark.parametrize("words", [["clean"], ["demo"], ["validate"]])
def test_no_folder_for_temporary_files(workspace: Workspace, words: list[str]) -> None:
    workspace.customers(3)
    code, shown = limited(workspace, 0, *words)
    assert ("Traceback" in shown, "a bug in" in shown) == (False, False), shown
    assert code == (1 if words == ["demo"] else 0), shown
    assert ("set TMPDIR" in shown) == (words == ["demo"]), shown


def test_a_bug_whose_report_cannot_be_written_shows_frames_and_no_values(workspace: Workspace) -> None:
    broken = (
        "import reconciler.cli.app as a\n"
        "def broken(*_): raise ValueError('canary' + 'value')\n"
        "a.main_command = broken\n"
    )
    code, shown = limited(workspace, 0, "plan", code=broken + CONSOLE)
    assert (code, "a bug in reconciler: ValueError" in shown) == (1, True), shown
    assert "attach the lines above" in shown
    assert ", in broken" in shown
    assert "canaryvalue" not in shown
    assert "Traceback" not in shown


OURS = ("EBADF", "EFAULT", "ENOTSOCK", "EDESTADDRREQ", "EPROTOTYPE")
REFUSED = [
    *(
        OSError(number, os.strerror(number), *path)
        for number, name in errno.errorcode.items()
        for path in ([], ["/some/path"], [b"/some/path\xff"])
        if path or name not in OURS
    ),
    FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp']"),
    MemoryError(),
    RuntimeError("can't start new thread"),
    RuntimeError("Symlink loop from '/some/path'"),
    EOFError(),
    EOFError("unexpected EOF"),
    BrokenProcessPool("a process was terminated abruptly"),
]


@pytest.mark.parametrize("error", REFUSED, ids=repr)
def test_what_is_the_machines_doing(error: BaseException) -> None:
    found = refusal(error)
    assert found is not None
    assert "None" not in found[0]


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("x"), KeyError("x"), OSError(), OSError("of a library")], ids=repr
)
def test_what_is_a_bug(error: BaseException) -> None:
    assert refusal(error) is None


def test_what_the_machine_refuses_one_action_is_told_beside_what_the_others_did(
    emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulator = emulator_with()
    workspace = Workspace(tmp_path / "work", emulator.url)
    broken = (
        "import reconciler.control.changes as c\n"
        "perform = c.Changer.perform\n"
        "def broken(self, change):\n"
        "    if change.address.endswith('retail-de'): raise OSError(5, 'Input/output error')\n"
        "    return perform(self, change)\n"
        "c.Changer.perform = broken\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken + CONSOLE, "-C", str(workspace.root), "apply", "--auto-approve"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RECONCILER_TOKEN": TOKEN},
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, "bug in" in done.stderr) == (3, False), done.stdout + done.stderr
    assert "2 succeeded" in done.stdout, done.stdout
    assert "Input/output error" in done.stdout + done.stderr
    assert workspace.run("apply", "--auto-approve").code == 0
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert len([w for w in emulator.writes() if w["status"] < 300]) == 3


def test_a_link_that_leads_to_itself(workspace: Workspace) -> None:
    (workspace.root / "new").symlink_to("new")
    done = workspace.run("init", str(workspace.root / "new"))
    assert (done.code, "a link leads to itself" in done.err) == (1, True), done
