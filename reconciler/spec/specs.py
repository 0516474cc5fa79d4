"""Checked documents -> typed specs. Enters: documents without schema errors. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.model.address import Span
from reconciler.spec import sets
from reconciler.spec.documents import Document

# The fields that are sets of datamarts.
SETS = {"Compartment": ("activations", "deactivations"), "ProfileSource": ("datamarts",)}


class DatamartSpec(NamedTuple):
    """One entry of a `Datamarts` table; `id` is None if this environment has none."""

    name: str
    id: str | None
    labels: dict[str, str]
    default_compartment: str | None
    ignore: str | None
    schema: str | None
    document: Document

    @property
    def takes_part(self) -> bool:
        """True if it has an id in this environment and is not ignored."""
        return self.id is not None and self.ignore is None

    def span(self, *path: str) -> Span:
        """Position of a field of this entry."""
        return self.document.span("spec", self.name, *path)


@dataclass(frozen=True, slots=True)
class Specs:
    """All documents of a workspace, by kind and name, and the datamart tables joined.

    Attributes:
        live: labels of the datamarts that take part, by name.
        absent: labels of those that would, had they an id in this environment.
        labels: all values of datamarts' labels by key, whatever the environment, and of those that are ignored too.
        doubtful: names that files which could not be used may declare: nobody can say that they are missing.
    """

    datamarts: dict[str, DatamartSpec] = field(default_factory=dict)
    compartments: dict[str, Document] = field(default_factory=dict)
    sources: dict[str, Document] = field(default_factory=dict)
    rollouts: dict[str, Document] = field(default_factory=dict)
    live: dict[str, dict[str, str]] = field(default_factory=dict)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    _resolved: dict[str, frozenset[str]] = field(default_factory=dict)
    _odd: dict[str, tuple[list[sets.UnknownLabel], list[tuple[str | int, ...]]]] = field(default_factory=dict)

    def resolve(self, expression: Any) -> frozenset[str]:
        """The datamarts in a set; remembered, since many documents say the same.

        Raises:
            UnknownDatamart: it names one that is not declared.
        """
        key = repr(expression)
        if key not in self._resolved:
            self._resolved[key] = sets.resolve(expression, self.live, self.absent)
        return self._resolved[key]

    def ever(self, expression: Any) -> bool:
        """True if the set has a datamart in some environment, be it none in this one."""
        return bool(self.resolve(expression) or sets.resolve(expression, {**self.live, **self.absent}))

    def odd(self, expression: Any) -> tuple[list[sets.UnknownLabel], list[tuple[str | int, ...]]]:
        """What in a set does nothing in any environment: labels that no datamart has, and an `except` that removes none.

        Raises:
            UnknownDatamart: it names one that is not declared.
        """
        key = repr(expression)
        if key not in self._odd:
            labels = list(sets.unknown_labels(expression, self.labels))
            every = {**self.live, **self.absent}
            self._odd[key] = labels, [] if labels else list(sets.idle_excepts(expression, every))
        return self._odd[key]

    def members(self, document: Document, key: str) -> frozenset[str] | None:
        """The datamarts in the set at `key`; None if it is not there, or names an unknown one (a rule of its own)."""
        if key not in document.data["spec"]:
            return None
        try:
            return self.resolve(document.data["spec"][key])
        except sets.UnknownDatamart:
            return None  # reported by rules.sets_of_datamarts

    @property
    def datamarts_known(self) -> bool:
        """False if a table of datamarts could not be used: sets may only seem to be empty or small."""
        return "Datamarts" not in self.doubtful

    def lacks(self, compartment: str) -> bool:
        """True if no spec declares the compartment."""
        return compartment not in self.compartments and compartment not in self.doubtful

    def named(self) -> Iterator[tuple[str, str, Document]]:
        """Kind, name and document of what is declared, datamarts aside."""
        for kind, table in (
            ("Compartment", self.compartments),
            ("ProfileSource", self.sources),
            ("Rollout", self.rollouts),
        ):
            for name, document in table.items():
                yield kind, name, document


def collect(
    documents: Sequence[Document],
    environment: str | None,
    doubtful: frozenset[str] = frozenset(),
    declared: Sequence[Document] = (),
) -> Specs:
    """Sort documents into `Specs`; of two with one name the first wins (the rules report the other).

    Args:
        documents: as they are in the environment.
        environment: whose ids of datamarts count.
        doubtful: names that files which could not be used may declare.
        declared: documents and overlays of all environments.
    """
    specs = Specs(doubtful=doubtful, labels=_labels([*documents, *declared]))
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
    for name, datamart in specs.datamarts.items():
        if datamart.ignore is None:
            (specs.live if datamart.takes_part else specs.absent)[name] = datamart.labels
    return specs


def _labels(documents: Sequence[Document]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for document in documents:
        if document.data["kind"] != "Datamarts":
            continue
        for entry in document.data["spec"].values():
            labels = entry.get("labels") if isinstance(entry, dict) else None
            for key, value in labels.items() if isinstance(labels, dict) else ():
                if isinstance(value, str):
                    found.setdefault(key, set()).add(value)
    return found


def _datamart(
    name: str, entry: dict[str, object], document: Document, environment: str | None
) -> DatamartSpec:
    identity = entry["id"]
    if isinstance(identity, dict):
        identity = identity.get(environment)
    labels = entry.get("labels", {})
    default, ignore, schema = (entry.get(k) for k in ("default_compartment", "ignore", "schema"))
    return DatamartSpec(
        name,
        identity if isinstance(identity, str) else None,
        dict(labels) if isinstance(labels, dict) else {},
        default if isinstance(default, str) else None,
        ignore if isinstance(ignore, str) else None,
        schema if isinstance(schema, str) else None,
        document,
    )
