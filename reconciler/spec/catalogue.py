"""The catalogue of rules: what each code means, with examples. Read only where somebody asks (explain, SARIF, docs)."""

import pkgutil
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from reconciler.model.diagnostic import Severity
from reconciler.spec.documents import parse

EXAMPLE_FILE = "specs/example.yaml"


@dataclass(frozen=True, slots=True)
class Rule:
    """One code.

    Attributes:
        stage: yaml, schema, rules (all three offline) or plan.
        severity: the usual one.
        opt_in: silent until reconciler.yaml names it.
        fixed: a warning that reconciler.yaml cannot change: lines may be lost behind it, or the spec decides.
        bad: files of an example that has the finding, by name; empty where none can be shown.
        good: files of the same example without it.
        encoding: of the files of `bad`.
    """

    code: str
    title: str
    stage: str
    severity: Severity
    why: str
    fix: str
    opt_in: bool = False
    fixed: bool = False
    bad: dict[str, str] = field(default_factory=dict)
    good: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"

    @property
    def configurable(self) -> bool:
        """True if reconciler.yaml may change its severity, or switch it off."""
        return self.severity is not Severity.ERROR and not self.fixed


@cache
def catalogue() -> dict[str, Rule]:
    """All rules by code, in the order of the file."""
    text = pkgutil.get_data("reconciler.spec", "catalogue.yaml") or b""
    documents, findings = parse("catalogue.yaml", text)
    if findings:
        raise ValueError(findings[0].message)
    return {code: _rule(code, entry) for code, entry in documents[0].data.items()}


def _rule(code: str, entry: dict[str, Any]) -> Rule:
    return Rule(
        code,
        entry["title"],
        entry["stage"],
        Severity(entry["severity"]),
        entry["why"],
        entry["fix"],
        entry.get("opt_in", False),
        entry.get("fixed", False),
        _files(entry.get("bad")),
        _files(entry.get("good")),
        entry.get("encoding", "utf-8"),
    )


def _files(example: str | dict[str, str] | None) -> dict[str, str]:
    return {EXAMPLE_FILE: example} if isinstance(example, str) else example or {}
