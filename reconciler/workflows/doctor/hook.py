"""Whether the pre-commit hook checks with the version that applies. Reads `.pre-commit-config.yaml`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.model.health import Check, good, skipped, warned
from reconciler.spec.documents import parse

FILE = ".pre-commit-config.yaml"
_HOOK = "reconciler-validate"
_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)+[0-9A-Za-z.+-]*)")
_MOST = 1 << 20


def hook_check(root: Path, version: str) -> Check:
    """Compare the hook of the repository that holds the workspace with the running command."""
    path = _nearest(root.resolve())
    if path is None:
        return skipped("hook", f"no {FILE} in the workspace or its repository")
    try:
        with path.open("rb") as file:
            documents, findings = parse(str(path), file.read(_MOST))
    except OSError as e:
        return warned(
            "hook", f"cannot read {path}: {e.strerror}", "give the user who runs this the right to read it"
        )
    if not documents or findings:
        return warned("hook", f"{path} is not valid YAML", f"run `pre-commit validate-config {path}`")
    return hook_of(documents[0].data, version)


def hook_of(config: Any, version: str) -> Check:
    """The same, from what the file holds."""
    revisions = list(_revisions(config))
    if not revisions:
        return skipped("hook", f"{FILE} has no hook {_HOOK}")
    if revisions[0] is None:
        return good("hook", "runs the installed command")
    found = _VERSION.fullmatch(revisions[0])
    if found is None:
        return good("hook", "pinned to a revision that is no version; compare it with the command's by hand")
    if found[1] == version:
        return good("hook", f"version {version}, as the command")
    return warned(
        "hook",
        f"the hook checks with version {found[1]}, this command is {version}",
        "run `pre-commit autoupdate`, or install the version of the hook, so that both apply the same rules",
    )


def _revisions(config: Any) -> Iterator[str | None]:
    repositories = config.get("repos") if isinstance(config, dict) else None
    for repository in repositories if isinstance(repositories, list) else ():
        hooks = repository.get("hooks") if isinstance(repository, dict) else None
        ids = [str(h.get("id", "")) for h in hooks if isinstance(h, dict)] if isinstance(hooks, list) else []
        if any(i.startswith(_HOOK) for i in ids):
            yield None if repository.get("repo") == "local" else str(repository.get("rev", ""))


def _nearest(folder: Path) -> Path | None:
    """In the folder or above it, up to the root of the repository."""
    for here in (folder, *folder.parents):
        if (here / FILE).is_file():
            return here / FILE
        if (here / ".git").exists():
            return None
    return None
