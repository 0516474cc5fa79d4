"""Digests that identify content (design 6). Pure; the values decide what is loaded again, so they never change lightly."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.plan import Plan
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
        "nulls": s.csv.nulls,
        "max_record_lines": s.csv.max_record_lines,
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


def identified(source: SourceDefinition) -> str:
    """Digest (SHA-256, hex) of how a source says whom a row is about, the ids of its compartments included."""
    return digest([shape(source)["identify_by"], source.compartments])


def load_digest(source_digest: str, compartments: Mapping[str, str | None], base: str = "") -> str | None:
    """The source digest and the resolved compartment ids, and of a delta what it is made against.

    Args:
        source_digest: SHA-256 (hex) of the source.
        compartments: remote ids by key; while one of them is not known, there is no digest.
        base: the load that a delta is made against; empty for a load of all rows.
    """
    if any(v is None for v in compartments.values()):
        return None
    against = {"base": base} if base else {}
    return digest({"source": source_digest, "compartments": dict(compartments), **against})


def plan_digest(document: Mapping[str, Any] | Plan) -> str:
    """Digest (SHA-256, hex) over everything in a plan, or in its document, but the digest itself and the seal."""
    return hashlib.sha256(_said(document)).hexdigest()


def plan_seal(plan: Plan, key: str) -> str:
    """HMAC-SHA256 (hex) over the bytes that the digest is of; only who has the key can make it."""
    return hmac.new(key.encode(), _said(plan), hashlib.sha256).hexdigest()


def sealed_by(plan: Plan, key: str) -> bool:
    """True if who sealed the plan had this key, and it was not changed since."""
    return hmac.compare_digest(plan.seal.encode(), plan_seal(plan, key).encode())


def _said(document: Mapping[str, Any] | Plan) -> bytes:
    """What a plan says, in one byte form."""
    if isinstance(document, Plan):
        blank: Any = msgspec.structs.replace(document, plan_digest="", seal="")
    else:
        blank = {**document, "plan_digest": "", "seal": ""}
    return msgspec.json.encode(blank, order="sorted")


def sealed(plan: Plan) -> Plan:
    """The plan with the digest of what it says now; a seal of what it said before goes."""
    return msgspec.structs.replace(plan, plan_digest=plan_digest(plan), seal="")
