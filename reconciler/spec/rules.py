"""Cross-file rules: what the schema cannot see. Enters: `Specs`. Leaves: diagnostics. Pure, offline.

Each rule is one function; `RULES` is the list of them. Paths on disk are checked by `reconciler.workflows.check`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reconciler.errors import UsageError
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.settings import size
from reconciler.spec import sets
from reconciler.spec.documents import Document
from reconciler.spec.specs import Specs
from reconciler.spec.validate import nearest

_TOKEN = re.compile(r"[a-z0-9_-]+")
_FORMATS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".parquet": "parquet"}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
MAX_CHUNK = 100_000_000


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
        declared = _members(specs, document, "activations")
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


def _sources(specs: Specs) -> Iterator[Diagnostic]:
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
        declared = _members(specs, specs.compartments[key], "activations")
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


def _members(specs: Specs, document: Document, key: str) -> frozenset[str] | None:
    if key not in document.data["spec"]:
        return None
    try:
        return sets.resolve(document.data["spec"][key], specs.labels())
    except sets.UnknownDatamart:
        return None  # reported by _sets


def waiting(spec: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Parts of the format that this version cannot act on yet, with their paths inside `spec`.

    Acting as if they were absent would send other lines than the spec says, so such a load is refused at plan.
    """
    found: list[tuple[tuple[str | int, ...], str]] = []
    if "sql" in spec:
        found.append((("sql",), "sources from SQL are not available in this version"))
    if spec.get("duplicates", "off") != "off":
        found.append((("duplicates",), "'duplicates' is not available in this version"))
    for i, pattern in enumerate(spec.get("files", [])):
        if "://" in pattern:
            found.append((("files", i), "sources outside the file system are not available in this version"))
        elif format_of(spec, pattern) == "parquet" or compression_of(spec, pattern) == "zstd":
            found.append((("files", i), "Parquet and zstd are not available in this version"))
    return found


def ignored(spec: dict[str, Any]) -> list[str]:
    """Fields that are checked and have no effect yet; leaving them out sends the same lines."""
    return [key for key in ("verify", "keep_generations") if key in spec]


def identifiers(spec: dict[str, object]) -> list[dict[str, str]]:
    """`identify_by` as a list."""
    found = spec.get("identify_by", [])
    return found if isinstance(found, list) else [found]  # type: ignore[list-item]


def references(spec: dict[str, object]) -> list[tuple[tuple[str | int, ...], str]]:
    """Every compartment a source names, with its path inside `spec`."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    many = isinstance(spec.get("identify_by"), list)
    for i, identifier in enumerate(identifiers(spec)):
        if "compartment" in identifier:
            found.append(
                (
                    ("identify_by", i, "compartment") if many else ("identify_by", "compartment"),
                    identifier["compartment"],
                )
            )
    owner = spec.get("owner")
    if isinstance(owner, dict):
        found.append((("owner", "compartment"), owner["compartment"]))
    if isinstance(spec.get("compartment"), str):
        found.append((("compartment",), str(spec["compartment"])))
    return found


def compression_of(spec: dict[str, object], pattern: str) -> str:
    """none, gzip or zstd: as said, or by suffix."""
    if said := spec.get("compression"):
        return str(said)
    return next((c for suffix, c in _COMPRESSIONS.items() if pattern.endswith(suffix)), "none")


def format_of(spec: dict[str, object], pattern: str) -> str | None:
    """The line format: as said, or by suffix; `.ndjson` is `commands` unless `identify_by` is there (design 3)."""
    if said := spec.get("format"):
        return str(said)
    for suffix in _COMPRESSIONS:
        pattern = pattern.removesuffix(suffix)
    found = next((f for suffix, f in _FORMATS.items() if pattern.endswith(suffix)), None)
    return "commands" if found == "ndjson" and "identify_by" not in spec else found


RULES: tuple[Callable[[Specs], Iterator[Diagnostic]], ...] = (
    _duplicate_datamart_ids,
    _default_compartments,
    _tokens,
    _sets,
    _rollouts,
    _sources,
)
