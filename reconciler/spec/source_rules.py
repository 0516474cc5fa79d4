"""Rules about profile sources. Enters: `Specs`. Leaves: diagnostics. Pure, offline."""

import re
from collections.abc import Iterator

from reconciler.errors import UsageError
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.settings import size
from reconciler.spec import sets
from reconciler.spec.documents import Document
from reconciler.spec.source_fields import format_of, identifiers, ignored, references, waiting
from reconciler.spec.specs import Specs, members
from reconciler.spec.validate import nearest

MAX_CHUNK = 100_000_000


def sources(specs: Specs) -> Iterator[Diagnostic]:
    """Every rule, on every source."""
    for name, document in specs.sources.items():
        spec = document.data["spec"]
        for path, words in waiting(spec):
            yield warning(
                "not-available",
                words,
                document.key_span("spec", *path),
                note="plan refuses loads that would need it",
            )
        for key in ignored(spec):
            yield warning(
                "no-effect-yet",
                f"'{key}' is checked, but has no effect in this version",
                document.key_span("spec", key),
            )
        yield from _formats(document)
        yield from _compartments_of(specs, name, document)
        yield from _updates(document)
        yield from _chunk(document)


def _formats(document: Document) -> Iterator[Diagnostic]:
    spec = document.data["spec"]
    formats = {format_of(spec, pattern) for pattern in spec.get("files", [])}
    for i, pattern in enumerate(spec.get("files", [])):
        span = document.span("spec", "files", i)
        if "://" in pattern:
            continue  # told by waiting()
        if format_of(spec, pattern) is None:
            yield error(
                "source-format",
                f"cannot tell the format of '{pattern}' from its suffix",
                span,
                help="add format: commands, ndjson or csv",
            )
        for placeholder in re.findall(r"\{([^}]*)\}", pattern):
            if placeholder != "datamart.name" and not re.fullmatch(r"datamart\.labels\.[^.]+", placeholder):
                yield error(
                    "source-placeholder",
                    f"unknown placeholder '{{{placeholder}}}'",
                    span,
                    help="known: {datamart.name}, {datamart.labels.KEY}",
                )
    if len(formats) > 1:
        yield error(
            "source-format",
            "the files of one source must have one format",
            document.span("spec", "files"),
            help="say which with format:, or declare two sources",
        )
    mapped_only = {"identify_by", "owner", "types", "profile", "operation", "update", "csv"} & spec.keys()
    if formats == {"commands"} and mapped_only:
        key = min(mapped_only)
        yield error(
            "source-format",
            f"'{key}' belongs to mapped sources; the lines of this one are commands already",
            document.key_span("spec", key),
            help="set format: ndjson or csv, or remove the field",
        )
    if formats & {"ndjson", "csv"} and "identify_by" not in spec:
        yield error(
            "source-identity",
            "a mapped source needs identify_by: how a line names its user",
            document.key_span("spec"),
        )
    if formats & {"ndjson", "csv"} and (extra := {"fill_identity", "compartment"} & spec.keys()):
        key = min(extra)
        yield error(
            "source-format",
            f"'{key}' belongs to sources of the format commands",
            document.key_span("spec", key),
            help="mapped sources fill the two $ fields from owner, or from the account of identify_by",
        )


def _compartments_of(specs: Specs, name: str, document: Document) -> Iterator[Diagnostic]:
    spec = document.data["spec"]
    try:
        targets = sets.resolve(spec["datamarts"], specs.labels())
    except sets.UnknownDatamart:
        return  # reported by _sets
    for path, key in references(spec):
        span = document.span("spec", *path)
        if key not in specs.compartments:
            yield error(
                "unknown-reference",
                f"no spec declares the compartment '{key}'",
                span,
                help=nearest(key, specs.compartments),
            )
            continue
        declared = members(specs, specs.compartments[key], "activations")
        if declared is not None and (missing := sorted(targets - declared)):
            yield error(
                "source-not-activated",
                f"ProfileSource/{name} targets {', '.join(missing)}, where '{key}' is not activated",
                span,
                secondary=((specs.compartments[key].span("spec", "activations"), "activations of it"),),
                help=f"activate '{key}' there, or leave {', '.join(missing)} out of the source's datamarts",
            )
    for i, identifier in enumerate(identifiers(spec)):
        path = ("identify_by", i) if isinstance(spec["identify_by"], list) else ("identify_by",)
        kinds = {"user_account_id", "email_hash", "user_agent_id"} & identifier.keys()
        if len(kinds) != 1:
            yield error(
                "source-identity",
                "an identifier is exactly one of user_account_id, email_hash, user_agent_id",
                document.span("spec", *path),
            )
        elif ("compartment" in identifier) != (kinds == {"user_account_id"}):
            yield error(
                "source-identity",
                "an account needs its compartment; other identifiers have none",
                document.span("spec", *path),
            )
    if (
        spec.get("identify_by")
        and "owner" not in spec
        and not any("user_account_id" in i for i in identifiers(spec))
    ):
        yield warning(
            "source-anonymous",
            "lines known only by e-mail hash or agent, with no owner, share one anonymous profile",
            document.span("spec", "identify_by"),
            help="name the account that owns the profile with owner:",
        )


def _updates(document: Document) -> Iterator[Diagnostic]:
    update = document.data["spec"].get("update", {})
    strategy = update.get("dialect") == "update_strategy"
    flags = {"force_replace", "merge_objects"} & update.keys()
    if (strategy and flags) or (not strategy and "update_strategy" in update):
        yield error(
            "update-dialect",
            "force_replace / merge_objects and update_strategy are two dialects, never both",
            document.span("spec", "update"),
        )
    if update.get("force_replace") and update.get("merge_objects"):
        yield warning(
            "update-flags",
            "merge_objects is ignored by the platform when force_replace is true",
            document.span("spec", "update", "merge_objects"),
        )


def _chunk(document: Document) -> Iterator[Diagnostic]:
    value = document.data["spec"].get("chunk", {}).get("max_bytes", 64_000_000)
    try:
        too_big = size(value) >= MAX_CHUNK
    except UsageError:
        return
    if too_big:
        yield error(
            "chunk-size",
            "chunk.max_bytes must be below 100MB, the platform's limit for one file",
            document.span("spec", "chunk", "max_bytes"),
        )
