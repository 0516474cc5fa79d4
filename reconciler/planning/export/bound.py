"""Specs and platform -> which compartment each spec is there, and where it is active. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.adoption import Adoption, Bound
from reconciler.model.desired import Desired
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.remote import Compartment, Observed
from reconciler.planning.config import lookup, matching
from reconciler.planning.loads.generations import number


@dataclass(slots=True)
class Rows:
    """Rows of the platform by key of the spec that means them; `ambiguous` has several, `missing` keys have none."""

    found: dict[str, Compartment] = field(default_factory=dict)
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def rows(desired: Desired, observed: Observed, organisation_id: str, known: Mapping[str, str]) -> Rows:
    """Which row each declared compartment is; nothing is said of those whose listing could not be read.

    Args:
        desired: what specs declare.
        observed: listings of the platform.
        organisation_id: the organisation of the workspace.
        known: remote ids at the last apply, by address.
    """
    made = Rows()
    for want in desired.compartments.values():
        listing = matching.listing_of(want, observed)
        if isinstance(listing, Unlisted):
            continue
        match matching.compartment(want, listing, organisation_id, known):
            case lookup.Ambiguous(ids=ids):
                made.ambiguous[want.key] = ids
            case Compartment() as row:
                made.found[want.key] = row
            case None:
                made.missing.append(want.key)
    return made


def adoption(
    desired: Desired, observed: Observed, organisation_id: str, known: Mapping[str, str]
) -> Adoption:
    """How specs and platform match.

    Args:
        desired: what specs declare.
        observed: listings of the platform.
        organisation_id: the organisation of the workspace.
        known: remote ids at the last apply, by address.
    """
    made = rows(desired, observed, organisation_id, known)
    active = {name: observed.activations.get(i) for name, (i, _) in desired.datamarts.items()}
    unread = frozenset(n for n, listing in active.items() if not isinstance(listing, Listed))
    keys = {row.id: key for key, row in made.found.items()}
    places: dict[str, set[str]] = {}
    defaults: dict[str, str | None] = {}
    for name, listing in active.items():
        if not isinstance(listing, Listed):
            continue
        for row in listing.rows:
            places.setdefault(row.compartment_id, set()).add(name)
        chosen = sorted((r.compartment_id for r in listing.rows if r.default), key=number)
        defaults[name] = keys.get(chosen[0]) if chosen else None
    bound = (
        Bound(key, row.id, row.token, row.name, frozenset(places.get(row.id, ())), unread)
        for key, row in made.found.items()
        if not row.archived
    )
    missing = [f"Compartment/{key}" for key in made.missing]
    ambiguous = {f"Compartment/{key}": ids for key, ids in made.ambiguous.items()}
    return Adoption(tuple(bound), tuple(missing), ambiguous, defaults)
