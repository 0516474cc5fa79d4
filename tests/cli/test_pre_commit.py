"""The hooks as pre-commit runs them: on a scratch repository, with this checkout as the hooks' repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.specs import FILES, write

ROOT = Path(__file__).parents[2]
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm}
spec:
  files: [data/*.csv]
  datamarts: all
  identify_by: {compartment: loyalty, user_account_id: id}
"""
pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="pre-commit installs hooks from a git repository, and this is none"
)


def run(root: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """A command in the scratch repository, with a home of its own for what pre-commit installs."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "RECONCILER_")) and k != "CI"}
    home = {"HOME": str(root.parent), "PRE_COMMIT_HOME": str(root.parent / "pre-commit")}
    return subprocess.run(
        command, cwd=root, env={**clean, **home}, capture_output=True, text=True, check=False
    )


def git(root: Path, *args: str) -> None:
    """Git, as somebody."""
    done = run(root, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", *args)
    assert done.returncode == 0, done.stderr


def hooks(root: Path, *args: str) -> str:
    """What `pre-commit run` prints for the changes that are staged."""
    done = run(root, sys.executable, "-m", "pre_commit", "run", *args)
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def this_checkout(folder: Path) -> Path:
    """A repository with what is in this checkout, committed or not, as its last commit."""
    named = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, named.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    committed(folder)
    return folder


def committed(root: Path) -> None:
    """Make a repository of a folder."""
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Specs that use the hooks of this checkout."""
    hooks_of = this_checkout(tmp_path / "hooks")
    head = run(hooks_of, "git", "rev-parse", "HEAD").stdout.strip()
    config = f"""\
repos:
  - repo: {hooks_of}
    rev: {head}
    hooks: [{{id: reconciler-validate}}, {{id: reconciler-validate-files}}]
"""
    files = {
        ".pre-commit-config.yaml": config,
        "specs/crm.yaml": SOURCE,
        "notes/other.yaml": "anything: [goes\n",
    }
    made = write(tmp_path / "scratch", {**FILES, **files})
    committed(made)
    return made


def test_good_specs_pass_without_output_and_bad_specs_fail(root: Path) -> None:
    good = hooks(root, "--all-files")
    assert good.startswith("exit 0\n"), good
    assert good.count("Passed") == 2
    assert good.rstrip().endswith("Passed")
    bad = SOURCE.replace("name: crm", "name: web").replace("files", "fils")
    far = SOURCE.replace("name: crm", "name: far").replace("loyalty", "gone")
    write(root, {"specs/web.yaml": bad, "specs/far.yaml": far})
    git(root, "add", "-A")
    shown = hooks(root)
    assert shown.startswith("exit 1\n"), shown
    whole, changed = shown.split("reconciler validate (changed files)")
    assert "did you mean 'files'?" in whole
    assert "specs/web.yaml:5:3" in whole
    assert "unknown-reference" in whole
    assert "specs/web.yaml:5:3" in changed
    assert "unknown-reference" not in changed
    # A deletion that breaks a reference in a file that was not touched is caught.
    git(root, "rm", "-qf", "specs/web.yaml", "specs/far.yaml", "specs/loyalty.yaml")
    shown = hooks(root)
    assert shown.startswith("exit 1\n"), shown
    assert "no spec declares the compartment 'loyalty'" in shown
    assert "specs/crm.yaml:7:30" in shown
