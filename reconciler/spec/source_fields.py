"""How a `ProfileSource` spec is read: format and compression by suffix, its identifiers and references. Pure."""

from typing import Any

from reconciler.model.packed import PACKED

IDENTIFIERS = ("user_account_id", "email_hash", "user_agent_id")
_FORMATS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".parquet": "parquet"}
SUFFIXES = tuple(_FORMATS)  # of files whose format need not be said


def is_url(pattern: str) -> bool:
    """True for objects behind a URL, false for paths."""
    return "://" in pattern


def identifiers(spec: dict[str, object]) -> list[dict[str, Any]]:
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
    return next((c for suffix, c in PACKED.items() if pattern.endswith(suffix)), "none")


def format_of(spec: dict[str, object], pattern: str) -> str | None:
    """The line format: as said, or by suffix; `.ndjson` is `commands` unless `identify_by` is there (design 3)."""
    if said := spec.get("format"):
        return str(said)
    if "sql" in spec:
        return "sql"
    for suffix in PACKED:
        pattern = pattern.removesuffix(suffix)
    found = next((f for suffix, f in _FORMATS.items() if pattern.endswith(suffix)), None)
    return "commands" if found == "ndjson" and "identify_by" not in spec else found


def file_references(spec: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Every `{file: PATH}` of a source, with its path inside `spec`."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    for key, value in spec.get("sql", {}).items():
        if isinstance(value, dict) and "file" in value:
            found.append((("sql", key, "file"), value["file"]))
    return found
