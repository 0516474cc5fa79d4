"""What exists on the platform -> declarations that plan to nothing, and remarks on what cannot be declared. Pure.

Nothing that a spec declares already is declared a second time. What no spec can say stays unmanaged, with a reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.kinds.counts import many
from reconciler.model.desired import Desired
from reconciler.model.export import CompartmentDocument, DatamartEntry, Export, Remark
from reconciler.model.listing import Listed
from reconciler.model.remote import Activation, Compartment, Datamart, Observed, owned
from reconciler.planning.export import bound
from reconciler.planning.export.names import name_for
from reconciler.planning.loads.generations import number
from reconciler.whole import whole


@dataclass(slots=True)
class _Names:
    datamarts: dict[str, str] = field(default_factory=dict)
    compartments: dict[str, str] = field(default_factory=dict)


def export(observed: Observed, organisation_id: str, desired: Desired) -> Export:
    """Declare all that exists and that no spec declares yet.

    Args:
        observed: complete listings of datamarts, compartments, and for each live datamart activations and imports.
        organisation_id: the organisation of the workspace.
        desired: what specs declare already.

    Raises:
        ReadFailed: a listing could not be read; what it covers would be left out unseen.
    """
    datamarts = observed.datamarts.require("datamarts").rows
    compartments = [*observed.compartments.require("compartments").rows, *_pinned(observed)]
    remarks: list[Remark] = []
    names = _Names({identity: name for name, (identity, _) in desired.datamarts.items()})
    fresh = list(_datamarts(datamarts, organisation_id, desired, names, remarks))
    rows = {
        i: observed.activations[i].require("activations").rows
        for i in names.datamarts
        if i in observed.activations
    }
    known = _known(observed, organisation_id, desired)
    names.compartments.update(known)
    documents = list(
        _compartments(compartments, organisation_id, rows, names, {*known.values(), *_keys(desired)}, remarks)
    )
    unsayable = {row.id: why for row in compartments if (why := _unsayable(row))}
    remarks += _activations_left(rows, desired, names, known, unsayable)
    entries = tuple(
        DatamartEntry(
            names.datamarts[d.id],
            d.id,
            d.name,
            _default(d, rows.get(d.id, ()), names, unsayable, remarks),
            tuple(i.name for i in observed.imports[d.id].require("document imports").rows)
            if d.id in observed.imports
            else (),
        )
        for d in fresh
    )
    return Export(
        entries, tuple(documents), tuple(remarks), tuple(sorted(names.datamarts.values())), len(known)
    )


def _pinned(observed: Observed) -> Iterable[Compartment]:
    return (
        row for listing in observed.pinned.values() if isinstance(listing, Listed) for row in listing.rows
    )


def _keys(desired: Desired) -> set[str]:
    return {c.key for c in desired.compartments.values()}


def _datamarts(
    rows: Sequence[Datamart], organisation_id: str, desired: Desired, names: _Names, remarks: list[Remark]
) -> Iterable[Datamart]:
    used = set(desired.datamarts)
    for row in sorted(rows, key=lambda r: number(r.id)):
        about = f"datamart {row.id} ({row.name!r})"
        if row.id in names.datamarts or row.id in desired.ignored:
            continue
        if not owned(row, organisation_id):
            remarks.append(Remark(about, f"it belongs to organisation {row.organisation_id}"))
        elif row.archived:
            remarks.append(Remark(about, "it is archived"))
        elif row.type == "CROSS_DATAMART":
            remarks.append(Remark(about, "it combines other datamarts, and takes no activation of its own"))
        elif not _is_number(row.id):
            remarks.append(Remark(about, "its id is not a number, and specs name datamarts by numbers"))
        else:
            names.datamarts[row.id] = name_for(row.name, row.id, used, "datamart")
            used.add(names.datamarts[row.id])
            yield row


def _known(observed: Observed, organisation_id: str, desired: Desired) -> dict[str, str]:
    """Keys of the specs, by id of the row that each means; of rows with one token, each."""
    made = bound.rows(desired, observed, organisation_id, {})
    found = {row.id: key for key, row in made.found.items()}
    return found | {identity: key for key, ids in made.ambiguous.items() for identity in ids}


def _compartments(
    rows: Sequence[Compartment],
    organisation_id: str,
    active: Mapping[str, Sequence[Activation]],
    names: _Names,
    used: set[str],
    remarks: list[Remark],
) -> Iterable[CompartmentDocument]:
    where = _places(active, names)
    tokens = Counter(r.token for r in rows if owned(r, organisation_id))
    taken = set(used)
    for row in sorted({r.id: r for r in rows}.values(), key=lambda r: number(r.id)):
        if row.id in names.compartments:
            continue
        if why := _unsayable(row):
            remarks.append(Remark(f"compartment {row.id} ({row.token!r})", why))
            continue
        shared = not owned(row, organisation_id)
        reason = _pin_reason(row, shared=shared, count=tokens[row.token])
        key = names.compartments[row.id] = name_for(row.token or row.name or "", row.id, taken, "compartment")
        taken.add(key)
        yield CompartmentDocument(
            key,
            None if reason else row.token,
            None if shared else row.name or None,
            row.id if reason else None,
            tuple(sorted(set(where.get(row.id, ())))),
            reason,
        )


def _places(active: Mapping[str, Sequence[Activation]], names: _Names) -> dict[str, list[str]]:
    """Names of datamarts, by id of the compartment that is active there."""
    where: dict[str, list[str]] = {}
    for datamart, found in active.items():
        for row in found:
            where.setdefault(row.compartment_id, []).append(names.datamarts[datamart])
    return where


def _pin_reason(row: Compartment, *, shared: bool, count: int) -> str | None:
    if shared:
        return f"shared: it belongs to organisation {row.organisation_id}"
    if not row.token:
        return "it has no token"
    return (
        f"{many(count, 'compartment has', 'compartments have')} the token {row.token!r}"
        if count > 1
        else None
    )


def _unsayable(row: Compartment) -> str | None:
    """Why no spec can declare a compartment; None if one can."""
    if row.archived:
        return "it is archived"
    if not _is_number(row.id):
        return "its id is not a number, and specs name compartments by numbers or tokens"
    if any("\ud800" <= c <= "\udfff" for c in f"{row.token}{row.name or ''}"):
        return "its name or token is not valid Unicode"
    return None


def _default(
    datamart: Datamart,
    rows: Sequence[Activation],
    names: _Names,
    unsayable: Mapping[str, str],
    remarks: list[Remark],
) -> str | None:
    """The key of a datamart's default compartment."""
    ids = sorted({r.compartment_id for r in rows if r.default}, key=number)
    about = f"the default compartment of datamart {datamart.id}"
    if len(ids) > 1:
        remarks.append(Remark(about, f"the platform shows {many(len(ids), 'default')}: {', '.join(ids)}"))
        return None
    if ids and ids[0] not in names.compartments:
        remarks.append(Remark(about, _undeclared(f"compartment {ids[0]}", unsayable.get(ids[0]))))
    return names.compartments.get(ids[0]) if ids else None


def _activations_left(
    rows: Mapping[str, Sequence[Activation]],
    desired: Desired,
    names: _Names,
    known: Mapping[str, str],
    unsayable: Mapping[str, str],
) -> Iterable[Remark]:
    """Activations that the documents do not say: of compartments no spec can name, or of specs that were there before."""
    for datamart, found in rows.items():
        name = names.datamarts[datamart]
        for row in sorted(found, key=lambda r: number(r.id)):
            key = names.compartments.get(row.compartment_id)
            about = f"activation of compartment {row.compartment_id} on {name}"
            if key is None:
                yield Remark(about, _undeclared("this compartment", unsayable.get(row.compartment_id)))
            elif row.compartment_id in known and f"Activation/{key}@{name}" not in desired.activations:
                yield Remark(about, f"Compartment/{key} was declared before, without this datamart")


def _undeclared(compartment: str, why: str | None) -> str:
    return f"no spec can declare {compartment}: {why}" if why else f"no spec declares {compartment}"


def _is_number(text: str) -> bool:
    return whole(text) is not None
