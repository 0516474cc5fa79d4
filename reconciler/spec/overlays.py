"""Overlays: documents whose fields are merged over the document of the same kind and name, in one environment. Pure.

An overlay says `metadata.environment`. Mappings are merged field by field; everything else, and every mapping that is one
value (a datamart set, an identifier, a reference), is replaced whole. Enters: checked documents. Leaves: the documents of
one environment, in which every value still knows the file it came from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from reconciler.kinds.nearest import nearest
from reconciler.model.diagnostic import Diagnostic, error
from reconciler.spec.documents import Document, Path, Positions
from reconciler.spec.specs import SETS
from reconciler.spec.validate import validate

_SETS = {field for fields in SETS.values() for field in fields}
_WHOLE = frozenset({*_SETS, "identify_by", "owner", "operation", "id", "url", "query"})


class Overlaid(Document):
    """A document with an overlay merged over it."""

    __slots__ = ("_merged", "base", "top")

    def __init__(self, base: Document, top: Document) -> None:
        head = {k: v for k, v in base.data["metadata"].items() if k != "labels"}
        labels = {**base.data["metadata"].get("labels", {}), **top.data["metadata"].get("labels", {})}
        merged = {
            **base.data,
            "metadata": {**head, **({"labels": labels} if labels else {})},
            "spec": _merge(base.data["spec"], top.data["spec"], _whole(base.data)),
        }
        super().__init__(base.file, merged, base.index)
        self.base, self.top = base, top
        self._merged: Positions | None = None

    def positions(self) -> Positions:
        """Of the overlay for what it replaces, of the document below it for the rest."""
        if self._merged is None:
            found, base, top = Positions(), self.base.positions(), self.top.positions()
            for table, below, above in (
                (found.values, base.values, top.values),
                (found.keys, base.keys, top.keys),
            ):
                table.update(below)
                table.update(
                    {p: s for p, s in above.items() if p not in below or _replaces(p, self.top.data)}
                )
            self._merged = found
        return self._merged


def is_overlay(document: Document) -> bool:
    """True if the document changes another one in one environment."""
    return "environment" in document.data["metadata"]


def split(documents: Iterable[Document]) -> tuple[list[Document], list[Document]]:
    """Documents that stand for themselves, and overlays."""
    parts: tuple[list[Document], list[Document]] = ([], [])
    for document in documents:
        parts[is_overlay(document)].append(document)
    return parts


def merge(
    base: Sequence[Document], overlays: Sequence[Document], environment: str | None
) -> tuple[list[Document], list[Diagnostic]]:
    """The usable documents of one environment, and what is wrong with those that an overlay spoils."""
    mine = {_key(d): d for d in overlays if d.data["metadata"]["environment"] == environment}
    usable: list[Document] = []
    findings: list[Diagnostic] = []
    for document in base:
        if (top := mine.get(_key(document))) is None:
            usable.append(document)
        elif bad := validate(merged := Overlaid(document, top)):
            findings += bad
        else:
            usable.append(merged)
    return usable, findings


def check(
    base: Sequence[Document],
    overlays: Sequence[Document],
    environments: Sequence[str],
    doubtful: frozenset[str],
) -> Iterator[Diagnostic]:
    """Each overlay has one document below it, and is the only one there in its environment.

    Args:
        base: documents without environment.
        overlays: documents with one.
        environments: names that reconciler.yaml declares.
        doubtful: names that files with errors may declare.
    """
    targets = {_key(d) for d in base}
    seen: dict[tuple[str, str, str], Document] = {}
    for overlay in overlays:
        kind, name = _key(overlay)
        environment = overlay.data["metadata"]["environment"]
        place = partial(overlay.span, "metadata", "environment")
        if environment not in environments:
            hint = nearest(environment, environments) or (
                f"declared environments: {', '.join(environments)}"
                if environments
                else "no environment is declared"
            )
            yield error(
                "overlay-environment",
                f"reconciler.yaml declares no environment '{environment}'",
                place(),
                help=hint,
            )
        if (kind, name) not in targets and name not in doubtful:
            yield error(
                "overlay-target",
                f"there is no {kind}/{name} for this overlay to change",
                overlay.span("metadata", "name"),
                help=nearest(name, (n for k, n in targets if k == kind))
                or "an overlay changes a document that is declared without environment",
            )
        if (first := seen.setdefault((kind, name, environment), overlay)) is not overlay:
            yield error(
                "duplicate-name",
                f"{kind}/{name} has two overlays for the environment '{environment}'",
                place(),
                secondary=((first.span("metadata", "environment"), "first here"),),
            )


def _key(document: Document) -> tuple[str, str]:
    return document.data["kind"], document.data["metadata"]["name"]


def _whole(data: Mapping[str, Any]) -> frozenset[str]:
    """Fields whose mappings are one value; the keys of a datamart table are names, not fields."""
    return frozenset() if data["kind"] == "Datamarts" else _WHOLE


def _merge(base: Mapping[str, Any], top: Mapping[str, Any], whole: frozenset[str]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict) and key not in whole
        merged[key] = _merge(base[key], value, whole) if both else value
    return merged


def _replaces(path: Path, data: Any) -> bool:
    """True if the overlay's value at `path` takes the base's place; mappings on the way there are merged."""
    if path[:1] != ("spec",) and path[:2] != ("metadata", "labels"):
        return False
    whole = _whole(data)
    for key in path:
        if key in whole:
            return True
        data = data[key]
    return not isinstance(data, dict)
