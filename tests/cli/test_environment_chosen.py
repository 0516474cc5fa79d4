"""Where reconciler.yaml declares environments, nothing is planned, asked or written until one is chosen."""

from pathlib import Path

import pytest

from tests.cli.test_validate import run
from tests.support.specs import FILES, write

ENVIRONMENTS = "  environments: {dev: {organisation_id: '1190'}, prod: {organisation_id: '1185'}}\n"
WORKSPACE = (
    FILES["reconciler.yaml"].replace(
        'spec: {organisation_id: "1185", endpoint: "sandbox:"}',
        'spec:\n  organisation_id: "1185"\n  endpoint: "sandbox:"\n',
    )
    + ENVIRONMENTS
)
ASKING = [
    "plan",
    "plan --only config",
    "apply --auto-approve",
    "drift",
    "resume",
    "runs",
    "runs show 1",
    "runs resolve ProfileSource/crm@retail-fr#1 --sent",
    "unlock x",
    "source check crm",
    "source preview crm --line {}",
    "source retry crm --failed-lines",
    "rollout status",
    "rollout pause",
    "rollout resume",
    "rollout abort",
    "config show",
    "conformance --organisation-id 1185 --datamart 1509",
]
NOT_ASKING = ["validate", "render", "explain", "schema", "validate -o json"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path, {**FILES, "reconciler.yaml": WORKSPACE})


@pytest.mark.parametrize("command", ASKING)
def test_a_command_stops_that_reads_the_workspace(root: Path, command: str) -> None:
    done = run(root, *command.split())
    assert done.code == 1, done
    assert "declares the environments dev, prod, and none is chosen" in done.err
    assert "--environment NAME" in done.err
    assert "RECONCILER_ENVIRONMENT" in done.err
    assert done.out == ""
    assert not (root / ".sandbox").exists()


@pytest.mark.parametrize("command", NOT_ASKING)
def test_what_only_looks_goes_on(root: Path, command: str) -> None:
    assert run(root, *command.split()).code == 0


def test_the_variable_chooses_and_an_empty_one_does_not(root: Path) -> None:
    for name, code in (("dev", 0), ("", 1), ("test", 1)):
        assert run(root, "config", "show", RECONCILER_ENVIRONMENT=name).code == code
    assert run(root, "config", "show", "--environment", "prod").code == 0


@pytest.mark.parametrize("command", [("plan",), ("rollout", "status")])
def test_the_help_names_the_variable(root: Path, command: tuple[str, ...]) -> None:
    assert "RECONCILER_ENVIRONMENT" in run(root, *command, "--help").out
