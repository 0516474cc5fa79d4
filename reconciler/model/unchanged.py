"""What of a plan is as declared: one answer for every reader, whether the document groups it or has an entry for each. Pure."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from reconciler.model.plan import (
    ORDER,
    Change,
    Plan,
    ResourceChange,
    Unchanged,
    UnchangedActivations,
    UnchangedCompartment,
)

Defaults = Mapping[str, Collection[str]]
NOTHING = Unchanged()
NO_OP = ("no-op",)


class Gathering:
    """Collects what is as declared: of an activation one bit, and no object, since there may be hundreds of thousands."""

    __slots__ = ("_bits", "_compartment_ids", "_compartments", "_datamart_ids", "_defaults", "_masks")

    def __init__(self) -> None:
        self._compartments: dict[str, UnchangedCompartment] = {}
        self._compartment_ids: dict[str, str] = {}
        self._datamart_ids: dict[str, str] = {}
        self._bits: dict[str, int] = {}
        self._masks: dict[str, int] = {}
        self._defaults: dict[str, list[str]] = {}

    def compartment(self, key: str, found: UnchangedCompartment) -> None:
        """Add one.

        Args:
            key: its name in the specs.
            found: as it is on the platform.
        """
        self._compartments[key] = found

    def activation(
        self, key: str, compartment_id: str, datamart: str, datamart_id: str, *, default: bool
    ) -> None:
        """Add one; a compartment and a datamart have one id each.

        Args:
            key: the compartment's name in the specs.
            compartment_id: its id on the platform.
            datamart: the datamart's name.
            datamart_id: its id on the platform.
            default: it is the datamart's default.
        """
        defaults = {datamart: (key,)} if default else {}
        self.activations({key: compartment_id}, {datamart: datamart_id}, defaults)

    def activations(self, ids: Mapping[str, str], datamarts: Mapping[str, str], defaults: Defaults) -> None:
        """Add those of compartments that are active on the same datamarts.

        Args:
            ids: of the compartments, by their names in the specs.
            datamarts: ids of the datamarts, by name.
            defaults: by datamart, those of the compartments that are its default.
        """
        mask = 0
        for datamart, identity in datamarts.items():
            mask |= self._bits.setdefault(datamart, 1 << len(self._bits))
            self._datamart_ids[datamart] = identity
            if mine := defaults.get(datamart):
                self._defaults.setdefault(datamart, []).extend(mine)
        if mask:
            masks = self._masks
            masks.update({key: masks.get(key, 0) | mask for key in ids})
            self._compartment_ids.update(ids)

    def made(self) -> Unchanged:
        """All that was added, in the one form that it has."""
        groups: dict[int, list[str]] = {}
        for key, mask in self._masks.items():
            groups.setdefault(mask, []).append(key)
        every = self._compartments
        single = len(groups) == 1 and self._masks.keys() == every.keys()
        activations = [
            UnchangedActivations(
                datamarts=tuple(sorted(d for d, bit in self._bits.items() if mask & bit)),
                compartments="all" if single else tuple(sorted(keys)),
            )
            for mask, keys in groups.items()
        ]
        used = {d for group in activations for d in group.datamarts}
        return Unchanged(
            compartments=dict(sorted(every.items())),
            activations=tuple(sorted(activations, key=lambda group: group.datamarts)),
            defaults={d: tuple(sorted(set(keys))) for d, keys in sorted(self._defaults.items())},
            datamart_ids={d: i for d, i in sorted(self._datamart_ids.items()) if d in used},
            compartment_ids={
                k: i
                for k, i in sorted(self._compartment_ids.items())
                if k in self._masks and not _is(every.get(k), i)
            },
        )


def _is(found: UnchangedCompartment | None, identity: str) -> bool:
    return found is not None and found.id == identity


class Addresses:
    """Addresses of a plan, or of a part of it: those with an entry, and those that are as declared."""

    def __init__(self, changes: Iterable[ResourceChange], unchanged: Unchanged) -> None:
        self._explicit = frozenset(c.address for c in changes)
        self._unchanged = unchanged
        self._active: dict[str, Container[str]] = {
            f"Activation/{key}": frozenset(group.datamarts)
            for group in unchanged.activations
            for key in keys_of(group, unchanged)
        }

    def __contains__(self, address: object) -> bool:
        return isinstance(address, str) and (address in self._explicit or self.as_declared(address))

    def as_declared(self, address: str) -> bool:
        """True if the document groups it with what is as declared."""
        owner, at, datamart = address.partition("@")
        if at:
            return datamart in self._active.get(owner, ())
        kind, _, key = address.partition("/")
        return kind == "Compartment" and key in self._unchanged.compartments


def keys_of(group: UnchangedActivations, unchanged: Unchanged) -> Collection[str]:
    """Names of the compartments of a group.

    Args:
        group: one of the groups.
        unchanged: whose group it is.
    """
    return unchanged.compartments if group.compartments == "all" else group.compartments


def count(unchanged: Unchanged) -> int:
    """How many compartments and activations are as declared."""
    return len(unchanged.compartments) + sum(
        len(group.datamarts) * len(keys_of(group, unchanged)) for group in unchanged.activations
    )


def active(unchanged: Unchanged) -> Iterator[tuple[str, str, bool]]:
    """Each activation: the names of its compartment and its datamart, and whether it is the datamart's default."""
    defaults = {d: frozenset(keys) for d, keys in unchanged.defaults.items()}
    for group in unchanged.activations:
        for datamart in group.datamarts:
            among = defaults.get(datamart, frozenset())
            for key in keys_of(group, unchanged):
                yield key, datamart, key in among


