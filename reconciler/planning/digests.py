"""Digests that identify content (design 6). Pure; the values decide what is loaded again, so they never change lightly."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reconciler.model.source import SourceDefinition


def canonical(value: Any) -> bytes:
    """One byte form for equal JSON values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def shape(source: SourceDefinition) -> dict[str, Any]:
    """What shapes the lines of a source, and nothing else: no limits, no chunk size, no file names."""
    s = source
    csv = {
        "delimiter": s.csv.delimiter,
        "quote": s.csv.quote,
        "encoding": s.csv.encoding,
        "header": s.csv.header,
    }
    return {
        "format": s.format,
        "csv": csv if s.format == "csv" else None,
        "operation": {"value": s.operation.value, "column": s.operation.column, "map": s.operation.map},
        "identify_by": [[i.kind, i.column, i.compartment, i.hash, i.normalise] for i in s.identify_by],
        "owner": [s.owner.column, s.owner.compartment] if s.owner else None,
        "types": s.types,
        "profile": {
            "include": s.include,
            "exclude": s.exclude,
            "rename": s.rename,
            "constants": s.constants,
            "nulls": s.nulls,
        },
        "update": {
            "dialect": s.update.dialect,
            "force_replace": s.update.force_replace,
            "merge_objects": s.update.merge_objects,
            "update_strategy": s.update.update_strategy,
        },
        "fill_identity": s.fill_identity,
        "compartment": s.compartment,
        "keep_last": s.duplicates == "keep_last",
    }


def load_digest(source_digest: str, compartments: Mapping[str, str | None]) -> str | None:
    """The source digest and the resolved compartment ids; None while one of them is not known."""
    if any(v is None for v in compartments.values()):
        return None
    return digest({"source": source_digest, "compartments": dict(compartments)})


def plan_digest(document: Mapping[str, Any]) -> str:
    """Digest over everything in a plan document but the digest itself."""
    return digest({k: v for k, v in document.items() if k != "plan_digest"})
