"""Offline: workspace and specs -> settings and desired state, or all findings at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import SpecError
from reconciler.model.address import WORKSPACE_FILE, Span
from reconciler.model.diagnostic import Diagnostic, error, has_errors
from reconciler.settings import Settings, resolve
from reconciler.spec import overlays
from reconciler.spec.documents import Document
from reconciler.spec.files import read_all, read_workspace
from reconciler.spec.find import SpecFile, find
from reconciler.spec.rules import check_document, check_workspace
from reconciler.spec.severities import ruled
from reconciler.spec.specs import Specs, collect
from reconciler.workspace.disk_rules import Disk

if TYPE_CHECKING:
    from reconciler.model.desired import Desired  # `validate` stops before that, and starts faster without it
    from reconciler.model.rollout import Rollout


class Loaded(NamedTuple):
    """A workspace as read, before an environment is chosen.

    Attributes:
        documents: those that stand for themselves, and passed the schema.
        overlays: those that change one of them in one environment.
        findings: of files and documents by themselves, as found (`severities.ruled` is still to come).
        doubtful: names that what could not be used may declare.
        files: as they were before they were read, in order.
        digests: of the bytes that were read.
    """

    root: Path
    workspace: Document
    documents: tuple[Document, ...]
    overlays: tuple[Document, ...]
    findings: tuple[Diagnostic, ...]
    doubtful: frozenset[str]
    files: tuple[SpecFile, ...]
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A workspace that was read, in one environment.

    Attributes:
        labels: metadata.labels by (kind, name).
        declared: documents and overlays as they stand in the files, whatever the environment.
        diagnostics: warnings, and errors if any.
    """

    root: Path
    settings: Settings
    specs: Specs
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]
    labels: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    declared: tuple[Document, ...] = ()

    @property
    def ok(self) -> bool:
        """True if nothing stops."""
        return not has_errors(self.diagnostics)

    def desired(self) -> "Desired":
        """The desired state.

        Raises:
            SpecError: there are findings that stop.
            UsageError: a soak is not a duration.
        """
        from reconciler.spec.desired import desired

        if not self.ok:
            raise SpecError(self.diagnostics)
        found = desired(self.specs, self.settings)
        return replace(found, rollout=self.rollout()) if self.specs.rollouts else found

    def rollout(self) -> "Rollout | None":
        """The workspace's rollout, with digests that say what changed since.

        Raises:
            UsageError: a soak is not a duration.
        """
        from reconciler.planning.digests import digest
        from reconciler.spec.rollouts import rollout

        digests = {
            f"{d.data['kind']}/{d.data['metadata']['name']}": digest(d.data)[:12] for d in self.documents
        }
        return rollout(self.specs, digests)

    def spec_digest(self) -> str:
        """Digest of all specs, overlays included: the same in every environment, whatever the files are called."""
        from reconciler.planning.digests import digest

        return digest(sorted(digest(d.data) for d in self.declared))


def load(root: Path, settings: Settings, workspace: Document, more: Sequence[SpecFile] = ()) -> Loaded:
    """Read all spec files.

    Args:
        root: the folder with reconciler.yaml.
        settings: say where specs are.
        workspace: the workspace file.
        more: files to read beside those the workspace names.
    """
    named, findings = find(root, settings.specs)
    files = list(dict.fromkeys((*named, *more)))
    if not named and not has_errors(findings):
        words = f"no spec in {', '.join(settings.specs)}"
        hint = "specs are files that end in .yaml or .yml; `specs:` in reconciler.yaml names their folders"
        findings.append(error("no-specs", words, Span(WORKSPACE_FILE), help=hint))
    findings = [
        replace(d, span=workspace.span("spec", "specs")) if d.span == Span(WORKSPACE_FILE) else d
        for d in findings
    ]
    read = read_all(files)
    base, over = overlays.split(d for r in read for d in r.documents if d.data["kind"] != "Workspace")
    doubtful = frozenset().union(*(r.doubtful for r in read))
    findings += [d for r in read for d in r.findings]
    environments = list(workspace.data["spec"].get("environments", {}))
    findings += overlays.check(base, over, environments, doubtful)
    digests = tuple(r.digest for r in read)
    return Loaded(root, workspace, tuple(base), tuple(over), tuple(findings), doubtful, tuple(files), digests)


def check_environment(loaded: Loaded, settings: Settings, disk: Disk) -> Checked:
    """Merge overlays, apply the rules across documents, and give findings the workspace's severities."""
    documents, spoilt = overlays.merge(loaded.documents, loaded.overlays, settings.environment)
    declared = (*loaded.documents, *loaded.overlays)
    specs = collect(documents, settings.environment, loaded.doubtful, declared)
    findings = [
        *loaded.findings,
        *spoilt,
        *(
            d
            for document in documents
            if isinstance(document, overlays.Overlaid)
            for d in check_document(document)
        ),
        *disk.findings(documents, settings),
        *check_workspace(documents, specs),
    ]
    if settings.allow_outside_paths:
        findings = [d for d in findings if d.code != "unsafe-path"]
    kept = sorted(ruled(dict.fromkeys(findings), settings.rules), key=Diagnostic.order)
    labels = {
        (d.data["kind"], d.data["metadata"]["name"]): d.data["metadata"].get("labels", {}) for d in documents
    }
    return Checked(loaded.root, settings, specs, tuple(documents), tuple(kept), labels, declared)


def check(
    root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], *, any_environment: bool = False
) -> Checked:
    """Read and check everything, in one environment.

    Args:
        root: the folder with reconciler.yaml.
        flags: given flags.
        environ: process environment.
        any_environment: where environments are declared, none has to be chosen.

    Raises:
        ReconcilerError: there is no usable workspace file, or no environment is chosen where one has to be.
    """
    workspace = read_workspace(root)
    settings = resolve(flags, environ, workspace.data, any_environment=any_environment)
    return check_environment(load(root, settings, workspace), settings, Disk(root))
