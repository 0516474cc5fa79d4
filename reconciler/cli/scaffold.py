"""Starter files: the repository's `specs/`, which the wheel carries as `reconciler/starter`, wired for git and editors."""

import json
import os
import re
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import reconciler
from reconciler.errors import ReconcilerError
from reconciler.model.address import WORKSPACE_FILE
from reconciler.planning.export.names import slug
from reconciler.spec.schema import schema_text

SCHEMA_FILE = ".vscode/reconciler.schema.json"
_MODELINE = re.compile(r"^# yaml-language-server: \$schema=.*$", re.MULTILINE)
_HOOK = """\
repos:
  - repo: local
    hooks:
      - id: reconciler-validate
        name: reconciler validate
        entry: reconciler validate
        language: system
        pass_filenames: false
        always_run: true
"""


_LONGEST_NAME = 24
_IGNORED = (".reconciler/", ".sandbox/", "*.plan", "*.rejects")
_WORKSPACE = """\
# yaml-language-server: $schema={schema}
apiVersion: reconciler/v1
kind: Workspace
metadata: {{name: {name}}} # part of every import's name: two workspaces never mistake each other's loads
spec:
  organisation_id: "{organisation_id}"
  endpoint: {endpoint}
  specs: [specs]
"""


class Kit(StrEnum):
    """What `init` adds for a service that runs pipelines."""

    GITHUB = "github"
    GITLAB = "gitlab"
    SANDBOX = "sandbox"


_PLACES = {
    Kit.GITHUB: (".github", "docs/runbook.md"),
    Kit.GITLAB: (".gitlab-ci.yml", "docs/runbook-gitlab.md"),
    Kit.SANDBOX: ("tests/test_sandbox.py",),
}
_RUNBOOK, _RUNBOOK_GITLAB = Path("docs/runbook.md"), Path("docs/runbook-gitlab.md")
_SHARED = """\
  ledger: {env: RECONCILER_LEDGER_URL} # postgresql://… shared by all who apply
  plan_key: {env: RECONCILER_PLAN_KEY} # seals saved plans where the key is set; see docs/runbook.md
"""
# Beside starter specs only: they are about labels and names of these.
_SPECS_OF_A_TEAM = (Path("specs/rollout.yaml"), Path("specs/overlays.dev.yaml.example"))


class Scaffold(NamedTuple):
    """What was written, and what was there already and left alone.

    Attributes:
        unignored: lines that an existing .gitignore lacks.
    """

    written: list[Path]
    kept: list[Path]
    unignored: list[str]


def starter() -> Path:
    """Where the starter files are: in the installed package, or in a checkout."""
    package = Path(reconciler.__file__).parent
    return found if (found := package / "starter").is_dir() else package.parent / "specs"


def pipelines() -> Path:
    """Where the pipelines are: in the installed package, or in a checkout."""
    package = Path(reconciler.__file__).parent
    return found if (found := package / "pipelines").is_dir() else package.parent / "examples" / "gitops"


def kit_files(kits: Collection[Kit]) -> dict[Path, str]:
    """Files of pipelines, by place in the workspace.

    Args:
        kits: which.
    """
    root = pipelines()
    places = {place for kit in kits for place in _PLACES[kit]}
    found = {p for place in places for p in (root / place, *(root / place).rglob("*")) if p.is_file()}
    files = {p.relative_to(root): p.read_text("utf-8") for p in sorted(found)}
    if (
        _RUNBOOK not in files and _RUNBOOK_GITLAB in files
    ):  # of one service it has the name that other files say
        files[_RUNBOOK] = files.pop(_RUNBOOK_GITLAB)
    return files


def add_kits(target: Path, kits: Collection[Kit]) -> Scaffold:
    """Add pipelines to a workspace that is there; what is there already is left alone.

    Args:
        target: the workspace.
        kits: which.
    """
    return _placed(target, {}, kit_files(kits))


def scaffold(target: Path, kits: Collection[Kit] = ()) -> Scaffold:
    """Write the starter files: the workspace file, specs below `specs/`, data below `data/`; never overwrites.

    Files of other tools (git, pre-commit, editors, pipelines) that are there already are left alone.

    Args:
        target: the folder.
        kits: pipelines to add.

    Raises:
        ReconcilerError: one of the starter files is there already; nothing was written.
    """
    source = starter()
    files = {
        _place(p.relative_to(source)): p.read_text("utf-8")
        for p in sorted(source.rglob("*"))
        if _is_starter(p, source)
    }
    workspace = Path(WORKSPACE_FILE)
    files[workspace] = files[workspace].replace("specs: [.]", "specs: [specs]").replace("-C specs ", "")
    files = {name: _wired(name, text) for name, text in files.items()}
    files[workspace] = files[workspace].replace("name: retail}", f"name: {workspace_name(target)}}}")
    if shared(kits):
        files |= {name: (pipelines() / name).read_text("utf-8") for name in _SPECS_OF_A_TEAM}
        files[workspace] = files[workspace].replace(
            '  endpoint: "sandbox:"', f'{_SHARED}  endpoint: "sandbox:"'
        )
    return _write(target, files, kits)


