"""Drift names exactly what another hand did to declared compartments since the last apply, whatever it did."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.baseline import Baseline
from reconciler.model.diagnostic import error
from reconciler.model.plan import FORMAT_VERSION, Budget, Change, Plan, ResourceChange, Summary, Unmanaged
from reconciler.planning.digests import sealed
from reconciler.planning.plan.baseline import found, left_by
from reconciler.planning.plan.drift import audit, with_runs

KEYS, FOREIGN, MARTS = ("a", "b", "c"), ("9",), ("fr", "de")
ID = {"a": "1", "b": "2", "c": "3"}


@dataclass(frozen=True)
class World:
    """The platform: names of compartments by id, and activations with whether each is the default."""

    names: Mapping[str, str]
    active: Mapping[tuple[str, str], bool]


def plan_of(
    world: World, declared: frozenset[tuple[str, str]], blocked: frozenset[str] = frozenset()
) -> Plan:
    """A plan of specs that declare the three compartments, and some activations of them, and change nothing that is there.

    Of compartments that are blocked a finding says why they are not planned, nor what is declared of them.
    """
    changes, unmanaged = [], []
    for key in KEYS:
        row = {"organisation_id": "7", "token": key, "name": world.names.get(ID[key])}
        there = ID[key] in world.names
        if key not in blocked:
            changes.append(change(f"Compartment/{key}", row if there else None, ID[key] if there else None))
        for mart in MARTS:
            shape = {"datamart_id": mart, "compartment_id": ID[key]}
            default = world.active.get((ID[key], mart))
            if key in blocked and (key, mart) in declared:
                continue
            if (key, mart) in declared:
                seen = {**shape, **({"default": True} if default else {})} if default is not None else None
                changes.append(change(f"Activation/{key}@{mart}", seen, "r" if seen else None))
            elif default is not None:
                unmanaged.append(beside("Activation", ID[key], mart, default=default))
    for identity in FOREIGN:
        if identity in world.names:
            unmanaged.append(beside("Compartment", identity, None))
        unmanaged += [
            beside("Activation", identity, mart, default=world.active[identity, mart])
            for mart in MARTS
            if (identity, mart) in world.active
        ]
    return sealed(
        Plan(
            format_version=FORMAT_VERSION, tool_version="0", workspace="w", organisation_id="7", endpoint="e", environment=None,
            spec_digest="", complete=True, errored=False, applyable=True, resource_changes=tuple(changes), loads=(),
            summary=Summary(), budget=Budget(), unmanaged=tuple(unmanaged), listed_datamarts=MARTS,
            diagnostics=tuple(error("token-change", "m", address=f"Compartment/{key}") for key in sorted(blocked)),
        )
    )  # fmt: skip


def change(address: str, seen: dict[str, object] | None, row: str | None) -> ResourceChange:
    actions = ("no-op",) if seen is not None else ("create",)
    made = Change(actions=actions, before=seen, after=seen or {"datamart_id": address.partition("@")[2]})
    return ResourceChange(
        address=address, kind=address.partition("/")[0], change=made, reason="", remote_id=row
    )


def beside(kind: str, identity: str, mart: str | None, *, default: bool = False) -> Unmanaged:
    return Unmanaged(
        kind=kind, compartment_id=identity, token=f"t{identity}", name=None, datamart=mart, datamart_id=mart, default=default
    )  # fmt: skip


identities = st.sampled_from([*ID.values(), *FOREIGN])
places = st.tuples(identities, st.sampled_from(MARTS))
worlds = st.builds(
    World,
    st.dictionaries(identities, st.sampled_from(["x", "y"])),
    st.dictionaries(places, st.booleans()),
)


def whole(world: World) -> World:
    """Nothing is active of what does not exist; declared compartments exist."""
    names = dict.fromkeys(ID.values(), "x") | dict(world.names)
    return World(names, {p: d for p, d in world.active.items() if p[0] in names})


@given(worlds, worlds, st.frozensets(st.tuples(st.sampled_from(KEYS), st.sampled_from(MARTS))))
def test_drift_is_the_difference_of_two_looks(
    then: World, now: World, declared: frozenset[tuple[str, str]]
) -> None:
    then, now = whole(then), whole(now)
    before = plan_of(then, declared)
    baseline = Baseline(1.0, found(before), frozenset(MARTS))
    moved = {d["address"] for d in audit(plan_of(now, declared), baseline).resource_drift}
    names = {f"Compartment/{k}" for k, i in ID.items() if then.names[i] != now.names[i]}
    active = {
        f"Activation/{k}@{m}"
        for k, i in ID.items()
        for m in MARTS
        if then.active.get((i, m)) != now.active.get((i, m))
    }
    assert moved == names | active


@given(
    worlds,
    worlds,
    st.frozensets(st.tuples(st.sampled_from(KEYS), st.sampled_from(MARTS))),
    st.frozensets(st.sampled_from(KEYS), min_size=1),
)
def test_what_was_added_to_a_compartment_that_a_finding_stops_is_named_too(
    then: World, now: World, declared: frozenset[tuple[str, str]], blocked: frozenset[str]
) -> None:
    then, now = whole(then), whole(now)
    baseline = Baseline(1.0, found(plan_of(then, declared)), frozenset(MARTS))
    moved = {d["address"] for d in audit(plan_of(now, declared, blocked), baseline).resource_drift}
    told = {a for a in moved if a.removeprefix("Activation/").partition("@")[0] in blocked}
    assert told == {
        f"Activation/{k}@{m}"
        for k in blocked
        for m in MARTS
        if (k, m) not in declared
        and (ID[k], m) in now.active
        and then.active.get((ID[k], m)) != now.active[ID[k], m]
    }


@given(worlds, st.frozensets(st.tuples(st.sampled_from(KEYS), st.sampled_from(MARTS)), min_size=1))
def test_what_an_apply_did_is_no_drift(then: World, declared: frozenset[tuple[str, str]]) -> None:
    then = whole(then)
    before = plan_of(then, declared)
    made = {c.address for c in before.resource_changes if c.change.before is None}
    active = {**then.active}
    for address in made:
        key, _, mart = address.removeprefix("Activation/").partition("@")
        active[ID[key], mart] = False
    changes = [_created(c) if c.address in made else c for c in before.resource_changes]
    applied = sealed(msgspec.structs.replace(before, resource_changes=tuple(changes)))
    rows = found(applied) | left_by(applied, made, (), {})
    after_plan = plan_of(replace(then, active=active), declared)
    assert audit(after_plan, Baseline(1.0, rows, frozenset(MARTS))).resource_drift == ()


def _created(c: ResourceChange) -> ResourceChange:
    key, _, mart = c.address.removeprefix("Activation/").partition("@")
    made = Change(actions=("create",), before=None, after={"datamart_id": mart, "compartment_id": ID[key]})
    return ResourceChange(address=c.address, kind=c.kind, change=made, reason="")


@given(worlds, worlds, st.frozensets(st.tuples(st.sampled_from(KEYS), st.sampled_from(MARTS)), min_size=1))
def test_nothing_is_concluded_of_what_a_killed_run_may_have_written(
    then: World, now: World, declared: frozenset[tuple[str, str]]
) -> None:
    then, now = whole(then), whole(now)
    before = plan_of(then, declared)
    baseline = Baseline(1.0, found(before), frozenset(MARTS))
    begun = {c.address for c in before.resource_changes if c.change.before is None}
    acting = tuple(_created(c) if c.address in begun else c for c in before.resource_changes)
    killed = sealed(msgspec.structs.replace(before, resource_changes=acting))
    after = with_runs(baseline, [(2.0, killed, dict.fromkeys(begun, "intent"))])
    moved = {d["address"] for d in audit(plan_of(now, declared), after).resource_drift}
    assert not moved & begun
    calm = {d["address"] for d in audit(plan_of(now, declared), baseline).resource_drift}
    assert moved == calm - begun
