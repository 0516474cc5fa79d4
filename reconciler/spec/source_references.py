"""Rules about what profile sources refer to: compartments, and the datamarts they are active on. Pure, offline."""

import re
from collections.abc import Iterator
from typing import Any

from reconciler.kinds.counts import few
from reconciler.kinds.nearest import nearest, nearest_or_known
from reconciler.kinds.statements import writes
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.spec.documents import Document
from reconciler.spec.source_fields import references
from reconciler.spec.specs import Specs

PLACEHOLDER = r"\{datamart\.(?:name|labels\.([^.}]+))\}"
_NAMED = 3  # datamarts in a message


def compartments(specs: Specs) -> Iterator[Diagnostic]:
    """A source names only compartments that are declared."""
    for document in specs.sources.values():
        for path, key in references(document.data["spec"]):
            if specs.lacks(key):
                yield error(
                    "unknown-reference",
                    f"no spec declares the compartment '{key}'",
                    document.span("spec", *path),
                    help=nearest(key, specs.compartments),
                )


def labelled(specs: Specs) -> Iterator[Diagnostic]:
    """Each datamart of a source has the labels that its files or its query name."""
    for document in specs.sources.values():
        targets = specs.members(document, "datamarts") or frozenset()
        for path, text in _texts(document.data["spec"]):
            for label in {m[1] for m in re.finditer(PLACEHOLDER, text) if m[1]}:
                lacking = sorted(n for n in targets if label not in specs.live.get(n, {}))
                if not lacking:
                    continue
                lacks = f"{few(lacking, _NAMED)} {'has' if len(lacking) == 1 else 'have'} no label '{label}'"
                words = f"{lacks}, which the source's {'query needs' if path[0] == 'sql' else 'files need'}"
                hint = "add the label to the datamart, or take the datamart out of the source's set: `except`"
                if label not in specs.labels:
                    words = f"no datamart has the label '{label}'"
                    hint = nearest_or_known(label, sorted(specs.labels))
                yield error("source-placeholder", words, document.span("spec", *path), help=hint)


def _texts(spec: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What of a source may hold placeholders."""
    yield from ((("files", i), text) for i, text in enumerate(spec.get("files", ())))
    yield from (
        (("sql", k), v)
        for k, v in spec.get("sql", {}).items()
        if k in ("url", "query") and isinstance(v, str)
    )


def queries(document: Document) -> Iterator[Diagnostic]:
    """A query that stands in the specs reads; one that is in a file or a variable is told of when it is asked."""
    query = document.data["spec"].get("sql", {}).get("query")
    if isinstance(query, str) and (word := writes(query)):
        yield warning(
            "source-query",
            f"the query of the source is a {word} statement, and the connection is read-only",
            document.span("spec", "sql", "query"),
            help="the query must be one SELECT statement",
        )


def activated(specs: Specs) -> Iterator[Diagnostic]:
    """A compartment is active wherever a source loads into it (contract 7.6)."""
    for name, document in specs.sources.items():
        targets = specs.members(document, "datamarts")
        if not targets:
            continue
        for path, key in references(document.data["spec"]):
            if key not in specs.compartments:
                continue
            compartment = specs.compartments[key]
            declared = specs.members(compartment, "activations")
            gone = targets & (specs.members(compartment, "deactivations") or frozenset())
            field = "activations" if declared is not None else "deactivations"
            if missing := sorted(gone if declared is None else targets - declared):
                names = ", ".join(missing)
                yield error(
                    "source-not-activated",
                    f"ProfileSource/{name} targets {names}, where '{key}' is not activated",
                    document.span("spec", *path),
                    secondary=((compartment.span("spec", field), f"{field} of it"),),
                    help=f"activate '{key}' there, or remove {names} from the source's datamarts",
                )