def scaffold_empty(target: Path, organisation_id: str, endpoint: str, kits: Collection[Kit] = ()) -> Scaffold:
    """Write a workspace file for an organisation, with an empty folder of specs; never overwrites.

    Args:
        target: the folder.
        organisation_id: of the workspace.
        endpoint: as reconciler.yaml has it.
        kits: pipelines to add.

    Raises:
        ReconcilerError: there is a workspace file already; nothing was written.
    """
    text = _WORKSPACE.format(
        schema=SCHEMA_FILE,
        name=workspace_name(target, f"org-{organisation_id}"),
        organisation_id=organisation_id,
        endpoint=json.dumps(endpoint),
    )
    text += _SHARED if shared(kits) else ""
    made = _write(target, {Path(WORKSPACE_FILE): text}, kits)
    (target / "specs").mkdir(exist_ok=True)
    return made


def workspace_name(target: Path, fallback: str = "workspace") -> str:
    """A name for the workspace: its folder's, as far as a name may have its letters.

    Args:
        target: the folder.
        fallback: where the folder's name gives nothing.
    """
    return slug(target.resolve().name, _LONGEST_NAME) or fallback


def repository_above(target: Path) -> Path | None:
    """The root of the repository that the folder lies in, where it is another folder: pipelines and hooks are read only there."""
    folder = target.resolve()
    if os.path.lexists(folder / ".git"):
        return None
    return next((parent for parent in folder.parents if os.path.lexists(parent / ".git")), None)


def shared(kits: Collection[Kit]) -> bool:
    """True if several machines will apply, which then need one ledger."""
    return bool({Kit.GITHUB, Kit.GITLAB} & set(kits))


def _write(target: Path, files: dict[Path, str], kits: Collection[Kit]) -> Scaffold:
    """Write these files, and those of other tools where they are not there yet."""
    if taken := next((target / name for name in files if os.path.lexists(target / name)), None):
        raise ReconcilerError(f"{taken} already exists; nothing was written", help="name another folder")
    beside = {
        Path(SCHEMA_FILE): schema_text(),
        Path(".vscode/settings.json"): _editor_settings(),
        Path(".vscode/extensions.json"): json.dumps({"recommendations": ["redhat.vscode-yaml"]}, indent=2)
        + "\n",
        Path(".pre-commit-config.yaml"): _HOOK,
        Path(".gitignore"): "".join(f"{line}\n" for line in _IGNORED),
    }
    return _placed(target, files, beside | kit_files(kits))


def _placed(target: Path, files: dict[Path, str], beside: dict[Path, str]) -> Scaffold:
    """Write files; those beside only where there is none yet."""
    kept = [target / name for name in beside if os.path.lexists(target / name)]
    files = files | {name: text for name, text in beside.items() if target / name not in kept}
    unignored = _unignored(target / ".gitignore") if target / ".gitignore" in kept else []
    for name, text in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text, "utf-8")
        if name.suffix == ".sh":
            (target / name).chmod(0o755)
    return Scaffold([target / name for name in files], kept, unignored)


def _unignored(path: Path) -> list[str]:
    there = {line.strip() for line in path.read_text("utf-8", "replace").splitlines()}
    return [line for line in _IGNORED if not there & {line, line.rstrip("/"), f"/{line}"}]


def _is_starter(path: Path, source: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(source).parts)


def _place(name: Path) -> Path:
    return name if name == Path(WORKSPACE_FILE) or name.parts[0] == "data" else Path("specs") / name


def _wired(name: Path, text: str) -> str:
    """With the modeline that YAML language servers read, leading to the workspace's own copy of the schema."""
    return _MODELINE.sub(f"# yaml-language-server: $schema={os.path.relpath(SCHEMA_FILE, name.parent)}", text)


def _editor_settings() -> str:
    patterns = [WORKSPACE_FILE, "specs/**/*.yaml", "specs/**/*.yml"]
    return json.dumps({"yaml.schemas": {f"./{SCHEMA_FILE}": patterns}}, indent=2) + "\n"
