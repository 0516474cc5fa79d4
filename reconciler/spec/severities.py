"""What the workspace says about findings: severity by rule, and files a rule says nothing about. Pure.

Findings of severity error are never changed: what a plan relies on cannot be switched off. A rule that is new starts as
opt-in: it speaks only where the workspace names it, until a release makes it the default.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.settings import RuleSetting

OPT_IN = frozenset({"small-source", "typographic-quotes"})
_ALWAYS_IN_PLANS = frozenset(
    {"small-source"}
)  # a plan reads the sources anyway, and says it without being asked


def enabled(code: str, rules: Mapping[str, RuleSetting]) -> bool:
    """True if an opt-in rule was switched on."""
    return code in rules and rules[code].severity != "off"


def ruled(findings: Iterable[Diagnostic], rules: Mapping[str, RuleSetting]) -> list[Diagnostic]:
    """The findings as the workspace wants them."""
    return [kept for d in findings if (kept := _one(d, rules.get(d.code)))]


def _one(d: Diagnostic, setting: RuleSetting | None) -> Diagnostic | None:
    if setting is None and d.code in OPT_IN - _ALWAYS_IN_PLANS:
        return None
    if setting is None or d.severity is Severity.ERROR:
        return d
    if setting.severity == "off" or (d.span and any(fnmatchcase(d.span.path, p) for p in setting.exempt)):
        return None
    return replace(d, severity=Severity(setting.severity)) if setting.severity else d
