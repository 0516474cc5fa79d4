"""A reader of stdout that leaves (`| head`) stops neither the work nor changes how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["apply", "--auto-approve"], 0),
        (["plan", "--detailed-exitcode"], 2),
        (["plan", "-o", "json"], 0),
        (["explain"], 0),
        (["schema"], 0),
    ],
)
def test_the_end_is_the_true_one(tmp_path: Path, emulator: Emulator, command: list[str], code: int) -> None:
    workspace = Workspace(tmp_path / "ws", emulator.url)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(  # noqa: PLW1510 - the code is looked at
        [sys.executable, "-m", "reconciler", "-C", str(workspace.root), *command],
        env={**os.environ, "RECONCILER_TOKEN": TOKEN},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert done.returncode == code, done.stderr
    assert "error" not in done.stderr
    assert "Broken" not in done.stderr
    if command[0] == "apply":
        assert workspace.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_streams_that_are_closed_lead_nowhere(
    tmp_path: Path, emulator: Emulator, closed: tuple[int, ...]
) -> None:
    """As by `>&-`: nothing that is printed gets into a file or a connection that took the place of the stream."""
    workspace = Workspace(tmp_path / "ws", emulator.url)
    events = tmp_path / "events"

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    for command in (["plan"], ["apply", "--auto-approve", "--events", str(events)]):
        done = subprocess.run(  # noqa: PLW1510 - the code is looked at
            [sys.executable, "-m", "reconciler", "-C", str(workspace.root), *command],
            env={**os.environ, "RECONCILER_TOKEN": TOKEN},
            capture_output=True,
            preexec_fn=close,
            text=True,
        )
        assert done.returncode == 0, done
        assert "bug in reconciler" not in done.stderr
    assert all(line.startswith("{") for line in events.read_text().splitlines())
    assert workspace.run("plan", "--detailed-exitcode").code == 0
