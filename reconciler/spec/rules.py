"""What the schema cannot see: rules within one document, and rules across documents. Pure, offline.

Each rule is one function; the two tuples at the end are the list of them. Enters: documents without schema errors, `Specs`.
Leaves: diagnostics, with the codes that `catalogue.yaml` explains. A rule asks for a position only when it has something
to say: positions cost a second reading of the file.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reconciler.kinds.counts import few
from reconciler.kinds.nearest import nearest, nearest_or_known
from reconciler.model.diagnostic import Diagnostic, error, has_errors, warning
from reconciler.spec import former_names, sets
from reconciler.spec.compartment_rules import (
    coverage,
    near_duplicates,
    removals,
    template_text,
    token_characters,
    tokens,
)
from reconciler.spec.documents import Document
from reconciler.spec.expectations import expectations
from reconciler.spec.sending_rules import changed_rows, deleted_rows, merged_arrays, updates
from reconciler.spec.source_columns import dialects, effects, names, properties, repeated
from reconciler.spec.source_references import activated, compartments, labelled, queries
from reconciler.spec.source_rules import (
    anonymous,
    chunks,
    endpoints,
    formats,
    identities,
    passwords,
    paths,
    placeholders,
    urls,
)
from reconciler.spec.specs import SETS, Specs
from reconciler.spec.wave_rules import REST, rollouts


def check_document(document: Document) -> list[Diagnostic]:
    """What one document says by itself."""
    return [d for rule in DOCUMENT_RULES.get(document.data["kind"], ()) for d in rule(document)]


def check_workspace(documents: Sequence[Document], specs: Specs) -> list[Diagnostic]:
    """What documents say together."""
    return [*_duplicate_names(documents), *(d for rule in WORKSPACE_RULES for d in rule(specs))]


def _duplicate_names(documents: Sequence[Document]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, str], Document] = {}
    entries: dict[str, Document] = {}
    for document in documents:
        kind, name = document.data["kind"], document.data["metadata"]["name"]
        if (other := first.setdefault((kind, name), document)) is not document:
            yield _declared_twice(f"{kind}/{name}", document.span, other.span, "metadata", "name")
        if kind == "Datamarts":
            for key in document.data["spec"]:
                if (table := entries.setdefault(key, document)) is not document:
                    words = f"the datamart '{key}'"
                    yield _declared_twice(words, document.key_span, table.key_span, "spec", key)


def _declared_twice(what: str, here: Callable[..., Any], there: Callable[..., Any], *path: str) -> Diagnostic:
    return error(
        "duplicate-name",
        f"{what} is declared twice",
        here(*path),
        secondary=((there(*path), "first here"),),
        help="give one of them another name, or remove it",
    )


def _duplicate_datamart_ids(specs: Specs) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for name, datamart in specs.datamarts.items():
        if datamart.id is not None and (other := seen.setdefault(datamart.id, name)) != name:
            yield error(
                "duplicate-datamart",
                f"the datamarts '{other}' and '{name}' have the same id, {datamart.id}",
                datamart.span("id"),
                secondary=((specs.datamarts[other].span("id"), "first here"),),
            )


def _default_compartments(specs: Specs) -> Iterator[Diagnostic]:
    for name, datamart in specs.datamarts.items():
        wanted = datamart.default_compartment
        if wanted is None:
            continue
        if specs.lacks(wanted):
            yield error(
                "unknown-reference",
                f"default_compartment names '{wanted}', which no spec declares",
                datamart.span("default_compartment"),
                help=nearest(wanted, specs.compartments),
            )
        if wanted not in specs.compartments:
            continue
        document = specs.compartments[wanted]
        declared = specs.members(document, "activations")
        if declared is not None and name not in declared and datamart.takes_part:
            yield error(
                "default-not-activated",
                f"'{wanted}' is the default of '{name}', but its activations exclude '{name}'",
                datamart.span("default_compartment"),
                secondary=((document.span("spec", "activations"), "activations of it"),),
            )


def _sets_of_datamarts(specs: Specs) -> Iterator[Diagnostic]:
    if not specs.datamarts_known:
        return
    declared = [
        (k, n, d, key) for k, n, d in specs.named() for key in SETS.get(k, ()) if key in d.data["spec"]
    ]
    for kind, name, document, key in declared:
        try:
            empty = not specs.ever(document.data["spec"][key])
            odd = list(_odd_parts(specs, document, document.data["spec"][key], "spec", key))
        except sets.UnknownDatamart as e:
            yield _unknown_datamart(specs, document, e, "spec", key)
            continue
        yield from odd
        if empty and not has_errors(odd):
            yield error(
                "empty-set",
                f"the datamart set of {kind}/{name} is empty",
                document.span("spec", key),
                help="name datamarts, or check the labels and the `except`",
            )


def _odd_parts(specs: Specs, document: Document, expression: Any, *key: str | int) -> Iterator[Diagnostic]:
    labels, excepts = specs.odd(expression)
    for label in labels:
        span, known = document.span(*key, *label.path), sorted(specs.labels.get(label.key, specs.labels))
        words = f"no datamart has the label '{label.key}'"
        if label.value is None:
            span = document.key_span(*key, *label.path)
        if label.value is not None:
            words = f"no datamart has '{label.value}' as the value of the label '{label.key}'"
        hint = nearest(label.key if label.value is None else label.value, known)
        yield error("unknown-label", words, span, help=hint or f"known: {few(known, 8) or 'none'}")
    for path in excepts:
        yield warning(
            "idle-except",
            "the 'except' removes no datamart from the set",
            document.span(*key, *path),
            help="correct the 'except', or remove it",
        )


def _unknown_datamart(
    specs: Specs, document: Document, e: sets.UnknownDatamart, *key: str | int
) -> Diagnostic:
    span = document.span(*key, *e.path)
    if e.name in specs.datamarts:
        return error("unknown-datamart", f"the datamart '{e.name}' is ignored", span, help="remove it here")
    return error(
        "unknown-datamart",
        f"no spec declares the datamart '{e.name}'",
        span,
        help=_set_meant(e.name, specs) or nearest_or_known(e.name, specs.datamarts),
    )


def _set_meant(written: str, specs: Specs) -> str | None:
    """A set that a text which names no datamart may be meant to be."""
    if written.lower() in ("*", "any", "every", "everything"):
        return "write all"
    if written.lower() in ("none", "nowhere", ""):
        return "remove the field: it is for datamarts that there are"
    names = re.split(r"\s*[,;]\s*|\s+", written.strip(" ,;"))
    if len(names) > 1 and all(name in specs.datamarts for name in names):
        return f"write a list: [{', '.join(names)}]"
    key, sign, value = written.replace(":", "=", 1).partition("=")
    if sign and key.strip() in specs.labels:
        return f"a label is written {{{key.strip()}: {value.strip()}}}"
    labels = [k for k, values in specs.labels.items() if written in values]
    return f"a label is written {{{labels[0]}: {written}}}" if labels else None


def _rollouts(specs: Specs) -> Iterator[Diagnostic]:
    for document in specs.rollouts.values() if specs.datamarts_known else ():
        waves = document.data["spec"]["waves"]
        for i, wave in enumerate(waves):
            if wave["datamarts"] == REST:
                continue
            try:
                specs.resolve(wave["datamarts"])
                yield from _odd_parts(specs, document, wave["datamarts"], "spec", "waves", i, "datamarts")
            except sets.UnknownDatamart as e:
                yield _unknown_datamart(specs, document, e, "spec", "waves", i, "datamarts")


DOCUMENT_RULES: dict[str, tuple[Callable[[Document], Iterator[Diagnostic]], ...]] = {
    "Workspace": (endpoints, passwords),
    "Compartment": (token_characters, template_text),
    "ProfileSource": (
        urls,
        formats,
        placeholders,
        paths,
        passwords,
        dialects,
        names,
        repeated,
        effects,
        expectations,
        properties,
        identities,
        anonymous,
        updates,
        merged_arrays,
        changed_rows,
        deleted_rows,
        queries,
        chunks,
    ),
}
WORKSPACE_RULES: tuple[Callable[[Specs], Iterator[Diagnostic]], ...] = (
    _duplicate_datamart_ids,
    _default_compartments,
    _sets_of_datamarts,
    _rollouts,
    rollouts,
    tokens,
    near_duplicates,
    coverage,
    removals,
    compartments,
    activated,
    labelled,
    former_names.compartments,
    former_names.sources,
)
