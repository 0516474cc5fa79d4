"""Cross-file rules: what the schema cannot see. Enters: `Specs`. Leaves: diagnostics. Pure, offline.

Each rule is one function; `RULES` is the list of them. Paths on disk are checked by `reconciler.workflows.check`.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.spec import sets
from reconciler.spec.documents import Document
from reconciler.spec.source_rules import sources
from reconciler.spec.specs import Specs, members
from reconciler.spec.validate import nearest

_TOKEN = re.compile(r"[a-z0-9_-]+")


def check(documents: Sequence[Document], specs: Specs) -> list[Diagnostic]:
    """All cross-file findings, in file order."""
    findings = [*_duplicate_names(documents)]
    for rule in RULES:
        findings += rule(specs)
    return sorted(findings, key=lambda d: (d.span.path, d.span.line, d.span.column) if d.span else ("", 0, 0))


def _duplicate_names(documents: Sequence[Document]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, str], Document] = {}
    entries: dict[str, Document] = {}
    for document in documents:
        key = (document.data["kind"], document.data["metadata"]["name"])
        if key in first:
            yield error(
                "duplicate-name",
                f"{key[0]}/{key[1]} is declared twice",
                document.span("metadata", "name"),
                secondary=((first[key].span("metadata", "name"), "first here"),),
            )
        first.setdefault(key, document)
        if key[0] == "Datamarts":
            for name in document.data["spec"]:
                if name in entries and entries[name] is not document:
                    yield error(
                        "duplicate-name",
                        f"the datamart '{name}' is declared twice",
                        document.key_span("spec", name),
                        secondary=((entries[name].key_span("spec", name), "first here"),),
                    )
                entries.setdefault(name, document)


def _duplicate_datamart_ids(specs: Specs) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for name, datamart in specs.datamarts.items():
        if datamart.id is None:
            continue
        if other := seen.get(datamart.id):
            yield error(
                "duplicate-datamart",
                f"the datamarts '{other}' and '{name}' have one id, {datamart.id}",
                datamart.span("id"),
                secondary=((specs.datamarts[other].span("id"), "first here"),),
            )
        seen.setdefault(datamart.id, name)


def _default_compartments(specs: Specs) -> Iterator[Diagnostic]:
    for name, datamart in specs.datamarts.items():
        wanted = datamart.default_compartment
        if wanted is None:
            continue
        if wanted not in specs.compartments:
            yield error(
                "unknown-reference",
                f"default_compartment names '{wanted}', which no spec declares",
                datamart.span("default_compartment"),
                help=nearest(wanted, specs.compartments),
            )
            continue
        document = specs.compartments[wanted]
        declared = members(specs, document, "activations")
        if (
            declared is not None
            and name not in declared
            and datamart.ignore is None
            and datamart.id is not None
        ):
            yield error(
                "default-not-activated",
                f"'{wanted}' is the default of '{name}', but its activations leave '{name}' out",
                datamart.span("default_compartment"),
                secondary=((document.span("spec", "activations"), "activations of it"),),
            )


def _tokens(specs: Specs) -> Iterator[Diagnostic]:
    seen: dict[str, Document] = {}
    for document in specs.compartments.values():
        token = document.data["spec"].get("token")
        if token is None:
            continue
        span = document.span("spec", "token")
        if other := seen.get(token):
            yield error(
                "duplicate-token",
                f"two compartments have the token '{token}'",
                span,
                secondary=((other.span("spec", "token"), "first here"),),
            )
        seen.setdefault(token, document)
        if not _TOKEN.fullmatch(token):
            yield warning(
                "token-charset",
                f"the token '{token}' has characters other than a-z, 0-9, '-' and '_'",
                span,
                note="the platform documents no rule; site tags carry the token in URLs",
            )


def _sets(specs: Specs) -> Iterator[Diagnostic]:
    named = {
        **{("Compartment", n): (d, "activations") for n, d in specs.compartments.items()},
        **{("ProfileSource", n): (d, "datamarts") for n, d in specs.sources.items()},
    }
    for (kind, name), (document, key) in named.items():
        if key not in document.data["spec"]:
            continue
        try:
            members = sets.resolve(document.data["spec"][key], specs.labels())
        except sets.UnknownDatamart as e:
            yield _unknown_datamart(specs, document, e, key)
            continue
        if not members:
            yield error(
                "empty-set",
                f"the datamart set of {kind}/{name} is empty",
                document.span("spec", key),
                help="check the labels, and which datamarts have an id in this environment",
            )


def _unknown_datamart(
    specs: Specs, document: Document, e: sets.UnknownDatamart, *key: str | int
) -> Diagnostic:
    span = document.span("spec", *key, *e.path)
    if e.name in specs.datamarts:
        why = "is ignored" if specs.datamarts[e.name].ignore else "has no id in this environment"
        return error("unknown-datamart", f"the datamart '{e.name}' {why}", span)
    return error(
        "unknown-datamart",
        f"no spec declares the datamart '{e.name}'",
        span,
        help=nearest(e.name, specs.datamarts),
    )


def _rollouts(specs: Specs) -> Iterator[Diagnostic]:
    for document in specs.rollouts.values():
        for i, wave in enumerate(document.data["spec"]["waves"]):
            last = i == len(document.data["spec"]["waves"]) - 1
            if wave["datamarts"] == "rest" and last:
                continue
            try:
                sets.resolve(wave["datamarts"], specs.labels())
            except sets.UnknownDatamart as e:
                yield _unknown_datamart(specs, document, e, "waves", i, "datamarts")


RULES: tuple[Callable[[Specs], Iterator[Diagnostic]], ...] = (
    _duplicate_datamart_ids,
    _default_compartments,
    _tokens,
    _sets,
    _rollouts,
    sources,
)
