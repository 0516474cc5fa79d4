"""What `init` writes for a team: a rollout in two waves, an overlay for a second environment, and where sealing is switched on."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.support.workspace import Workspace

ENVIRONMENTS = '  environments: {prod: {}, dev: {endpoint: "sandbox:", token: {env: MICS_DEV}}}\n'


@pytest.mark.parametrize("kit", ["--github", "--gitlab"])
def test_a_team_gets_a_rollout_and_a_second_environment_in_two_steps(kit: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws", "sandbox:")
    target = tmp_path / "shop"
    assert workspace.run("init", str(target), kit).code == 0
    settings = target / "reconciler.yaml"
    text = settings.read_text()
    assert "ledger: {env: RECONCILER_LEDGER_URL}" in text
    assert "plan_key: {env: RECONCILER_PLAN_KEY}" in text
    assert "RECONCILER_PLAN_KEY" in (target / "docs/runbook.md").read_text()
    assert workspace.run("-C", str(target), "validate").code == 0
    rendered = workspace.run("-C", str(target), "render", "-o", "json")
    assert "canary" in rendered.out, rendered
    example = target / "specs/overlays.dev.yaml.example"
    example.with_name("overlays.dev.yaml").write_text(example.read_text().replace("NAME", "loyalty"))
    settings.write_text(text + ENVIRONMENTS)
    assert workspace.run("-C", str(target), "validate").code == 0
    names = {
        name: workspace.run("-C", str(target), "render", "--environment", name, "-o", "json").out
        for name in ("prod", "dev")
    }
    assert {name: "Only in dev" in text for name, text in names.items()} == {"prod": False, "dev": True}
    assert json.loads(names["dev"])


@pytest.mark.parametrize(
    ("kits", "runbooks"),
    [
        (["--github"], {"docs/runbook.md": "github"}),
        (["--gitlab"], {"docs/runbook.md": "gitlab"}),
        (["--github", "--gitlab"], {"docs/runbook.md": "github", "docs/runbook-gitlab.md": "gitlab"}),
    ],
)
def test_a_runbook_speaks_of_the_service_that_it_is_for(
    kits: list[str], runbooks: dict[str, str], tmp_path: Path
) -> None:
    """Each variable and each thing to start that it names is in the pipelines of that service, and none is of the other."""
    workspace = Workspace(tmp_path / "ws", "sandbox:")
    target = tmp_path / "shop"
    said = workspace.run("init", str(target), *kits)
    assert said.code == 0
    assert {f"docs/{p.name}" for p in (target / "docs").iterdir()} == runbooks.keys()
    assert ("CODEOWNERS" in said.err.partition("Before the first")[2]) is ("--github" in kits)
    for name, service in runbooks.items():
        text = (target / name).read_text()
        files = (
            [target / ".gitlab-ci.yml"]
            if service == "gitlab"
            else sorted((target / ".github/workflows").iterdir())
        )
        pipelines = "\n".join(p.read_text() for p in files)
        for variable in re.findall(r"`((?:MICS|RECONCILER)_\w+|ALLOW)`", text):
            assert variable in pipelines, (name, variable)
        if service == "gitlab":
            jobs = yaml.safe_load(pipelines).keys()
            named = set(re.findall(r"the job `([^`]+)`", text)) | {"resume", "rollout resume"}
            assert named <= jobs, named - jobs
            assert not re.search(r"pull request|repository`|nightly`|`new plan`|[Oo]ne issue", text)
        else:
            choices = re.findall(r"options: \[(.*)\]", pipelines)[0].split(", ")
            assert set(re.findall(r"with `(\w+(?: \w+)*)`", text)) <= {*choices, "allow"}
            assert "merge request" not in text


def test_nobody_else_gets_them(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws", "sandbox:")
    assert workspace.run("init", str(tmp_path / "shop"), "--sandbox").code == 0
    assert not (tmp_path / "shop/specs/rollout.yaml").exists()
    assert "plan_key" not in (tmp_path / "shop/reconciler.yaml").read_text()


def test_a_folder_inside_a_repository_is_told(tmp_path: Path) -> None:
    """Pipelines, code owners and hooks are read only at the root; there, and without a repository, nothing is said."""
    workspace = Workspace(tmp_path / "ws", "sandbox:")
    root = tmp_path / "mono repo"
    (root / ".git").mkdir(parents=True)
    words = f"This folder is inside the repository {root}."
    inner = workspace.run("init", str(root / "teams" / "crm"), "--github")
    assert (inner.code, words in inner.err) == (0, True), inner
    assert "This folder is inside" not in workspace.run("init", str(root), "--gitlab").err
    assert "This folder is inside" not in workspace.run("init", str(tmp_path / "alone")).err
