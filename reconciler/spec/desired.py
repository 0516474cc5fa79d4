"""Specs -> desired state: resources with references, and sources resolved per datamart. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.model.address import Span
from reconciler.model.desired import (
    Desired,
    DesiredActivation,
    DesiredActivations,
    DesiredCompartment,
    DesiredLoad,
)
from reconciler.model.source import (
    Dialect,
    Expectation,
    Identifier,
    Operation,
    Query,
    SourceDefinition,
    Update,
)
from reconciler.settings import Settings, size
from reconciler.spec.documents import Document
from reconciler.spec.expectations import checks
from reconciler.spec.source_fields import IDENTIFIERS, format_of, identifiers, references
from reconciler.spec.source_places import Places
from reconciler.spec.source_references import PLACEHOLDER
from reconciler.spec.specs import Specs

# What a definition takes over as it is written. What is left out has the default of `SourceDefinition`.
_AS_THEY_ARE = (
    "types",
    "ordering",
    "upload",
    "content",
    "duplicates",
    "send",
    "full_every",
    "gone",
    "fill_identity",
    "compartment",
    "keep_generations",
    "schema",
)
_OF_PROFILES = ("rename", "constants", "nulls")


def desired(specs: Specs, settings: Settings) -> Desired:
    """Build the desired state from specs that passed all rules."""
    labels = specs.live
    defaults = {d.default_compartment for d in specs.datamarts.values() if d.takes_part}
    activations = _activations(specs)
    compartments = [
        _compartment(key, doc, default=key in defaults) for key, doc in specs.compartments.items()
    ]
    loads: dict[str, DesiredLoad] = {}
    for source, document in specs.sources.items():
        for name in sorted(specs.resolve(document.data["spec"]["datamarts"])):
            load = _load(source, name, str(specs.datamarts[name].id), labels[name], document, settings)
            loads[str(load.address)] = replace(load, schema_file=specs.datamarts[name].schema)
    return Desired(
        datamarts={n: (str(specs.datamarts[n].id), specs.datamarts[n].span("id")) for n in labels},
        ignored=frozenset(
            d.id for d in specs.datamarts.values() if d.ignore is not None and d.id is not None
        ),
        compartments={c.address: c for c in compartments},
        activations=activations,
        removals={a.address: a for a in _removals(specs)},
        managed=frozenset(k for k, d in specs.compartments.items() if "activations" in d.data["spec"]),
        protected=frozenset(k for k, d in specs.compartments.items() if d.data["spec"].get("protected")),
        loads=loads,
    )


def _activations(specs: Specs) -> DesiredActivations:
    live = {name: str(specs.datamarts[name].id) for name in sorted(specs.live)}
    defaults = frozenset(
        (key, name) for name in live if (key := specs.datamarts[name].default_compartment) is not None
    )
    also: dict[str, set[str]] = defaultdict(set)
    for key, name in defaults:
        also[key].add(name)
    members: dict[str, frozenset[str]] = {}
    for key, document in specs.compartments.items():
        spec = document.data["spec"]
        members[key] = specs.resolve(spec["activations"]) if "activations" in spec else frozenset()

    def where(key: str, name: str) -> Callable[[], Span]:
        if name in members[key]:
            return partial(specs.compartments[key].span, "spec", "activations")
        return partial(specs.datamarts[name].span, "default_compartment")

    on = {key: names if also[key] <= names else names | also[key] for key, names in members.items()}
    return DesiredActivations(live, {k: names for k, names in on.items() if names}, defaults, where)


def _removals(specs: Specs) -> Iterator[DesiredActivation]:
    for key, document in specs.compartments.items():
        where = partial(document.span, "spec", "deactivations")
        for name in sorted(specs.members(document, "deactivations") or ()):
            address = f"Activation/{key}@{name}"
            yield DesiredActivation(address, key, name, str(specs.datamarts[name].id), False, where)


def _compartment(key: str, document: Document, *, default: bool) -> DesiredCompartment:
    spec = document.data["spec"]
    where = partial(document.span, "metadata", "name")
    tombstone = "deactivations" in spec and "activations" not in spec and not default
    allowed = bool(spec.get("allow_token_change"))
    former = tuple(spec.get("previously", ()))
    return DesiredCompartment(
        key, spec.get("token"), spec.get("name"), spec.get("id"), where, tombstone, allowed, former
    )


def _load(
    source: str, name: str, datamart_id: str, labels: dict[str, str], document: Document, settings: Settings
) -> DesiredLoad:
    spec = document.data["spec"]
    files = tuple(_filled(p, name, labels) for p in spec.get("files", []))
    query = _query(spec.get("sql"), name, labels)
    definition = replace(_definition(source, files, document, settings), sql=query)
    span = document.span("metadata", "name")
    return DesiredLoad(
        source,
        name,
        datamart_id,
        definition,
        bool(spec.get("suspend")),
        span,
        document.span("spec", "sql" if query else "files"),
        places=Places(document),
    )


def _query(spec: dict[str, Any] | None, name: str, labels: dict[str, str]) -> Query | None:
    """The query of a source; placeholders are filled into texts, not into references."""
    if spec is None:
        return None
    url, query = (_filled(x, name, labels) if isinstance(x, str) else x for x in (spec["url"], spec["query"]))
    return Query(url=url, query=query)


def _filled(text: str, name: str, labels: dict[str, str]) -> str:
    """With a datamart's name and labels; that it has them is a rule of its own (`source_references.labelled`)."""
    return re.sub(PLACEHOLDER, lambda m: labels[m[1]] if m[1] else name, text)


