"""A token is read whole or not at all, whatever the path leads to, within bounds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.wiring import given_file, secret_file
from reconciler.errors import ReconcilerError
from tests.support.workspace import Workspace


def with_token(workspace: Workspace, path: Path | str) -> tuple[int, str]:
    done = workspace.run("plan", "--token-file", str(path), timeout=30, RECONCILER_TOKEN="")
    return done.code, done.err


@pytest.fixture
def ready(workspace: Workspace) -> Workspace:
    workspace.customers(3)
    return workspace


def test_a_file(ready: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token\r\n")
    assert with_token(ready, file)[0] == 0


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_file_without_a_token(text: str, ready: Workspace, tmp_path: Path) -> None:
    """Another token, or none, is not sent in its place."""
    file = tmp_path / "token"
    file.write_text(text)
    assert with_token(ready, file) == (1, f"error: cannot read the token from {file}: it is empty\n")


def test_a_pipe_that_is_written_slowly(ready: Workspace) -> None:
    command = f"{sys.executable} -m reconciler -C {ready.root} plan --token-file <(sleep 0.5; printf a-token)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("path", "why"),
    [("/dev/zero", "it holds more than 64 KiB"), ("/", "Is a directory"), ("/no/such", "No such file")],
)
def test_what_is_no_token(path: str, why: str, ready: Workspace) -> None:
    code, told = with_token(ready, path)
    assert (code, why in told) == (1, True), told
    assert "Traceback" not in told


def test_text_that_is_none(ready: Workspace, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    code, told = with_token(ready, tmp_path / "bytes")
    assert (code, "not text" in told) == (1, True), told


def test_a_pipe_without_a_writer_is_waited_for_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(given_file, "WRITER_S", 0.2)
    with pytest.raises(ReconcilerError, match=r"no program writes into this pipe within 0\.2 s"):
        secret_file.read_secret(tmp_path / "pipe", "token")
