"""What exists on the platform and no spec declares: counted, never touched (G10). Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from reconciler.model.desired import Desired
from reconciler.model.listing import Listed
from reconciler.model.plan import Unmanaged
from reconciler.model.remote import Compartment, Observed, owned


def unmanaged(
    desired: Desired,
    observed: Observed,
    ids: Mapping[str, str | None],
    organisation_id: str,
    ignored: Mapping[str, str],
) -> Iterator[Unmanaged]:
    """Compartments of the organisation, then activations on the datamarts that specs name; archived ones are skipped.

    Where compartments could not be listed nothing is said: whose activation a row is cannot be known.

    Args:
        desired: what the specs declare.
        observed: listings of the platform; what could not be listed is not spoken of.
        ids: remote id by compartment key.
        organisation_id: the organisation of the workspace.
        ignored: reasons, by token or id of a compartment.
    """
    if not isinstance(observed.compartments, Listed):
        return
    keys = {identity: key for key, identity in ids.items() if identity is not None}
    keys |= {c.id: c.key for c in desired.compartments.values() if c.id is not None}
    tokens = {t for c in desired.compartments.values() if c.id is None for t in (c.token, *c.previously)}
    known = {row.id: row for row in observed.compartments.rows}
    # A row that a spec means, but that was not chosen for it (two have the token, or the plan is refused), is not nobody's.
    doubtful = {row.id for row in known.values() if row.id not in keys and row.token in tokens}
    for row in known.values():
        mine = owned(row, organisation_id) and not row.archived
        if mine and row.id not in keys and row.id not in doubtful:
            yield _one("Compartment", row, ignored)
    names = {identity: name for name, (identity, _) in desired.datamarts.items()}
    spoken_of, last, declared = _spoken_of(desired), set[str](), set[str]()
    for datamart, listing in observed.activations.items():
        name = names.get(datamart)
        if name is None or not isinstance(listing, Listed):
            continue
        if spoken_of[name] != last:  # mostly it is the same on all datamarts
            last = spoken_of[name]
            declared = {identity for identity, key in keys.items() if key in last}
        if {a.compartment_id for a in listing.rows} <= declared:
            continue
        defaults = {a.compartment_id for a in listing.rows if a.default}
        for compartment in dict.fromkeys(a.compartment_id for a in listing.rows):
            if compartment in declared:
                continue
            row = known.get(compartment) or Compartment(compartment, "", None, "", False)
            if not row.archived and row.id not in doubtful:
                yield replace(
                    _one("Activation", row, ignored, name, datamart), default=compartment in defaults
                )


def _spoken_of(desired: Desired) -> defaultdict[str, set[str]]:
    """Compartments of which specs say that they are to be active on a datamart, or not, by its name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for names, keys in desired.activations.groups().items():
        for name in names:
            found[name].update(keys)
    for want in desired.removals.values():
        found[want.datamart].add(want.compartment)
    return found


def _one(
    kind: str,
    row: Compartment,
    ignored: Mapping[str, str],
    datamart: str | None = None,
    datamart_id: str | None = None,
) -> Unmanaged:
    return Unmanaged(
        kind=kind,
        compartment_id=row.id,
        token=row.token,
        name=row.name,
        datamart=datamart,
        datamart_id=datamart_id,
        ignored=ignored.get(row.token) or ignored.get(row.id),
    )
