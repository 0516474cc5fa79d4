"""The plugin for repositories of specs, as its users run it: the example repository, whole and broken."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/gitops"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "repository"))


def outcome_of(repository: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of pytest in a repository."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "RECONCILER_", "COV_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments]
    done = subprocess.run(
        command, cwd=repository, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_example_repository_passes_and_leaves_nothing_behind(repository: Path) -> None:
    before = sorted(p.relative_to(repository) for p in repository.rglob("*") if "__pycache__" not in p.parts)
    code, said = outcome_of(repository)
    assert code == 0, said
    assert "4 passed" in said
    assert before == sorted(
        p.relative_to(repository) for p in repository.rglob("*") if "__pycache__" not in p.parts
    )


def test_a_broken_spec_fails_with_its_finding_and_no_traceback(repository: Path) -> None:
    spec = repository / "specs/members.yaml"
    spec.write_text(spec.read_text().replace("{compartment: members", "{compartment: member"))
    code, said = outcome_of(repository, "-k", "members")
    assert code == 1
    assert "test_specs.py:5: assert reconcile.plan()" in said
    assert "specs/members.yaml:7:30" in said
    assert "did you mean 'members'?" in said
    assert "Traceback" not in said
    assert "workspace.py" not in said


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            "assert reconcile.plan().is_empty",
            ["<plan: create Compartment/members, ", " more>", "reconciler plan --out .reconciler/tested.plan: exit code 0", "+ Compartment/members"],
        ),
        ("assert reconcile.plan().summary['create'] == 0", ["+ Compartment/members"]),
        ("assert reconcile('drift', '--detailed-exitcode').code == 0", ["reconciler drift --detailed-exitcode: exit code 2", "Compartment/members"]),
    ],
)  # fmt: skip
def test_an_assertion_that_fails_shows_what_the_plan_would_do(
    repository: Path, body: str, shown: list[str]
) -> None:
    (repository / "tests/test_specs.py").write_text(f"def test_it(reconcile):\n    {body}\n")
    code, said = outcome_of(repository, "tests/test_specs.py")
    assert code == 1
    assert [x for x in shown if x not in said] == [], said
    assert "object at 0x" not in said


def test_what_does_not_converge_is_shown(repository: Path) -> None:
    (repository / "tests/test_specs.py").write_text(
        "def test_it(reconcile, reconciler_faults):\n"
        "    reconciler_faults([{'do': 'status', 'status': 400, 'method': 'POST', 'path': '/compartments', 'times': 0}])\n"
        "    reconcile.converge(runs=2)\n"
    )
    code, said = outcome_of(repository, "tests/test_specs.py")
    assert code == 1
    assert re.search(r"test_specs.py:3: reconcile.converge\(runs=2\)\n\nnot converged after 2 runs", said)
    assert "Activation/members@shop-fr" in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    reconciler_faults('flaky-fryday')", "a file, or one of did-it-happen, flaky-friday"),
        ("    reconcile('plan', '--datamart', 'nowhere').ended(0)", "ended with exit code"),
    ],
)
def test_a_mistake_in_a_test_is_reported_in_one_line(repository: Path, body: str, words: str) -> None:
    (repository / "tests/test_specs.py").write_text(f"def test_it(reconcile, reconciler_faults):\n{body}\n")
    code, said = outcome_of(repository, "tests/test_specs.py")
    assert code == 1
    assert words in said
    assert "reconciler/testing" not in said


def test_without_a_workspace_it_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(reconcile): pass\n")
    code, said = outcome_of(tmp_path)
    assert code == 1
    assert "set reconciler_workspace in the pytest settings" in said


def test_an_environment_is_chosen_in_the_settings(repository: Path) -> None:
    workspace = repository / "reconciler.yaml"
    workspace.write_text(
        workspace.read_text()
        + "  environments: {dev: {organisation_id: '77', endpoint: 'https://dev.example'}}\n"
    )
    (repository / "pytest.ini").write_text("[pytest]\nreconciler_environment = dev\n")
    (repository / "tests/test_specs.py").write_text(
        "def test_it(reconcile, reconciler_sandbox):\n"
        "    reconcile.apply('--only', 'config')\n"
        "    assert 'members' in [c['token'] for c in reconciler_sandbox.compartments('77')]\n"
    )
    code, said = outcome_of(repository, "-k", "not flaky")  # which is run above
    assert code == 0, said
