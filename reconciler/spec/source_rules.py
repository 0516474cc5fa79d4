"""Rules within one profile source. Enters: its document. Leaves: diagnostics. Pure, offline."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from reconciler.errors import UsageError
from reconciler.kinds.nearest import closest, proposal
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.origin import BadAddress, SourceUrl, endpoint, masked
from reconciler.settings import size
from reconciler.spec.documents import Document
from reconciler.spec.source_fields import (
    IDENTIFIERS,
    SUFFIXES,
    compression_of,
    file_references,
    format_of,
    identifiers,
    is_url,
)

MAX_CHUNK = 100_000_000
_MAPPED = frozenset({"ndjson", "csv", "parquet", "sql"})
_MAPPED_ONLY = frozenset({"identify_by", "owner", "types", "profile", "operation", "update", "csv"})
_PACKED_OTHERWISE = frozenset({".bz2", ".xz", ".lz4", ".zip", ".7z", ".br", ".z", ".tgz"})
_PLACEHOLDER = r"\{datamart\.[^{}]*\}"
# A colon before an @ that is no port's; a password as a parameter.
_URL = r"[A-Za-z][A-Za-z0-9+.-]*://(?![^/?]*\s[^/?]*@).*"  # the name of a file may have blanks, an account has none
_CREDENTIALS = r"://[^/@\s:]*:(?![0-9]*(?:[/?]|$))\S+@|[?&](?:ssl)?password="


def urls(document: Document) -> Iterator[Diagnostic]:
    """URLs of a kind that can be read, without anything secret in them."""
    for i, pattern in enumerate(document.data["spec"].get("files", [])):
        if is_url(pattern):
            try:
                SourceUrl.parse(re.sub(_PLACEHOLDER, "x", pattern))
            except BadAddress as e:
                yield error("source-url", str(e), document.span("spec", "files", i), help=e.help)


def endpoints(document: Document) -> Iterator[Diagnostic]:
    """Addresses that requests may go to, in the workspace and in its environments."""
    spec = document.data["spec"]
    for path in (("spec",), *(("spec", "environments", name) for name in spec.get("environments", {}))):
        written = (spec["environments"][path[2]] if path[2:] else spec).get("endpoint")
        try:
            endpoint(written or "sandbox:")
        except BadAddress as e:
            yield error("endpoint", str(e), document.span(*path, "endpoint"), help=e.help)


def _how_to_read(spec: dict[str, Any], pattern: str) -> str:
    """What to do about a file whose suffix tells no format."""
    suffix = PurePosixPath(pattern).suffix.lower()
    if suffix in _PACKED_OTHERWISE:
        return f"{suffix} is not unpacked: unpack the files, or pack them by gzip or zstd"
    if suffix in (".xlsx", ".xls", ".ods"):
        return "write the rows of the workbook as CSV"
    if suffix == ".tsv":
        return 'set format: csv and csv: {delimiter: "\\t"}'
    if (meant := format_of(spec, pattern.lower())) is not None:
        packed = compression_of(spec, pattern.lower())
        more = "" if packed == "none" else f" and compression: {packed}"
        return f"suffixes are known in lower case: rename the files, or set format: {meant}{more}"
    near = closest(suffix, SUFFIXES) if suffix != ".json" else None  # which may be meant, with `format:`
    formats = "set format: commands, ndjson, csv or parquet"
    return f"{proposal(masked(pattern[: -len(suffix)] + near))} Else {formats}" if near else formats


def formats(document: Document) -> Iterator[Diagnostic]:
    """One format a source, and only the fields that belong to it."""
    spec = document.data["spec"]
    local = list(enumerate(spec.get("files", [])))
    found = {format_of(spec, pattern) for _, pattern in local} | ({"sql"} if "sql" in spec else set())
    for i, pattern in local:
        if format_of(spec, pattern) is None:
            yield error(
                "source-format",
                f"cannot tell the format of '{masked(pattern)}' from its suffix",
                document.span("spec", "files", i),
                help=_how_to_read(spec, pattern),
            )
    if packed := [
        i for i, p in local if format_of(spec, p) == "parquet" and compression_of(spec, p) != "none"
    ]:
        yield error(
            "source-format",
            "Parquet files are compressed inside, not as a whole",
            document.span("spec", "files", packed[0]),
            help="remove compression:, and decompress the files first",
        )
    if "sql" in spec and (wrong := {"format", "compression", "csv"} & spec.keys()):
        words = f"'{min(wrong)}' is a field of sources from files"
        yield error("source-format", words, document.key_span("spec", min(wrong)), help="remove it")
    if len(found) > 1:
        yield error(
            "source-format",
            "the files of one source must have one format",
            document.span("spec", "files"),
            help="set format:, or declare two sources",
        )
    if found == {"commands"} and (wrong := _MAPPED_ONLY & spec.keys()):
        yield error(
            "source-format",
            f"'{min(wrong)}' is a field of mapped sources; the rows of this source are commands already",
            document.key_span("spec", min(wrong)),
            help="set format: ndjson or csv, or remove the field",
        )
    if found & _MAPPED and "identify_by" not in spec:
        words = "a mapped source needs identify_by: which columns identify the user of a row"
        yield error("source-identity", words, document.key_span("spec"))
    if found & _MAPPED and (extra := {"fill_identity", "compartment"} & spec.keys()):
        yield error(
            "source-format",
            f"'{min(extra)}' is a field of sources of the format commands",
            document.key_span("spec", min(extra)),
            help="mapped sources fill the two $ fields from owner, or from the account of identify_by",
        )


def _meant(placeholder: str) -> str:
    last = placeholder.rpartition(".")[2]
    if not re.fullmatch(r"[\w-]+", last):
        return "known: {datamart.name}, {datamart.labels.KEY}"
    name = "datamart.name" if last in ("name", "datamart") else f"datamart.labels.{last}"
    return f"did you mean {{{name}}}? Known: {{datamart.name}}, {{datamart.labels.KEY}}"


def placeholders(document: Document) -> Iterator[Diagnostic]:
    """Only the two placeholders there are."""
    for i, pattern in enumerate(document.data["spec"].get("files", [])):
        for placeholder in re.findall(r"\{([^}]*)\}", pattern):
            if placeholder != "datamart.name" and not re.fullmatch(r"datamart\.labels\.[^.]+", placeholder):
                yield error(
                    "source-placeholder",
                    f"unknown placeholder '{{{placeholder}}}'",
                    document.span("spec", "files", i),
                    help=_meant(placeholder),
                )


def paths(document: Document) -> Iterator[Diagnostic]:
    """No path of a source leaves the workspace; links on disk are looked at by `reconciler.workspace.disk_rules`."""
    named = [(("files", i), p) for i, p in enumerate(document.data["spec"].get("files", [])) if not is_url(p)]
    for path, text in [*named, *file_references(document.data["spec"])]:
        if outside(text):
            yield unsafe_path(document, path, text)


def outside(path: str) -> bool:
    """True if a path, as written, leaves the folder it is relative to."""
    return path.startswith(("/", "~")) or posixpath.normpath(path).split("/", 1)[0] == ".."


def unsafe_path(document: Document, path: tuple[str | int, ...], text: str, why: str = "") -> Diagnostic:
    """The finding about a path that leaves the workspace.

    Args:
        document: where the path is written.
        path: field of the document.
        text: the path as written.
        why: how it leaves, such as ` through a symbolic link`.
    """
    return error(
        "unsafe-path",
        f"'{text}' leaves the workspace{why}",
        document.span("spec", *path),
        help="move the file into the workspace, or set allow_outside_paths: true in reconciler.yaml",
    )


def passwords(document: Document) -> Iterator[Diagnostic]:
    """No password in the URL of a database, be it a source or the ledger."""
    spec = document.data["spec"]
    places: list[tuple[str, ...]] = [("sql", "url"), ("ledger",)]
    places += [("environments", e, "ledger") for e in spec.get("environments", {})]
    for place in places:
        url: Any = spec
        for key in place:
            url = url.get(key, {})
        if place == ("sql", "url") and isinstance(url, str) and not re.fullmatch(_URL, url):
            yield error(
                "spec-secret",
                "spec.sql.url is no URL, and may be a secret",
                document.span("spec", *place),
                help="write DRIVER://HOST/DATABASE, or {env: NAME} or {file: PATH} where a password is in it",
            )
        elif isinstance(url, str) and re.search(_CREDENTIALS, url):
            yield error(
                "spec-secret",
                f"spec.{'.'.join(place)} contains a password",
                document.span("spec", *place),
                help="write {env: NAME} or {file: PATH}; change the password if it was committed",
            )


def identities(document: Document) -> Iterator[Diagnostic]:
    """An identifier is one of three; an account is a pair (contract 7.1)."""
    spec = document.data["spec"]
    for i, identifier in enumerate(identifiers(spec)):
        path = ("identify_by", i) if isinstance(spec["identify_by"], list) else ("identify_by",)
        kinds = identifier.keys() & set(IDENTIFIERS)
        if len(kinds) != 1:
            words = f"an identifier is exactly one of {', '.join(IDENTIFIERS)}"
            hint = (
                "to try several identifiers, write a list: the first identifier with a value is used"
                if kinds
                else None
            )
            yield error("source-identity", words, document.span("spec", *path), help=hint)
        elif ("compartment" in identifier) != (kinds == {"user_account_id"}):
            words = "user_account_id needs a compartment; other identifiers have none"
            yield error("source-identity", words, document.span("spec", *path))


def anonymous(document: Document) -> Iterator[Diagnostic]:
    """Lines known only by e-mail hash or agent need an owner (contract 7.2)."""
    spec = document.data["spec"]
    if "owner" in spec or not identifiers(spec) or any("user_account_id" in i for i in identifiers(spec)):
        return
    yield warning(
        "source-anonymous",
        "rows that have only an e-mail hash or agent, and no owner, share one anonymous profile",
        document.span("spec", "identify_by"),
        help="name the account that owns the profile with owner:",
    )


def chunks(document: Document) -> Iterator[Diagnostic]:
    """A chunk stays below the platform's limit for one file (contract 6.1)."""
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
