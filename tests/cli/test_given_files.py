"""A path that the user names may lead to anything: no command waits for it without end, and each says what is wrong with it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Done, Workspace

COMMANDS = [
    ("apply", "{}"),
    ("apply", "--check", "{}"),
    ("show", "{}"),
    ("diff", "{}", "{}"),
    ("plan", "--token-file", "{}"),
    ("sandbox", "serve", "--port", "0", "--faults", "{}"),
    ("sandbox", "serve", "--port", "0", "--seed", "{}"),
]


@pytest.mark.parametrize("what", ["a pipe", "a folder", "/dev/null", "a broken link"])
def test_what_holds_nothing_ends_the_command(what: str, workspace: Workspace, tmp_path: Path) -> None:
    path = Path(what) if what.startswith("/") else tmp_path / "given"
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    elif what == "a broken link":
        path.symlink_to(tmp_path / "nowhere")
    begun = time.monotonic()
    for command, done in ended(workspace, [tuple(w.format(path) for w in c) for c in COMMANDS]):
        assert done.code in (1, 4), (command, done)
        assert "given" in done.err or what in done.err or "the sandbox cannot start" in done.err, (
            command,
            done,
        )
    assert time.monotonic() - begun < 50


def test_a_pipe_that_nobody_reads(workspace: Workspace, tmp_path: Path) -> None:
    workspace.customers(3)
    os.mkfifo(tmp_path / "given")
    flags = [
        ("plan", "--out"),
        ("apply", "--auto-approve", "--events"),
        ("source", "check", "customers", "--rejects"),
    ]
    for _, done in ended(workspace, [(*flag, str(tmp_path / "given")) for flag in flags]):
        assert done.code == 1, done
        assert "no program reads this pipe within 15 s" in " ".join(done.err.split())


def ended(workspace: Workspace, commands: list[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Done]]:
    """Commands that run together."""
    for command, process in [(c, workspace.start(*c)) for c in commands]:
        out, err = process.communicate(timeout=60)
        yield command, Done(process.returncode, out, err)


def test_a_pipe_that_is_read(workspace: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "given")
    process = workspace.start("plan", "--out", str(tmp_path / "given"))
    time.sleep(1)
    assert json.loads((tmp_path / "given").read_bytes())["format_version"]
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


def test_a_plan_of_a_pipe_that_is_written_slowly(workspace: Workspace, emulator: Emulator) -> None:
    plain = f"{sys.executable} -m reconciler -C {workspace.root}"
    command = f"{plain} apply <(sleep 0.5; {plain} plan --out -)"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "RECONCILER_TOKEN": "sandbox"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "loyalty" in {c["token"] for c in emulator.compartments()}
