"""Workspaces of specs, checked in the test's own process."""

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.workflows.validate import validate
from reconciler.workspace.verdict_cache import Verdict

FILES = {
    "reconciler.yaml": """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {name: example}
spec: {organisation_id: "1185", endpoint: "sandbox:"}
""",
    "specs/datamarts.yaml": """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: markets}
spec:
  retail-fr: {id: "1501", labels: {country: fr}}
  retail-de: {id: "1502", labels: {country: de}}
  retail-ch: {id: "1503", labels: {country: ch}}
  retail-es: {id: "1504", labels: {country: es}}
""",
    "specs/loyalty.yaml": """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: loyalty}
spec: {token: loyalty, activations: all}
""",
}


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def checked(root: Path, files: Mapping[str, str | bytes], environment: str | None = None) -> Verdict:
    """The verdict on a workspace of `FILES` and these."""
    return validate(
        write(root, {**FILES, **files}),
        {"environment": environment},
        {"XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]},
    )


def codes(verdict: Verdict) -> list[str]:
    """The codes of a verdict's findings, in order."""
    return [d.code for d in verdict.diagnostics]
