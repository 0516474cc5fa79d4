"""Offline: workspace and specs -> settings and desired state, or all findings at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.errors import SpecError
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, has_errors
from reconciler.planning.digests import digest
from reconciler.settings import Settings, resolve
from reconciler.spec.desired import desired
from reconciler.spec.documents import Document
from reconciler.spec.files import WORKSPACE_FILE, find, read, read_workspace
from reconciler.spec.rules import check as check_rules
from reconciler.spec.sets import UnknownDatamart
from reconciler.spec.sets import resolve as resolve_set
from reconciler.spec.specs import Specs, collect

# With a document that could not be read, a name may only seem to be missing.
_MAYBE_CAUSED = frozenset({"unknown-reference", "unknown-datamart", "empty-set"})


@dataclass(frozen=True, slots=True)
class Checked:
    """A workspace that was read.

    Attributes:
        labels: metadata.labels by (kind, name).
        diagnostics: warnings, and errors if any.
    """

    root: Path
    settings: Settings
    specs: Specs
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    labels: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True if nothing stops."""
        return not has_errors(self.diagnostics)

    def desired(self) -> Desired:
        """The desired state.

        Raises:
            SpecError: there are findings that stop.
        """
        if not self.ok:
            raise SpecError(self.diagnostics)
        return desired(self.specs, self.settings)

    def spec_digest(self) -> str:
        """Digest over the contents of all specs, whatever the files are called."""
        return digest(
            sorted((d.data for d in self.documents), key=lambda d: (d["kind"], d["metadata"]["name"]))
        )

    def datamart_ids(self, expression: str) -> frozenset[str]:
        """Names of the datamarts in a set given by flag: a name, names with commas, `all`, or key=value.

        Raises:
            UnknownDatamart: no spec declares it.
        """
        parts: list[Any] = [dict([p.split("=", 1)]) if "=" in p else p for p in expression.split(",")]
        return resolve_set(parts, self.specs.labels())


def check(
    root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], only: Sequence[Path] = ()
) -> Checked:
    """Read and check everything.

    Args:
        root: the folder with reconciler.yaml.
        flags: given flags.
        environ: process environment.
        only: spec files or folders to read instead of the workspace's.

    Raises:
        ReconcilerError: there is no usable workspace file.
    """
    workspace = read_workspace(root)
    settings = resolve(flags, environ, workspace.data)
    paths, findings = find(root, settings.specs, only)
    documents: list[Document] = []
    for path in paths:
        if path.resolve() == (root / WORKSPACE_FILE).resolve():
            continue
        found, bad = read(root, path)
        findings += bad
        documents += [] if has_errors(bad) else [d for d in found if d.data["kind"] != "Workspace"]
    specs = collect(documents, settings.environment)
    broken = has_errors(findings)
    findings += [d for d in check_rules(documents, specs) if not (broken and d.code in _MAYBE_CAUSED)]
    labels = {
        (d.data["kind"], d.data["metadata"]["name"]): d.data["metadata"].get("labels", {}) for d in documents
    }
    return Checked(root, settings, specs, tuple(documents), tuple(findings), len(paths), labels)


__all__ = ["Checked", "UnknownDatamart", "check"]
