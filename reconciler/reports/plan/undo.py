"""What a plan that undoes another one cannot undo, a line for each reason. Pure."""

from collections.abc import Sequence

from reconciler.kinds.counts import few
from reconciler.model.diagnostic import Diagnostic
from reconciler.reports.style import safe

SPECS = "The specs may still declare what it undoes: change them, too, else the next plan proposes it again."
_NAMED = 3  # addresses of one reason
_WORDS = " cannot be undone: "


def lines(findings: Sequence[Diagnostic]) -> list[str]:
    """Findings in their order; those of one reason together, by the first of their addresses."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        address, _, why = finding.message.rpartition(_WORDS)
        reasons.setdefault(why, []).append(address)
    return [safe(_line(why, [a for a in addresses if a])) for why, addresses in reasons.items()]


def _line(why: str, addresses: Sequence[str]) -> str:
    if not addresses:
        return why
    return f"{few(addresses, _NAMED)}{_WORDS}{why}"
