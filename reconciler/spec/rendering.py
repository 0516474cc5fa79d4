"""Specs as they stand in one environment: overlays merged, sets of datamarts resolved, each value with its origin. Pure.

Enters: checked documents and `Specs`. Leaves: rendered documents. References ({env}, {file}) stay references: nothing
secret is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model.address import Span
from reconciler.spec.documents import Document, Path
from reconciler.spec.specs import SETS, Specs


@dataclass(frozen=True, slots=True)
class Rendered:
    """One document.

    Attributes:
        data: as it stands.
        origins: where each scalar and each list of scalars was written, by its path in `data`.
        written: how a value was written that reads differently here, by its path.
    """

    address: str
    data: dict[str, Any]
    origins: dict[Path, Span]
    written: dict[Path, Any]


def render(documents: Sequence[Document], specs: Specs, environment: str | None) -> list[Rendered]:
    """All documents, by kind and name."""
    return sorted((_one(d, specs, environment) for d in documents), key=lambda r: r.address)


def nested(value: Any) -> bool:
    """True for what has values of its own to tell the origin of."""
    if isinstance(value, list):
        return any(isinstance(x, dict | list) for x in value)
    return isinstance(value, dict) and bool(value)


def _one(document: Document, specs: Specs, environment: str | None) -> Rendered:
    kind, name = document.data["kind"], document.data["metadata"]["name"]
    spec = dict(document.data["spec"])
    written: dict[Path, Any] = {}
    for key in spec.keys() & SETS.get(kind, ()):
        written["spec", key], spec[key] = spec[key], sorted(specs.resolve(spec[key]))
    if kind == "Datamarts":
        for entry in spec:
            if isinstance(identity := spec[entry]["id"], dict):
                written["spec", entry, "id"] = identity
                spec[entry] = {**spec[entry], "id": identity.get(environment)}
    data = {**document.data, "spec": spec}
    origins: dict[Path, Span] = {}
    _origins(document, data, (), origins)
    return Rendered(f"{kind}/{name}", data, origins, written)


def _origins(document: Document, value: Any, path: Path, origins: dict[Path, Span]) -> None:
    if not nested(value):
        origins[path] = document.span(*path)
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        _origins(document, inner, (*path, key), origins)
