"""What exists on the platform and no spec declares: counted, never touched (G10). Pure."""

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

    Args:
        desired: what the specs declare.
        observed: listings of the platform; what could not be listed is not spoken of.
        ids: remote id by compartment key.
        organisation_id: the organisation of the workspace.
        ignored: reasons, by token or id of a compartment.
    """
    keys = {identity: key for key, identity in ids.items() if identity is not None}
    rows = observed.compartments.rows if isinstance(observed.compartments, Listed) else ()
    declared = {c.token for c in desired.compartments.values() if c.token is not None and c.id is None}
    for row in rows:
        if (
            owned(row, organisation_id)
            and not row.archived
            and row.id not in keys
            and row.token not in declared
        ):
            yield _one("Compartment", row, ignored)
    known = {row.id: row for row in rows}
    names = {identity: name for name, (identity, _) in desired.datamarts.items()}
    for datamart, listing in observed.activations.items():
        name = names.get(datamart)
        if name is None or not isinstance(listing, Listed):
            continue
        defaults = {a.compartment_id for a in listing.rows if a.default}
        for compartment in dict.fromkeys(a.compartment_id for a in listing.rows):
            key = keys.get(compartment)
            address = f"Activation/{key}@{name}"
            if key is not None and (address in desired.activations or address in desired.removals):
                continue
            row = known.get(compartment) or Compartment(compartment, "", None, "", False)
            if not row.archived:
                yield replace(
                    _one("Activation", row, ignored, name, datamart), default=compartment in defaults
                )


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
