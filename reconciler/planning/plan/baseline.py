"""What of a plan, and of how its actions ended, later changes on the platform are compared with. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from reconciler.model.baseline import Left
from reconciler.model.listing import Listed
from reconciler.model.plan import Plan, ResourceChange
from reconciler.model.remote import Observed
from reconciler.model.unchanged import compartments, resources

KINDS = ("Compartment", "Activation")


def found(plan: Plan) -> dict[str, Left]:
    """What a plan found on the platform, by address: what specs declare, there or not, and what exists beside it."""
    rows = {c.address: Left(c.address, *_before(c)) for c in resources(plan) if c.kind in KINDS}
    return {row.address: row for row in _undeclared(plan)} | rows


def left_by(
    plan: Plan, good: Collection[str], unknown: Collection[str], made: Mapping[str, str]
) -> dict[str, Left]:
    """What an apply made of it, by address; what it did not change is as found.

    Args:
        plan: that was applied.
        good: addresses of the changes that were carried out.
        unknown: addresses of which it is not known.
        made: remote ids of compartments that the apply made, by address.
    """
    ids = {c.address: c.remote_id for c in compartments(plan) if c.remote_id} | dict(made)
    rows: dict[str, Left] = {}
    for change in _changes(plan):
        if change.address in good:
            rows[change.address] = Left(change.address, _identity_after(change, ids), _after(change))
        elif change.address in unknown:
            rows[change.address] = Left(change.address, None, {})
    demoted = {i for c in _changes(plan) if c.address in good and (i := _demoted(c))}
    for address, row in found(plan).items():
        if row.identity in demoted and address not in rows and row.shape is not None:
            rows[address] = Left(address, row.identity, {**row.shape, "default": False})
    return rows


def as_shown(said: Iterable[Left], recorded: Iterable[Left], seen: Observed) -> list[Left]:
    """What a document says that there was, as the platform shows it; and what is on record and still shown, where it says nothing.

    Neither an entry nor the lack of one is believed. What a write may have reached stays as unknown as it is.

    Args:
        said: by a document that anybody may have written.
        recorded: by earlier applies.
        seen: what the platform shows.
    """
    shown = dict(_shown(seen))
    kept: dict[str, Left] = {}
    for row in said:
        there = shown.get(row.identity or "")
        gone = row.identity is not None and row.shape is None and there is None
        if row.unknown or gone:
            kept[row.address] = row
        elif (
            there is not None
            and row.shape
            and row.shape.get("token", there.get("token")) == there.get("token")
        ):
            kept[row.address] = Left(
                row.address, row.identity, {k: there[k] for k in row.shape if k in there}
            )
    known = {row.identity for row in kept.values()}
    for row in recorded:
        if row.address not in kept and row.identity in shown and row.identity not in known:
            kept[row.address] = row
    return list(kept.values())


def _shown(seen: Observed) -> Iterator[tuple[str, dict[str, Any]]]:
    for listing in (seen.compartments, *seen.pinned.values()):
        for row in listing.rows if isinstance(listing, Listed) else ():
            yield (
                compartment(row.id),
                {"organisation_id": row.organisation_id, "token": row.token, "name": row.name},
            )
    for datamart_id, rows in seen.activations.items():
        for one in rows.rows if isinstance(rows, Listed) else ():
            yield activation(datamart_id, one.compartment_id), {"default": one.default}


def compartment(remote_id: str) -> str:
    """The identity of a compartment."""
    return f"compartment {remote_id}"


def activation(datamart_id: str, compartment_id: str) -> str:
    """The identity of an activation."""
    return f"compartment {compartment_id} on {datamart_id}"


def is_declared(address: str) -> bool:
    """False of what is named by an id, since no spec has a name for it."""
    return "#" not in address


def _changes(plan: Plan) -> Iterator[ResourceChange]:
    """What acts, and may have ended; what is as declared is as found."""
    return (c for c in plan.resource_changes if c.kind in KINDS)


def _undeclared(plan: Plan) -> Iterator[Left]:
    keys = {c.remote_id: c.address for c in compartments(plan)}
    for u in plan.unmanaged:
        if u.kind == "Compartment":
            shape = {"token": u.token, "name": u.name}
            yield Left(f"Compartment#{u.compartment_id}", compartment(u.compartment_id), shape)
        elif u.datamart_id is not None:
            key = keys.get(u.compartment_id, f"Compartment#{u.compartment_id}")
            address = f"Activation{key.removeprefix('Compartment')}@{u.datamart}"
            yield Left(address, activation(u.datamart_id, u.compartment_id), {"default": u.default})


def _before(change: ResourceChange) -> tuple[str | None, dict[str, Any] | None]:
    said = change.change.before
    if said is None:
        return None, None
    if change.kind == "Compartment":
        return compartment(change.remote_id) if change.remote_id else None, _shape(change.kind, said)
    return activation(str(said["datamart_id"]), str(said["compartment_id"])), _shape(change.kind, said)


def _identity_after(change: ResourceChange, compartments: Mapping[str, str]) -> str | None:
    said = change.change.after or change.change.before or {}
    if change.kind == "Compartment":
        remote_id = compartments.get(change.address)
        return None if remote_id is None else compartment(remote_id)
    key = change.address.removeprefix("Activation/").partition("@")[0]
    remote_id = said.get("compartment_id") or compartments.get(f"Compartment/{key}")
    return None if remote_id is None else activation(str(said["datamart_id"]), remote_id)


def _after(change: ResourceChange) -> dict[str, Any] | None:
    after, unknown = change.change.after, change.change.after_unknown
    known = None if after is None else {k: v for k, v in after.items() if k not in unknown}
    return None if known is None else _shape(change.kind, known)


def _shape(kind: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What may move of a resource: an activation is the default or not, and its ids are what it is."""
    return {"default": bool(said.get("default"))} if kind == "Activation" else dict(said)


def _demoted(change: ResourceChange) -> str | None:
    """What stops being a datamart's default because this becomes it."""
    former, said = change.former_default, change.change.after
    if former is None or said is None:
        return None
    return activation(str(said["datamart_id"]), str(former["compartment_id"]))
