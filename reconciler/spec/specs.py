"""Checked documents -> typed specs. Enters: documents without schema errors. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.model.address import Span
from reconciler.spec import sets
from reconciler.spec.documents import Document


@dataclass(frozen=True, slots=True)
class DatamartSpec:
    """One entry of a `Datamarts` table; `id` is None if this environment has none."""

    name: str
    id: str | None
    labels: dict[str, str]
    default_compartment: str | None
    ignore: str | None
    document: Document

    def span(self, *path: str) -> Span:
        """Position of a field of this entry."""
        return self.document.span("spec", self.name, *path)


@dataclass(frozen=True, slots=True)
class Specs:
    """All documents of a workspace, by kind and name, and the datamart tables joined."""

    datamarts: dict[str, DatamartSpec] = field(default_factory=dict)
    compartments: dict[str, Document] = field(default_factory=dict)
    sources: dict[str, Document] = field(default_factory=dict)
    rollouts: dict[str, Document] = field(default_factory=dict)

    def labels(self) -> dict[str, dict[str, str]]:
        """Labels of the datamarts that take part: those with an id here that are not ignored."""
        return {n: d.labels for n, d in self.datamarts.items() if d.id is not None and d.ignore is None}


def collect(documents: Sequence[Document], environment: str | None) -> Specs:
    """Sort documents into `Specs`; of two with one name the first wins (the rules report the other)."""
    specs = Specs()
    for document in documents:
        name = document.data["metadata"]["name"]
        match document.data["kind"]:
            case "Datamarts":
                for key, entry in document.data["spec"].items():
                    specs.datamarts.setdefault(key, _datamart(key, entry, document, environment))
            case "Compartment":
                specs.compartments.setdefault(name, document)
            case "ProfileSource":
                specs.sources.setdefault(name, document)
            case "Rollout":
                specs.rollouts.setdefault(name, document)
            case _:  # the workspace file
                pass
    return specs


def _datamart(
    name: str, entry: dict[str, object], document: Document, environment: str | None
) -> DatamartSpec:
    identity = entry["id"]
    if isinstance(identity, dict):
        identity = identity.get(environment)
    labels = entry.get("labels", {})
    default, ignore = entry.get("default_compartment"), entry.get("ignore")
    return DatamartSpec(
        name,
        identity if isinstance(identity, str) else None,
        dict(labels) if isinstance(labels, dict) else {},
        default if isinstance(default, str) else None,
        ignore if isinstance(ignore, str) else None,
        document,
    )


def members(specs: Specs, document: Document, key: str) -> frozenset[str] | None:
    """The datamarts in the set at `key`; None if it is not there, or names an unknown one (a rule of its own)."""
    if key not in document.data["spec"]:
        return None
    try:
        return sets.resolve(document.data["spec"][key], specs.labels())
    except sets.UnknownDatamart:
        return None  # reported by _sets
