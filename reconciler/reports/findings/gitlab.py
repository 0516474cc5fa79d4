"""Findings as a code quality report of GitLab. Pure."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from reconciler.model.address import WORKSPACE_FILE
from reconciler.model.diagnostic import Diagnostic, Severity

_SEVERITY = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(findings: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """A list; the fingerprint survives lines moving, since it knows what was found and where, but not on which line."""
    del files
    return json.dumps(
        [
            {
                "description": f"{d.message}" + (f" ({d.help})" if d.help else ""),
                "check_name": d.code,
                "fingerprint": print_,
                "severity": _SEVERITY[d.severity],
                "location": {
                    "path": d.span.path if d.span else WORKSPACE_FILE,
                    "lines": {"begin": d.span.line if d.span else 1},
                },
            }
            for d, print_ in zip(findings, fingerprints(findings), strict=True)
        ],
        indent=2,
        ensure_ascii=False,
    )


def fingerprints(findings: Sequence[Diagnostic]) -> list[str]:
    """One for each finding, all different: code, file, words, and which of several alike it is."""
    seen: Counter[tuple[str, str, str]] = Counter()
    made: list[str] = []
    for d in findings:
        key = (d.code, d.span.path if d.span else "", d.message)
        seen[key] += 1
        made.append(hashlib.sha256("\0".join((*key, str(seen[key]))).encode("utf-8", "replace")).hexdigest())
    return made
