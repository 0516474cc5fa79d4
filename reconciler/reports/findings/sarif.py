"""Findings as SARIF 2.1.0, for code scanning. Pure."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.model.address import WORKSPACE_FILE, Span
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.reports.findings.gitlab import fingerprints
from reconciler.spec.catalogue import Rule, catalogue

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "SRCROOT"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_NOWHERE = Span(WORKSPACE_FILE)


def render(findings: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """One run; each rule that has a finding is described in it."""
    codes = sorted({d.code for d in findings})
    rules = catalogue()
    run = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "semanticVersion": __version__,
                "rules": [_rule(rules[code]) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The folder the command ran in."}}},
        "artifacts": [{"location": _artifact(path)} for path in dict.fromkeys(files)],
        "results": [
            _result(d, codes.index(d.code), print_)
            for d, print_ in zip(findings, fingerprints(findings), strict=True)
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.code.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.fix} `reconciler explain {rule.code}` shows an example."},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
    }


def _result(d: Diagnostic, index: int, print_: str) -> dict[str, Any]:
    text = d.message + (f"\n{d.note}" if d.note else "") + (f"\nHelp: {d.help}" if d.help else "")
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": index,
        "level": _LEVEL[d.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": _place(d.span or _NOWHERE)}],
        "partialFingerprints": {"reconcilerFinding/v1": print_},
    }
    if d.secondary:
        result["relatedLocations"] = [
            {"id": n, "physicalLocation": _place(span), "message": {"text": label}}
            for n, (span, label) in enumerate(d.secondary, 1)
        ]
    return result


def _place(span: Span) -> dict[str, Any]:
    return {
        "artifactLocation": _artifact(span.path),
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.line,
            "endColumn": span.column + span.length,
        },
    }


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path, errors="surrogatepass"), "uriBaseId": _BASE}