def entries(unchanged: Unchanged) -> Iterator[ResourceChange]:
    """An entry with the action `no-op` for each."""
    yield from _compartments(unchanged)
    for key, datamart, default in active(unchanged):
        yield _activation(unchanged, key, datamart, default=default)


def entry(unchanged: Unchanged, address: str) -> ResourceChange:
    """The entry of an address that is among them.

    Args:
        unchanged: what is as declared.
        address: of one of them.
    """
    kind, _, rest = address.partition("/")
    key, _, datamart = rest.partition("@")
    if kind == "Compartment":
        return _compartment(key, unchanged.compartments[key])
    return _activation(unchanged, key, datamart, default=key in unchanged.defaults.get(datamart, ()))


def compartments(plan: Plan) -> Iterator[ResourceChange]:
    """The plan's compartments, those that are as declared too."""
    yield from (c for c in plan.resource_changes if c.kind == "Compartment")
    yield from _compartments(plan.unchanged)


def resources(plan: Plan) -> Iterator[ResourceChange]:
    """All of the plan's resources, those that are as declared too."""
    yield from plan.resource_changes
    yield from entries(plan.unchanged)


def as_declared(plan: Plan) -> Addresses:
    """Addresses of what the plan does not change, in whichever form the document has it."""
    return Addresses((c for c in plan.resource_changes if c.change.actions == NO_OP), plan.unchanged)


def addresses(plan: Plan) -> Addresses:
    """Addresses of all resources of the plan."""
    return Addresses(plan.resource_changes, plan.unchanged)


def within(unchanged: Unchanged, wanted: Callable[[str], bool]) -> Unchanged:
    """Those whose address is wanted."""
    found = Gathering()
    for key, compartment in unchanged.compartments.items():
        if wanted(f"Compartment/{key}"):
            found.compartment(key, compartment)
    for key, datamart, default in active(unchanged):
        if wanted(f"Activation/{key}@{datamart}"):
            identity, where = id_of(unchanged, key) or "", unchanged.datamart_ids[datamart]
            found.activation(key, identity, datamart, where, default=default)
    return found.made()


def without_defaults(unchanged: Unchanged, datamarts: Container[str]) -> Unchanged:
    """The same, where these datamarts have another default.

    Args:
        unchanged: what is as declared.
        datamarts: names.
    """
    return replace(unchanged, defaults={d: k for d, k in unchanged.defaults.items() if d not in datamarts})


def canonical(unchanged: Unchanged) -> Unchanged | None:
    """The one form of it; None where a name has no id, or something is there twice. Takes no time for each activation."""
    found, taken = Gathering(), set[str]()
    for key, compartment in unchanged.compartments.items():
        found.compartment(key, compartment)
    for group in unchanged.activations:
        keys = keys_of(group, unchanged)
        ids = {k: i for k in keys if (i := id_of(unchanged, k)) is not None}
        datamarts = {d: i for d in group.datamarts if (i := unchanged.datamart_ids.get(d)) is not None}
        whole = len(ids) == len(keys) and len(datamarts) == len(group.datamarts)
        if not whole or not taken.isdisjoint(ids):
            return None
        taken.update(ids)
        mine = {d: [k for k in unchanged.defaults.get(d, ()) if k in ids] for d in datamarts}
        found.activations(ids, datamarts, mine)
    return found.made()


def full(plan: Plan) -> Plan:
    """The plan with an entry for each resource, in the order of entries; its digest is still to be made."""
    every = sorted(resources(plan), key=lambda c: (ORDER[c.kind], c.address))
    return replace(plan, resource_changes=tuple(every), unchanged=NOTHING)


def id_of(unchanged: Unchanged, key: str) -> str | None:
    """The id of a compartment that has activations."""
    if (identity := unchanged.compartment_ids.get(key)) is not None:
        return identity
    return found.id if (found := unchanged.compartments.get(key)) is not None else None


def _compartments(unchanged: Unchanged) -> Iterator[ResourceChange]:
    return (_compartment(key, found) for key, found in unchanged.compartments.items())


def _compartment(key: str, found: UnchangedCompartment) -> ResourceChange:
    seen = {"organisation_id": found.organisation_id, "token": found.token, "name": found.name}
    return _entry(f"Compartment/{key}", "Compartment", seen, found.id)


def _activation(unchanged: Unchanged, key: str, datamart: str, *, default: bool) -> ResourceChange:
    seen: dict[str, Any] = {
        "datamart_id": unchanged.datamart_ids[datamart],
        "compartment_id": id_of(unchanged, key) or "",
    }
    if default:
        seen["default"] = True
    return _entry(f"Activation/{key}@{datamart}", "Activation", seen, None)


def _entry(address: str, kind: str, seen: dict[str, Any], remote_id: str | None) -> ResourceChange:
    change = Change(actions=NO_OP, before=seen, after=seen)
    return ResourceChange(
        address=address, kind=kind, change=change, reason="as declared", remote_id=remote_id
    )
