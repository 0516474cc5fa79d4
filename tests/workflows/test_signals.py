"""Whatever ends an apply from outside, it ends in order: what it began is finished and reported, and the next one continues."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace

CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture
def slow(tmp_path: Path) -> tuple[Workspace, Emulator]:
    emulator = Emulator(tmp_path / "emulator", running_seconds=0.5)
    workspace = Workspace(tmp_path / "ws", emulator.url)
    workspace.customers(400, max_bytes=4_000)
    return workspace, emulator


def received(emulator: Emulator) -> int:
    return sum(len(rows) for name, rows in emulator.executions("1509").items() if "sealed" not in name)


def begun(emulator: Emulator, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while received(emulator) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be stopped"


@pytest.mark.parametrize("number", CODES)
def test_an_apply_reports_how_it_ended(
    number: signal.Signals, slow: tuple[Workspace, Emulator], tmp_path: Path
) -> None:
    workspace, emulator = slow
    events = tmp_path / "events"
    process = workspace.start(
        "apply", "--auto-approve", "--parallelism", "2", "-o", "json", "--events", str(events)
    )
    begun(emulator, process)  # type: ignore[arg-type]
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == CODES[number], err
    assert sum(json.loads(out)["summary"].values()) > 0
    assert json.loads(events.read_text().splitlines()[-1])["event"] == "run_finished"
    assert workspace.run("apply", "--auto-approve").code == 0
    assert all(len(rows) == 1 for name, rows in emulator.executions("1509").items() if "sealed" not in name)


def started(workspace: Workspace, *, terminal: int, wrapped: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    def adopt() -> None:
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    return subprocess.Popen(
        [*wrapped, sys.executable, "-m", "reconciler", "-C", str(workspace.root), "apply", "--auto-approve", "--parallelism", "2"],
        env={**os.environ, "RECONCILER_TOKEN": TOKEN}, stdin=terminal, stdout=terminal, stderr=terminal, preexec_fn=adopt,  # noqa: PLW1509
        cwd=workspace.root, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("wrapped", [(), ("nohup",)])
def test_a_terminal_that_is_closed(slow: tuple[Workspace, Emulator], wrapped: tuple[str, ...]) -> None:
    """Nothing can be shown any more; the run is ended in order all the same, or goes on where `nohup` says so."""
    workspace, emulator = slow
    master, terminal = pty.openpty()
    process = started(workspace, terminal=terminal, wrapped=wrapped)
    os.close(terminal)
    os.set_blocking(master, False)
    deadline = time.monotonic() + 60
    while received(emulator) < 2:
        assert time.monotonic() < deadline
        with suppress(OSError):
            os.read(master, 65536)
        time.sleep(0.005)
    os.close(master)
    assert process.wait(60) == (0 if wrapped else 129)
    assert workspace.run("plan", "--detailed-exitcode").code == (0 if wrapped else 2)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert all(len(rows) == 1 for name, rows in emulator.executions("1509").items() if "sealed" not in name)
