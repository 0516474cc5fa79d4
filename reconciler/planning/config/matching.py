"""Which compartment of the platform a spec means (design 6, "Keys"): one answer for `plan`, `export` and `adopt`. Pure.

Its pin; else the compartment that the address was at the last apply, where the ledger knows; else its token; else a token
that `previously` names.
"""

from collections.abc import Mapping

from reconciler.model.desired import DesiredCompartment
from reconciler.model.listing import Listed, Listing
from reconciler.model.remote import Compartment, Observed, owned
from reconciler.planning.config import lookup


def compartment(
    want: DesiredCompartment, listing: Listed[Compartment], organisation_id: str, known: Mapping[str, str]
) -> Compartment | lookup.Ambiguous | None:
    """The row that a declared compartment is.

    Args:
        want: the declared compartment.
        listing: the organisation's compartments, or the pinned one.
        organisation_id: the organisation of the workspace.
        known: remote ids at the last apply, by address.
    """
    if want.id is not None:
        return lookup.compartment(listing.by("id", want.id), organisation_id, None, want.id)
    return (
        _edited(want, listing, organisation_id, known.get(want.address))
        or lookup.compartment(listing.by("token", want.token), organisation_id, want.token, None)
        or _renamed(want, listing, organisation_id, known)
    )


def listing_of(want: DesiredCompartment, observed: Observed) -> Listing[Compartment]:
    """Where a declared compartment is looked for: a pinned one may be another organisation's (contract 3.5)."""
    return observed.pinned.get(want.id, observed.compartments) if want.id else observed.compartments


def left_behind(
    want: DesiredCompartment, row: Compartment, listing: Listed[Compartment], organisation_id: str
) -> list[Compartment]:
    """Other compartments that still have a token of `previously`, where the declared one exists as well.

    Args:
        want: the declared compartment.
        row: what it is on the platform.
        listing: the organisation's compartments.
        organisation_id: the organisation of the workspace.
    """
    return [r for r in _former_rows(want, listing, organisation_id) if r.id != row.id and not r.archived]


def _edited(
    want: DesiredCompartment, listing: Listed[Compartment], organisation_id: str, last_id: str | None
) -> Compartment | None:
    """What the address was at the last apply, where that has another token than the declared one."""
    if last_id is None or want.token is None:
        return None
    rows = (r for r in listing.by("id", last_id) if owned(r, organisation_id))
    return next((r for r in rows if r.token != want.token and not r.archived), None)


def _renamed(
    want: DesiredCompartment, listing: Listed[Compartment], organisation_id: str, known: Mapping[str, str]
) -> Compartment | lookup.Ambiguous | None:
    rows = _former_rows(want, listing, organisation_id)
    rows = [r for r in rows if not r.archived] or rows
    if len(rows) > 1:
        return lookup.ambiguous(rows)
    if rows:
        return rows[0]
    former = (known.get(f"Compartment/{name}") for name in want.previously)
    return next((r for i in former if (r := _edited(want, listing, organisation_id, i))), None)


def _former_rows(
    want: DesiredCompartment, listing: Listed[Compartment], organisation_id: str
) -> list[Compartment]:
    found = (r for token in dict.fromkeys(want.previously) for r in listing.by("token", token))
    return [r for r in found if r.token != want.token and owned(r, organisation_id)]
