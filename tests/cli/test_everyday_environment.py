"""What people's machines look like: empty variables, relative commands, paths in the home folder, -h."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.wiring import destination, ledgers
from reconciler.settings import Settings


def _run(root: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
    command = [sys.executable, "-m", "reconciler", "-C", str(root), *arguments]
    return subprocess.run(command, env=clean | environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    assert _run(folder, "init").returncode == 0
    return folder


@pytest.mark.parametrize("command", [["validate"], ["config", "show", "-o", "json"]])
def test_an_empty_variable_is_an_unset_one(root: Path, command: list[str]) -> None:
    names = [
        "OUTPUT",
        "ENVIRONMENT",
        "ENDPOINT",
        "PARALLELISM",
        "NO_COLOR",
        "TOKEN",
        "TOKEN_FILE",
        "DATAMART",
        "ONLY",
        "LOCK_TIMEOUT",
        "EVENTS",
        "OUT",
    ]
    bare, empty = _run(root, *command), _run(root, *command, **{f"RECONCILER_{n}": "" for n in names})
    assert (bare.returncode, bare.stdout) == (empty.returncode, empty.stdout)
    assert bare.returncode == 0


@pytest.mark.parametrize("command", [[], ["plan"], ["source", "check"]])
def test_h_is_help(root: Path, command: list[str]) -> None:
    short, long = _run(root, *command, "-h"), _run(root, *command, "--help")
    assert (short.returncode, short.stdout) == (0, long.stdout)
    assert "--help" in short.stdout


def test_a_source_is_named_with_or_without_its_kind(root: Path) -> None:
    wrong = _run(root, "source", "check", "ProfileSource/absent")
    assert wrong.returncode == 1
    assert "no spec declares ProfileSource/absent" in wrong.stderr


def test_a_ledger_in_the_home_folder(tmp_path: Path) -> None:
    settings = Settings(workspace="w", organisation_id="1", ledger="sqlite:~/x.db")
    assert ledgers.place(tmp_path, settings).file == Path.home() / "x.db"


def test_the_credential_command_runs_in_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "credential").write_text("#!/bin/sh\necho synthetic\n")
    (tmp_path / "credential").chmod(0o755)
    settings = Settings(workspace="w", organisation_id="1", credential_command=("./credential",))
    assert destination.token(tmp_path, settings, None, {}) == "synthetic"
