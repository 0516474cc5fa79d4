"""The catalogue of rules as JSON. Pure."""

import json
from collections.abc import Iterable

from reconciler.spec.catalogue import Rule


def render(rules: Iterable[Rule]) -> str:
    """All that the catalogue knows."""
    made = [
        {
            "code": r.code,
            "title": r.title,
            "stage": r.stage,
            "severity": r.severity.value,
            "opt_in": r.opt_in,
            "configurable": r.configurable,
            "why": r.why,
            "fix": r.fix,
            "bad": r.bad,
            "good": r.good,
        }
        for r in rules
    ]
    return json.dumps({"format_version": "1.0", "rules": made}, indent=2, ensure_ascii=False)
