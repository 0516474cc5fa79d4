"""Compartments that specs declared before, and that stay as they are: nothing is removed because a document went. Pure."""

from collections.abc import Collection, Mapping, Sequence

from reconciler.kinds.counts import few
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Unmanaged

NAMED = 4  # datamarts


def dropped(
    found: Sequence[Unmanaged], known: Mapping[str, str], declared: Collection[str]
) -> list[Diagnostic]:
    """A note for each that is still active.

    Args:
        found: what no spec declares.
        known: remote ids of compartments at the last apply, by address.
        declared: addresses of the compartments that specs declare.
    """
    gone = {identity: address for address, identity in known.items() if address not in declared}
    alone = {u.compartment_id for u in found if u.kind == "Compartment" and u.ignored is None}
    notes = []
    for identity, address in sorted(gone.items(), key=lambda row: row[1]):
        active = sorted(u.datamart for u in found if u.compartment_id == identity and u.datamart)
        if identity in alone and active:
            words = f"{address} is no longer declared, and stays active on {few(active, NAMED)}"
            advice = (
                "to deactivate it, declare it with `deactivations: all`, apply, and remove its document then; "
                "`ignore` in reconciler.yaml says that it stays as it is"
            )
            notes.append(
                Diagnostic("compartment-dropped", Severity.NOTE, words, help=advice, address=address)
            )
    return notes
