"""Findings as JSON, in Terraform's shape: valid, counts, and the findings. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, Severity


def render(findings: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """One document; `files` is how many spec files were read."""
    errors = sum(d.severity is Severity.ERROR for d in findings)
    document = {
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": sum(d.severity is Severity.WARNING for d in findings),
        "files": len(files),
        "diagnostics": [plain(d) for d in findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def plain(d: Diagnostic) -> dict[str, Any]:
    """One finding as plain data, without empty fields."""

    def place(span: Span) -> dict[str, Any]:
        return {"path": span.path, "line": span.line, "column": span.column, "length": span.length}

    found = {
        "code": d.code,
        "severity": d.severity.value,
        "message": d.message,
        "address": d.address,
        "span": place(d.span) if d.span else None,
        "secondary": [{**place(s), "label": label} for s, label in d.secondary],
        "help": d.help,
        "note": d.note,
    }
    return {k: v for k, v in found.items() if v}
