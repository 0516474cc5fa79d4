"""What is as declared is grouped in the document: it says the same as an entry for each, to every reader."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Refused
from reconciler.model.address import Span
from reconciler.model.desired import (
    Desired,
    DesiredActivation,
    DesiredActivations,
    DesiredCompartment,
)
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.plan import Change, Plan, ResourceChange, UnchangedCompartment
from reconciler.model.remote import Activation, Compartment, Datamart, Observed
from reconciler.model.rollout import Rollout, Wave
from reconciler.model.unchanged import Gathering, as_declared, count, resources
from reconciler.planning.config.activations import plan_activations
from reconciler.planning.config.changes import ConfigPlan, plan_activation
from reconciler.planning.config.removals import Pruning
from reconciler.planning.config.unmanaged import unmanaged
from reconciler.planning.digests import plan_digest
from reconciler.planning.plan import guards
from reconciler.planning.plan.authority import refusals
from reconciler.planning.plan.baseline import found, left_by
from reconciler.planning.plan.compare import compare
from reconciler.planning.plan.coverage import coverage
from reconciler.planning.plan.document import decode, encode, full
from reconciler.planning.plan.inverse import inverse
from reconciler.planning.plan.planner import (
    Occasion,
    acting_addresses,
    assemble,
    plan_config,
    prune_requires,
)
from reconciler.planning.plan.waves import begun, part
from reconciler.reports.plan import details, html, markdown, text
from reconciler.reports.style import Style
from reconciler.settings import Guards, Settings

HERE = Span("specs/a.yaml")
KEYS = ("a", "b-1", "c", "d", "e")
MARTS = {"fr": "1509", "de": "1510", "x-2": "1600"}
ORGANISATION = "1185"


@dataclass(frozen=True, slots=True)
class World:
    """`names` of compartments that are there; `active`: whether the activation is the default; `wanted` likewise."""

    names: Mapping[str, str | None]
    active: Mapping[tuple[str, str], bool]
    wanted: Mapping[tuple[str, str], bool]


places = st.tuples(st.sampled_from(KEYS), st.sampled_from([*MARTS]))
worlds = st.builds(
    World,
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["Name", "Other", None])),
    st.dictionaries(places, st.booleans()),
    st.dictionaries(places, st.booleans()),
)


def identity(key: str) -> str:
    return str(2000 + KEYS.index(key))


def desired_of(world: World) -> Desired:
    compartments = {
        f"Compartment/{k}": DesiredCompartment(k, f"t@{k}/", "Name", None, lambda: HERE) for k in KEYS
    }
    activations = DesiredActivations.of(
        DesiredActivation(f"Activation/{k}@{m}", k, m, MARTS[m], default, lambda: HERE)
        for (k, m), default in world.wanted.items()
    )
    return Desired(
        datamarts={m: (i, HERE) for m, i in MARTS.items()},
        compartments=compartments,
        activations=activations,
    )


def observed_of(world: World) -> Observed:
    rows = [Compartment(identity(k), ORGANISATION, name, f"t@{k}/", False) for k, name in world.names.items()]
    active = {
        i: Listed(
            tuple(
                Activation(f"9{identity(k)}", i, identity(k), default)
                for (k, where), default in world.active.items()
                if where == m and k in world.names
            )
        )
        for m, i in MARTS.items()
    }
    marts = [Datamart(i, m, ORGANISATION, "DATAMART", False) for m, i in MARTS.items()]
    return Observed(Listed(tuple(marts)), Listed(tuple(rows)), active)


def plan_of(world: World, rollout: Rollout | None = None) -> Plan:
    config = plan_config(desired_of(world), observed_of(world), ORGANISATION, Pruning())
    kept, _ = prune_requires(config.changes, [], acting_addresses(config.changes))
    return assemble(
        kept, [], [], Settings(workspace="w", organisation_id=ORGANISATION), "s",
        Occasion(created_at="2026-01-02T03:04:05+00:00", unchanged=config.same.made()),
        errored=False, complete=True, rollout=rollout,
    )  # fmt: skip


def entry(address: str, seen: dict[str, Any], row: str | None) -> ResourceChange:
    return ResourceChange(
        address=address,
        kind=address.partition("/")[0],
        change=Change(actions=("no-op",), before=seen, after=seen),
        reason="as declared",
        remote_id=row,
    )


def one_by_one(world: World) -> dict[str, ResourceChange]:
    """What is as declared, found without the planner."""
    same = {}
    for key, name in world.names.items():
        if name == "Name":
            seen = {"organisation_id": ORGANISATION, "token": f"t@{key}/", "name": name}
            same[f"Compartment/{key}"] = entry(f"Compartment/{key}", seen, identity(key))
    for (key, mart), default in world.wanted.items():
        is_default = world.active.get((key, mart)) if key in world.names else None
        if is_default is not None and (is_default or not default):
            shape = {"datamart_id": MARTS[mart], "compartment_id": identity(key)}
            address = f"Activation/{key}@{mart}"
            same[address] = entry(address, shape | ({"default": True} if is_default else {}), None)
    return same


@given(worlds)
def test_the_groups_are_an_entry_for_each(world: World) -> None:
    plan, same = plan_of(world), one_by_one(world)
    acting = {c.address: c for c in plan.resource_changes}
    assert not acting.keys() & same.keys()
    assert acting.keys() | same.keys() == {*desired_of(world).compartments, *desired_of(world).activations}
    assert {c.address: c for c in resources(plan)} == acting | same
    order = {"Compartment": 0, "Activation": 1}
    every = sorted((acting | same).values(), key=lambda c: (order[c.kind], c.address))
    assert full(plan).resource_changes == tuple(every)
    assert plan.summary.unchanged == count(plan.unchanged) == len(same)


@given(worlds)
def test_both_forms_come_back_from_a_file_and_are_declared(world: World) -> None:
    plan = plan_of(world)
    for form in (plan, full(plan)):
        again = decode(encode(form).encode(), "p")
        assert encode(again) == encode(form)
        assert [*resources(again)] == [*resources(form)]
        assert refusals(again, desired_of(world), Guards()) == []


rows = st.builds(
    lambda key, mart, default, n: Activation(str(n), MARTS[mart], identity(key), default),
    st.sampled_from(KEYS), st.sampled_from([*MARTS]), st.booleans(), st.integers(1, 99),
)  # fmt: skip
listings = st.dictionaries(
    st.sampled_from([*MARTS.values()]),
    st.one_of(st.lists(rows, max_size=8).map(lambda found: Listed(tuple(found))), st.just(Unlisted("no"))),
)


@given(worlds, listings, st.sets(st.sampled_from([*MARTS])), st.sets(st.sampled_from(KEYS)))
def test_what_is_decided_for_many_at_once_is_what_is_decided_for_each(
    world: World, active: dict[str, Listed[Activation] | Unlisted], unusable: set[str], missing: set[str]
) -> None:
    """Also of rows that stand twice, lists that could not be read, and compartments that are to be created or could not be planned."""
    wanted, observed = desired_of(world).activations, replace(observed_of(world), activations=active)
    ids = {k: identity(k) if k in world.names else None for k in KEYS if k not in missing}
    at_once, each = ConfigPlan(ids=dict(ids)), ConfigPlan(ids=dict(ids))
    plan_activations(wanted, observed, at_once, unusable)
    for want in wanted.values():
        if want.datamart in unusable:
            each.blocked.add(want.address)
        else:
            plan_activation(want, observed, each)
    assert at_once.same.made() == each.same.made()
    assert sorted(at_once.changes, key=lambda c: c.address) == sorted(each.changes, key=lambda c: c.address)
    assert (at_once.blocked, at_once.errored) == (each.blocked, each.errored)
    # Two rows of one compartment are told once for each activation, in the order of the specs.
    assert [d.address for d in at_once.diagnostics] == [d.address for d in each.diagnostics]


@given(worlds, listings, st.sets(st.tuples(st.sampled_from(KEYS), st.sampled_from([*MARTS]))))
def test_unmanaged_is_what_no_spec_speaks_of(
    world: World, active: dict[str, Listed[Activation] | Unlisted], gone: set[tuple[str, str]]
) -> None:
    removals = {
        (a := f"Activation/{k}@{m}"): DesiredActivation(a, k, m, MARTS[m], False, lambda: HERE)
        for k, m in gone
    }
    desired = replace(desired_of(world), removals=removals)
    observed = replace(observed_of(world), activations=active)
    ids = {k: identity(k) for k in world.names}
    found_ids = {
        (u.compartment_id, u.datamart)
        for u in unmanaged(desired, observed, ids, ORGANISATION, {})
        if u.datamart
    }
    told = {identity(k): k for k in world.names}
    names = {i: m for m, i in MARTS.items()}
    there = {
        (row.compartment_id, names[i]): f"Activation/{told.get(row.compartment_id)}@{names[i]}"
        for i, listed in active.items()
        if isinstance(listed, Listed)
        for row in listed.rows
    }
    spoken_of = {*desired.activations, *removals}
    assert found_ids == {place for place, address in there.items() if address not in spoken_of}


def test_activations_are_a_mapping_by_address() -> None:
    every = [
        DesiredActivation(f"Activation/{k}@{m}", k, m, MARTS[m], (k, m) == ("a", "fr"), lambda: HERE)
        for k in ("b-1", "a")
        for m in sorted(MARTS)
    ]
    found_all = DesiredActivations.of(every)
    assert [*found_all] == [a.address for a in every]
    assert [*found_all.values()] == every
    assert (len(found_all), found_all[every[0].address]) == (6, every[0])
    for odd in ("Activation/c@fr", "Activation/a@nowhere", "Compartment/a@fr", "Activation/a", "a@fr", ""):
        assert odd not in found_all
    assert found_all.groups() == {frozenset(MARTS): ["b-1", "a"]}


WAVES = Rollout(
    name="r", waves=(Wave(name="one", datamarts=("fr",)), Wave(name="two", datamarts=("de", "x-2")))
)
PLAIN = Style()


def read(plan: Plan) -> dict[str, Any]:
    """What every reader makes of a plan."""
    addresses = [c.address for c in resources(plan)]
    same = as_declared(plan)
    moved = [a for a in addresses if a not in same]
    return {
        "coverage": coverage(plan),
        "found": found(plan),
        "left": left_by(plan, moved, (), {}),
        "details": {a: details.render(plan, details.chosen(plan, [a]), PLAIN) for a in addresses},
        "all": sorted(x.address for x in details.chosen(plan, ["*"])),
        "text": text.render(plan, PLAIN),
        "markdown": markdown.render(plan).replace(plan.plan_digest[:12], ""),
        "html": html.render(plan).replace(plan.plan_digest[:12], ""),
        "same": sorted(a for a in addresses if a in same),
        "guards": guards.check(
            plan.resource_changes,
            (),
            Guards(max_update_percent=1, max_delete_percent=1, from_=1),
            plan.unchanged,
        ),
    }


@given(worlds, st.booleans())
def test_every_reader_is_told_the_same(world: World, in_waves: bool) -> None:
    plan = plan_of(world, WAVES if in_waves else None)
    entries = full(plan)
    assert read(plan) == read(entries)
    assert compare(plan, entries) == []
    back, other = inverse(plan), inverse(entries)
    assert coverage(back) == coverage(other)
    assert back.summary == other.summary
    assert {c.address for c in resources(back)} == {c.address for c in resources(other)}
    assert found(back) == found(other)
    if in_waves:
        assert coverage(part(plan, "one", first=True)) == coverage(part(entries, "one", first=True))
        assert coverage(begun(plan, {None, "one"})) == coverage(begun(entries, {None, "one"}))


@given(worlds, worlds)
def test_a_difference_of_two_plans_does_not_depend_on_their_form(one: World, other: World) -> None:
    a, b = plan_of(one), plan_of(other)
    meant = compare(full(a), full(b))
    assert compare(a, b) == compare(full(a), b) == compare(a, full(b)) == meant


def whole() -> Plan:
    return plan_of(
        World(
            dict.fromkeys(KEYS, "Name") | {"e": "Other"},
            {(k, m): (k, m) == ("a", "fr") for k in KEYS for m in MARTS if (k, m) != ("d", "de")},
            {(k, m): False for k in KEYS for m in MARTS},
        )
    )


def test_groups_name_compartments_once() -> None:
    said = msgspec.to_builtins(whole().unchanged)
    assert said["activations"] == (
        {"datamarts": ("de", "fr", "x-2"), "compartments": ("a", "b-1", "c", "e")},
        {"datamarts": ("fr", "x-2"), "compartments": ("d",)},
    )
    assert said["defaults"] == {"fr": ("a",)}
    assert said["compartment_ids"] == {"e": identity("e")}
    assert {*said["compartments"]} == {"a", "b-1", "c", "d"}


def forged(document: dict[str, Any], **parts: Any) -> Plan:
    said = {**document, "unchanged": {**document["unchanged"], **parts}}
    return decode(json.dumps({**said, "plan_digest": plan_digest(said)}).encode(), "p")


ROW = {"id": "1", "organisation_id": "1185", "token": "t", "name": None}
GROUP = {"datamarts": ["fr"], "compartments": ["a"]}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"activations": [GROUP, GROUP]}, "form"),
        ({"activations": [GROUP, {"datamarts": ["de"], "compartments": ["a"]}]}, "form"),
        ({"activations": [{"datamarts": ["fr", "fr"], "compartments": ["a"]}]}, "form"),
        ({"activations": [{"datamarts": ["fr"], "compartments": ["a", "a"]}]}, "form"),
        ({"activations": [{"datamarts": ["fr"], "compartments": "some"}]}, "unchanged"),
        ({"activations": [{"datamarts": ["nowhere"], "compartments": ["a"]}]}, "form"),
        ({"activations": [{"datamarts": ["fr"], "compartments": ["nobody"]}]}, "form"),
        ({"activations": [{"datamarts": ["fr"], "compartments": []}]}, "form"),
        ({"activations": [{"datamarts": [], "compartments": ["a"]}]}, "form"),
        ({"activations": []}, "form"),
        ({"defaults": {"fr": ["nobody"]}}, "form"),
        ({"defaults": {"fr": ["a", "a"]}}, "form"),
        ({"defaults": {"nowhere": ["a"]}}, "form"),
        ({"datamart_ids": {"fr": "1509", "de": "1510", "x-2": "1600", "more": "1"}}, "form"),
        ({"datamart_ids": {"fr": "1509"}}, "form"),
        ({"datamart_ids": {"": "1509"}}, "name"),
        ({"datamart_ids": {"fr": 1509}}, "unchanged"),
        ({"compartment_ids": {}}, "form"),
        ({"compartment_ids": {"a@b": "1"}}, "name"),
        ({"compartments": {"a": {**ROW, "id": None}}}, "unchanged"),
        ({"compartments": {"a": {**ROW, "token": 5}}}, "unchanged"),
        ({"compartments": {"a": {**ROW, "more": 5}}}, "unchanged"),
        ({"compartments": {"a@fr": ROW}}, "name"),
        ({"compartments": {"": ROW}}, "name"),
        ({"more": 1}, "more"),
    ],
)
def test_a_document_that_no_plan_has_is_refused(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        forged(json.loads(encode(whole())), **parts)


def test_what_acts_cannot_be_as_declared_as_well() -> None:
    document = json.loads(encode(whole()))
    with pytest.raises(Refused, match="Compartment/e: an address is there twice"):
        forged(document, compartments={**document["unchanged"]["compartments"], "e": ROW}, compartment_ids={})


def test_a_short_text_that_names_very_many_is_refused_at_once() -> None:
    document, names = json.loads(encode(whole())), [f"n{i:05}" for i in range(20_000)]
    ids = dict.fromkeys(names, "1")
    group = {"datamarts": names, "compartments": names}
    with pytest.raises(Refused, match="more than 2,000,000 resources"):
        forged(
            document, activations=[group], datamart_ids=ids, compartment_ids=ids, compartments={}, defaults={}
        )


def test_names_that_no_spec_has_are_refused_before_anything_is_made_of_them() -> None:
    document, names = json.loads(encode(whole())), [f"n{i:04}" for i in range(1_400)]
    ids = dict.fromkeys(names, "1")
    group = {"datamarts": names, "compartments": names}
    many = forged(
        document, activations=[group], datamart_ids=ids, compartment_ids=ids, compartments={}, defaults={}
    )
    assert count(many.unchanged) == 1_960_000
    desired = desired_of(World({}, {}, {("a", "fr"): False}))
    said = [str(r) for r in refusals(many, desired, Guards())]
    assert said == [
        f"{what}{n}: no spec declares it" for what in ("Compartment/", "datamart ") for n in names
    ]


IDS = st.sampled_from(["1", "2000", "2001", "1509", "1510", "", "x"])


@given(st.data())
def test_a_forged_part_is_refused_or_says_what_the_specs_say(data: st.DataObject) -> None:
    """Of what is as declared only ids, tokens, names and defaults of the platform are the plan's to say."""
    plan = whole()
    desired = desired_of(World({}, {}, {(k, m): False for k in KEYS for m in MARTS}))
    original = json.loads(encode(plan))
    said = copy.deepcopy(original["unchanged"])
    match data.draw(st.sampled_from(["compartment", "datamart", "other", "group", "default", "gone"])):
        case "compartment":
            row = said["compartments"][data.draw(st.sampled_from([*said["compartments"]]))]
            row[data.draw(st.sampled_from([*row]))] = data.draw(IDS)
        case "datamart":
            said["datamart_ids"][data.draw(st.sampled_from([*MARTS, "more"]))] = data.draw(IDS)
        case "other":
            said["compartment_ids"][data.draw(st.sampled_from([*KEYS, "more"]))] = data.draw(IDS)
        case "group":
            group = data.draw(st.sampled_from(said["activations"]))
            group["compartments"] = data.draw(st.sampled_from(["all", ["d"], ["c", "d"], ["more"]]))
        case "default":
            said["defaults"][data.draw(st.sampled_from([*MARTS]))] = [data.draw(st.sampled_from(KEYS))]
        case "gone":
            del said["compartments"][data.draw(st.sampled_from([*said["compartments"]]))]
    try:
        read_back = forged(original, **said)
    except Refused:
        return
    if refusals(read_back, desired, Guards()):
        return
    assert read_back.resource_changes == plan.resource_changes
    specs = {**desired.compartments, **desired.activations}
    for c in resources(read_back):
        assert c.address in specs
        if c.kind == "Activation":
            want = desired.activations[c.address]
            assert (c.change.after or {})["datamart_id"] == want.datamart_id
        else:
            assert (c.change.after or {})["token"] == desired.compartments[c.address].token
            assert (c.change.after or {})["name"] == "Name"


def test_ten_thousand_compartments_on_twenty_datamarts_take_a_line_each() -> None:
    keys = [f"c{n}" for n in range(10_000)]
    marts = {f"m{n}": str(7000 + n) for n in range(20)}
    found_same = Gathering()
    for n, key in enumerate(keys):
        row = UnchangedCompartment(id=str(1000 + n), organisation_id="1185", token=key, name=f"C {n}")
        found_same.compartment(key, row)
        for mart, i in marts.items():
            found_same.activation(key, str(1000 + n), mart, i, default=False)
    plan = msgspec.structs.replace(whole(), resource_changes=(), unchanged=found_same.made())
    assert count(plan.unchanged) == 210_000
    written = encode(plan)
    assert len(written) < 1_000_000
    assert len(written.splitlines()) < 10_200
    assert json.loads(written) == json.loads(msgspec.json.encode(plan))
