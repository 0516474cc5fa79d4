"""A command of the user ends: in time, with a bounded output, and with what it started."""

import os
import signal
import time
from pathlib import Path

import pytest

from reconciler.cli.wiring import destination, user_command
from reconciler.errors import ReconcilerError
from reconciler.settings import Settings


def test_one_that_writes_without_end_is_stopped(tmp_path: Path) -> None:
    for shown in (None, [].append):
        ended = user_command.run(["sh", "-c", "yes"], tmp_path, 30, show=shown, limit=50_000)
        assert (ended.code, ended.why) == (None, "wrote more than 50,000 bytes, and was stopped")


def test_one_that_does_not_end_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    script = f"sleep 100 & echo $! > {tmp_path}/child; wait"
    ended = user_command.run(["sh", "-c", script], tmp_path, 0.5, show=lambda _: None)
    assert ended.why == "did not end within 0.5 s, and was stopped"
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().split()[2]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child is still there")


@pytest.mark.slow
def test_pipes_that_somebody_holds_open_are_not_waited_for(tmp_path: Path) -> None:
    begun = time.monotonic()
    ended = user_command.run(["sh", "-c", "setsid sleep 5 & echo done"], tmp_path, 30)
    assert (ended.code, ended.out) == (0, b"done\n")
    assert time.monotonic() - begun < 4.5


def test_output_comes_whole_and_in_lines(tmp_path: Path) -> None:
    lines: list[bytes] = []
    ended = user_command.run(["sh", "-c", "echo one; echo two >&2; exit 3"], tmp_path, 30, show=lines.append)
    assert (ended.code, lines) == (3, [b"one\n", b"two\n"])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("yes", "wrote more than 65,536 bytes, and was stopped"),
        ("echo s3cr3t >&2; exit 7", "ended with 7"),
    ],
)
def test_a_credential_command_that_fails_says_how_and_not_what(
    script: str, words: str, tmp_path: Path
) -> None:
    settings = Settings(workspace="w", organisation_id="1", credential_command=("sh", "-c", script))
    with pytest.raises(ReconcilerError, match=words) as error:
        destination.token(tmp_path, settings, None, {})
    assert "s3cr3t" not in str(error.value)
