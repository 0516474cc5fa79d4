"""`previously`: whatever the organisation, a compartment that was renamed is updated, never created beside the old one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_fields

from reconciler.model.address import Span
from reconciler.model.desired import Desired, DesiredActivation, DesiredActivations, DesiredCompartment
from reconciler.model.listing import Listed
from reconciler.model.remote import Activation, Compartment, Datamart, Observed
from reconciler.model.unchanged import count
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.config.removals import Pruning
from reconciler.planning.plan.planner import plan_config

OWN, HERE = "1185", Span("specs/a.yaml", 1, 1)
MARTS = ("1", "2", "3")
tokens = st.sampled_from(["crm", "CRM", "crm-old", "crm_old", "loyalty", "web", "é", "a b", ""])
names = st.sampled_from(["Loyalty", "loyalty ", "CRM", "x", None])
rows = st.lists(
    st.builds(Compartment, st.integers(1, 40).map(str), st.sampled_from([OWN, OWN, "", "2000"]), names, tokens, st.sampled_from([False, False, True])),
    max_size=7, unique_by=lambda r: r.id,
)  # fmt: skip
wants = st.builds(
    DesiredCompartment, st.sampled_from(["one", "two"]), tokens.filter(bool), names, st.none(), st.just(lambda: HERE),
    allow_token_change=st.booleans(), previously=st.lists(tokens.filter(bool) | st.just("old-key"), max_size=3).map(tuple),
)  # fmt: skip


def planned(
    want: DesiredCompartment,
    found: list[Compartment],
    known: dict[str, str],
    active: dict[str, list[str]] | None = None,
    places: tuple[str, ...] = (),
) -> ConfigPlan:
    marts = {f"m{i}": (i, HERE) for i in MARTS}
    activations = DesiredActivations.of(
        DesiredActivation(f"Activation/{want.key}@m{i}", want.key, f"m{i}", i, False, lambda: HERE)
        for i in places
    )
    seen = {
        i: Listed(tuple(Activation(f"{i}{n}", i, c, False) for n, c in enumerate((active or {}).get(i, ()))))
        for i in MARTS
    }
    observed = Observed(
        Listed(tuple(Datamart(i, i, OWN, "DATAMART", False) for i in MARTS)), Listed(tuple(found)), seen
    )
    desired = Desired(datamarts=marts, compartments={want.address: want}, activations=activations)
    return plan_config(desired, observed, OWN, Pruning(frozenset(), lambda _: False), known)


@given(wants, rows, st.integers(1, 40).map(str))
def test_a_former_token_is_never_left_beside_a_new_compartment(
    want: DesiredCompartment, found: list[Compartment], last: str
) -> None:
    plan = planned(want, found, {"Compartment/old-key": last})
    mine = [r for r in found if r.organisation_id in (OWN, "")]
    former = [r for r in mine if r.token in want.previously and not r.archived]
    exact = [r for r in mine if r.token == want.token]
    actions = [c.change.actions[0] for c in plan.changes if c.kind == "Compartment"]
    codes = {d.code for d in plan.diagnostics}
    if exact or not former:
        assert ("previously-two" in codes) is bool(
            len(exact) == 1 and [r for r in former if r.token != want.token]
        )
        return
    assert "create" not in actions
    if len(former) > 1:
        assert "ambiguous-token" in codes
        assert {r.id for r in former} <= set(
            " ".join(d.message for d in plan.diagnostics).replace("'", " ").split()
        )
        return
    assert actions == (["update"] if "token-change-allowed" in codes else [])
    assert want.allow_token_change or "token-change" in codes
    if actions:
        (change,) = plan.changes
        assert change.remote_id == former[0].id
        # Once it is done there is nothing left to do, with `previously` or without.
        done = [
            with_fields(r, token=want.token, name=want.name or r.name) if r.id == former[0].id else r
            for r in found
        ]
        for again in (want, with_fields(want, previously=(), allow_token_change=False)):
            after = planned(again, done, {})
            assert after.changes == []
            assert count(after.same.made()) == 1


@given(
    wants,
    rows,
    st.dictionaries(st.sampled_from(MARTS), st.lists(st.integers(1, 40).map(str), max_size=4, unique=True)),
)
def test_a_look_alike_is_told_and_nothing_is_renamed(
    want: DesiredCompartment, found: list[Compartment], active: dict[str, list[str]]
) -> None:
    want = with_fields(want, previously=())
    plan = planned(want, found, {}, active, ("1", "2"))
    told = [d for d in plan.diagnostics if d.code == "unmanaged-look-alike"]
    created = [c for c in plan.changes if c.kind == "Compartment" and c.change.actions == ("create",)]
    assert {c.change.actions for c in plan.changes if c.kind == "Compartment"} <= {
        ("create",),
        ("update",),
        ("no-op",),
    }
    if not created:
        assert not told
        return
    free = [r for r in found if r.organisation_id in (OWN, "") and not r.archived]
    name = " ".join((want.name or want.token or "").casefold().split())
    same = {r.id for r in free if r.name is not None and " ".join(r.name.casefold().split()) == name}
    assert not same or told
    for identity in same:
        assert identity in told[0].message
    everywhere = {r.id: {m for m, ids in active.items() if r.id in ids} for r in free}
    there = [i for i, where in everywhere.items() if where == {"1", "2"}]
    assert not (len(there) == 1 and not same) or told
    # Written as proposed, the plan is about that compartment, and creates none.
    if told and len(same) == 1 and (row := next(r for r in free if r.id in same)).token:
        again = planned(with_fields(want, previously=(row.token,)), found, {}, active, ("1", "2"))
        assert not [c for c in again.changes if c.kind == "Compartment" and c.change.actions == ("create",)]


def test_two_documents_do_not_mean_one_compartment() -> None:
    one = DesiredCompartment("one", "crm", None, None, lambda: HERE)
    two = DesiredCompartment("two", None, None, "7", lambda: HERE)
    row = Listed((Compartment("7", OWN, "CRM", "crm", False),))
    observed = Observed(Listed((Datamart("1", "", OWN, "DATAMART", False),)), row, {}, {}, {"7": row})
    desired = Desired(ignored=frozenset({"1"}), compartments={c.address: c for c in (one, two)})
    plan = plan_config(desired, observed, OWN, Pruning(frozenset(), lambda _: False))
    assert [d.code for d in plan.diagnostics] == ["compartment-twice"]
    alone = replace(desired, compartments={two.address: two})
    assert not plan_config(alone, observed, OWN, Pruning(frozenset(), lambda _: False)).diagnostics
