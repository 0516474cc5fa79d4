"""Loads that the platform shows and this ledger did not make (design 6): another ledger, an older copy of this one, or another user. Pure.

Names are claims: whoever may create imports can make a whole load under the next number, and the next plan then loads everything
again, as after a load by another machine. That cannot be excluded, as a ledger may be lost at any time; so it is told.
"""

from collections.abc import Sequence

from reconciler.kinds.counts import few
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.planning.loads.generations import Generation

SHOWN = 5


def from_elsewhere(found: Sequence[Generation], newest: int) -> list[Generation]:
    """Loads that are newer than all that the ledger knows.

    Args:
        found: all loads of a source on one datamart, in order.
        newest: the highest number of those that runs of this ledger made, or looked at.
    """
    return [g for g in found if g.number > newest]


def elsewhere_findings(address: str, loads: Sequence[Generation]) -> list[Diagnostic]:
    """One finding for each such load.

    Args:
        address: of the load.
        loads: see `from_elsewhere`.
    """
    return [
        warning(
            "load-from-elsewhere",
            f"{load.key.title} on the platform was not made with this ledger: {_imports(load)}",
            address=address,
            help="share one ledger among all who apply; if no other machine does, find out who may create imports",
        )
        for load in loads
    ]


def _imports(load: Generation) -> str:
    ids = [*load.import_ids]
    if not ids:
        return "no chunk has an import"
    return f"{'import' if len(ids) == 1 else 'imports'} {few(ids, SHOWN)}"
