"""What scripts of tests start in place of `python -m reconciler` does the same: files, folder, environment, exit code, signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import zygote
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ANEW = (sys.executable, "-m", "reconciler")


@pytest.mark.parametrize(
    ("arguments", "variables", "code"),
    [
        (["--version"], {}, 0),
        (["validate"], {}, 0),
        (["plan", "--nonsense"], {}, 64),
        (["config", "show"], {"RECONCILER_PARALLELISM": "7"}, 0),
        (["plan"], {"RECONCILER_TOKEN": ""}, 1),
    ],
)
def test_a_forked_run_prints_and_ends_as_one_begun_anew(
    arguments: list[str], variables: dict[str, str], code: int, tmp_path: Path
) -> None:
    folder = Workspace(tmp_path / "ws", "http://127.0.0.1:9").root
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_") and k != "CI"}
    forked, anew = (
        subprocess.run(
            [*command, *arguments],
            cwd=folder,
            env={**clean, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        for command in (zygote.command(), ANEW)
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (code, anew.stdout, anew.stderr), anew


def test_what_is_given_to_it_on_stdin_is_read(workspace: Workspace) -> None:
    plan = workspace.run("plan", "--out", "-").out
    done = subprocess.run(
        [*zygote.command(), "-C", str(workspace.root), "show", "/dev/stdin"],
        input=plan,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "loyalty" in done.stdout) == (0, True), done


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_reach_it(number: int, code: int, workspace: Workspace, emulator: Emulator) -> None:
    emulator.fault({"do": "delay", "seconds": 1, "times": 0})
    process = subprocess.Popen(
        [*zygote.command(), "-C", str(workspace.root), "apply", "--auto-approve"],
        env={**os.environ, "RECONCILER_TOKEN": "x"},
        stderr=subprocess.DEVNULL,
    )
    while not emulator.requests():
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == code