def _definition(
    source: str, files: tuple[str, ...], document: Document, settings: Settings
) -> SourceDefinition:
    spec = document.data["spec"]
    profile = spec.get("profile", {})
    owner = spec.get("owner")
    first = next(iter(spec.get("files", [])), "")
    former_sources = [source, *spec.get("previously", [])]
    former_workspaces = [settings.workspace, *settings.previously]
    return SourceDefinition(
        workspace=settings.workspace,
        source=source,
        files=files,
        format=str(format_of(spec, first)),
        compression=str(spec.get("compression", "suffix")),
        csv=_dialect(spec.get("csv", {})),
        operation=_operation(spec),
        identify_by=tuple(_identifier(i) for i in identifiers(spec)),
        owner=_identifier(owner) if owner else None,
        include=tuple(profile["include"]) if "include" in profile else None,
        exclude=tuple(profile.get("exclude", ())),
        update=Update(**spec.get("update", {})),
        compartments=dict.fromkeys(key for _, key in references(spec)),
        verify=spec["verify"].get("sample", 20) if "verify" in spec else 0,
        former=tuple((w, s) for w in former_workspaces for s in former_sources),
        outside=settings.allow_outside_paths,
        expect=_expectations(spec),
        **_limits(spec),
        **{key: spec[key] for key in _AS_THEY_ARE if key in spec},
        **{key: profile[key] for key in _OF_PROFILES if key in profile},
    )


def _limits(spec: dict[str, Any]) -> dict[str, Any]:
    """The limits that a source sets itself."""
    found: dict[str, Any] = {}
    if "allow" in (bad_lines := spec.get("bad_lines", {})):
        found["allow"] = str(bad_lines["allow"])
    if "max_bytes" in (chunk := spec.get("chunk", {})):
        found["max_bytes"] = size(chunk["max_bytes"])
    return found


def _operation(spec: dict[str, Any]) -> Operation:
    match spec.get("operation"):
        case None:
            return Operation()
        case str() as value:
            return Operation(value=value)
        case by_column:
            return Operation(value=None, **by_column)


def _dialect(spec: dict[str, Any]) -> Dialect:
    return Dialect(**{**spec, "nulls": tuple(spec.get("nulls", ()))})


def _identifier(spec: dict[str, Any]) -> Identifier:
    kind = next(k for k in IDENTIFIERS if k in spec)
    found = spec[kind]
    if isinstance(found, dict):
        steps = tuple(found.get("normalise", ()))
        return Identifier(kind=kind, column=found["column"], hash=found["hash"], normalise=steps)
    return Identifier(kind=kind, column=found, compartment=spec.get("compartment"))


def _expectations(spec: dict[str, Any]) -> tuple[Expectation, ...]:
    """Each check of each entry of `expect`."""
    return tuple(
        Expectation(
            check=check, value=entry[check], **{k: entry[k] for k in ("field", "severity") if k in entry}
        )
        for entry, check in ((spec["expect"][n], check) for n, check in checks(spec))
    )
