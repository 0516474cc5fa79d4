"""Compartments and activations: what specs say × what the platform shows -> the change, or why there is none."""

from typing import Any

import pytest

from reconciler.model.address import Span
from reconciler.model.desired import Desired, DesiredActivation, DesiredCompartment
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Activation, Compartment, Datamart, Observed
from reconciler.model.unchanged import entries
from reconciler.planning.config.changes import ConfigPlan, plan_activation, plan_compartment
from reconciler.planning.config.datamarts import datamart_findings
from reconciler.planning.config.removals import Pruning, plan_removals

HERE = Span("specs/loyalty.yaml", 4, 3)
US = "1185"
NONE: Listed[Any] = Listed(())
FAILED = Unlisted("HTTP 502")


def want(
    token: str | None = "loyalty",
    name: str | None = "Loyalty",
    pin: str | None = None,
    *,
    tombstone: bool = False,
) -> DesiredCompartment:
    return DesiredCompartment("loyalty", token, name, pin, lambda: HERE, tombstone)


def row(
    identity: str = "2071", token: str = "loyalty", name: str | None = "Loyalty", **more: Any
) -> Compartment:
    return Compartment(identity, more.get("organisation", US), name, token, more.get("archived", False))


def observed(*rows: Compartment, pinned: dict[str, Listing[Compartment]] | None = None) -> Observed:
    return Observed(datamarts=NONE, compartments=Listed(rows), pinned=pinned or {})


def every(plan: ConfigPlan) -> list[ResourceChange]:
    return [*plan.changes, *entries(plan.same.made())]


def outcome(plan: ConfigPlan) -> str:
    found = every(plan)
    if plan.diagnostics:
        assert len(plan.diagnostics) == 1
        return f"{plan.diagnostics[0].code}{'' if found else ' (blocked)'}"
    if found:
        (change,) = found
        return change.change.actions[0]
    return "blocked" if plan.blocked else "nothing"


@pytest.mark.parametrize(
    ("desired", "remote", "expected", "identity"),
    [
        (want(), observed(), "create", None),
        (want(), observed(row()), "no-op", "2071"),
        (want(), observed(row("1", "other")), "create", None),
        (want(), observed(row(name="Old")), "update", "2071"),
        (want(), observed(row(name=None)), "update", "2071"),
        (want(name=None), observed(row(name="Anything")), "no-op", "2071"),  # a name left out is not managed
        (want(name=None), observed(row(name=None)), "no-op", "2071"),
        (want(), observed(row(archived=True)), "archived-compartment (blocked)", None),
        (want(), observed(row("9"), row("10")), "ambiguous-token (blocked)", None),
        (want(), observed(row(organisation="1042")), "create", None),
        (want(tombstone=True), observed(), "nothing", None),
        (want(tombstone=True), observed(row()), "no-op", "2071"),
        # pinned
        (want(pin="2071"), observed(pinned={"2071": Listed((row(),))}), "no-op", "2071"),
        (want(pin="2071"), observed(pinned={"2071": NONE}), "pin-not-found (blocked)", None),
        (want(pin="2071"), observed(pinned={"2071": FAILED}), "blocked", None),
        (want(pin="2071", token=None), observed(pinned={"2071": Listed((row(token="x"),))}), "no-op", "2071"),
        (
            want(pin="2071"),
            observed(pinned={"2071": Listed((row(token="x"),))}),
            "token-change (blocked)",
            None,
        ),
        # shared: referred to, never renamed
        (
            want(pin="2071"),
            observed(pinned={"2071": Listed((row(name="Theirs", organisation="1042"),))}),
            "shared-compartment",
            "2071",
        ),
        (want(), Observed(datamarts=NONE, compartments=FAILED), "blocked", None),
    ],
)
def test_compartment(
    desired: DesiredCompartment, remote: Observed, expected: str, identity: str | None
) -> None:
    plan = ConfigPlan()
    plan_compartment(desired, remote, US, plan)
    assert outcome(plan) == expected
    assert plan.ids.get("loyalty") == identity
    assert plan.errored is (expected == "blocked")
    assert ("Compartment/loyalty" in plan.blocked) is expected.endswith("blocked)") or expected == "blocked"


def test_a_rename_carries_the_name_alone() -> None:
    plan = ConfigPlan()
    plan_compartment(want(name="New"), observed(row(name="Old")), US, plan)
    before, after = plan.changes[0].change.before or {}, plan.changes[0].change.after or {}
    assert {k for k in after if after[k] != before.get(k)} == {"name"}
    assert plan.changes[0].remote_id == "2071"


def test_a_compartment_without_a_name_is_created_with_its_token_as_name() -> None:
    plan = ConfigPlan()
    plan_compartment(want(name=None), observed(), US, plan)
    assert plan.changes[0].change.after == {"organisation_id": US, "token": "loyalty", "name": "loyalty"}


def active(identity: str = "914", compartment: str = "2071", *, default: bool = False) -> Activation:
    return Activation(identity, "1509", compartment, default)


@pytest.mark.parametrize(
    ("default", "compartment_id", "rows", "action", "before", "after"),
    [
        (False, "2071", [], "create", None, {"compartment_id": "2071"}),
        (True, "2071", [], "create", None, {"compartment_id": "2071", "default": True}),
        (False, None, [], "create", None, {"compartment_id": None}),
        (False, "2071", [active()], "no-op", {}, {}),
        (False, "2071", [active(default=True)], "no-op", {}, {}),  # a default is never demoted
        (True, "2071", [active(default=True)], "no-op", {}, {}),
        (True, "2071", [active()], "update", {"default": False}, {"default": True}),
        (
            True,
            "2071",
            [active(), active("5", "1000", default=True)],
            "update",
            {"default": False},
            {"default": True},
        ),
        (False, "2071", [active("5", "1000")], "create", None, {"compartment_id": "2071"}),
    ],
)
def test_activation(
    default: bool,
    compartment_id: str | None,
    rows: list[Activation],
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> None:
    plan = ConfigPlan(ids={"loyalty": compartment_id})
    desired = DesiredActivation(
        "Activation/loyalty@retail-fr", "loyalty", "retail-fr", "1509", default, lambda: HERE
    )
    seen = Observed(datamarts=NONE, compartments=NONE, activations={"1509": Listed(tuple(rows))})
    plan_activation(desired, seen, plan)
    (change,) = every(plan)
    assert change.change.actions == (action,)
    assert (change.change.before is None) is (before is None)
    assert (before or {}).items() <= (change.change.before or {}).items()
    assert after.items() <= (change.change.after or {}).items()
    assert bool(change.change.after_unknown) is (compartment_id is None)
    assert (change.requires == ("Compartment/loyalty",)) is (action != "no-op")
    mine = [r for r in rows if r.compartment_id == compartment_id]
    assert change.remote_id == (mine[0].id if mine and action == "update" else None)


@pytest.mark.parametrize(
    ("default", "compartment_id", "rows", "former"),
    [
        (True, "2071", [active("5", "1000", default=True)], "1000"),
        (True, "2071", [active(), active("5", "1000", default=True)], "1000"),
        (True, None, [active("5", "1000", default=True)], "1000"),
        (True, "2071", [active("5", "1000")], None),
        (True, "2071", [], None),
        (True, "2071", [active(default=True)], None),
        (False, "2071", [active("5", "1000", default=True)], None),
    ],
)
@pytest.mark.parametrize("token", ["standard", None])
def test_a_default_that_moves_shows_which_compartment_loses_it(
    default: bool, compartment_id: str | None, rows: list[Activation], former: str | None, token: str | None
) -> None:
    plan = ConfigPlan(ids={"loyalty": compartment_id})
    desired = DesiredActivation("Activation/loyalty@fr", "loyalty", "fr", "1509", default, lambda: HERE)
    known = Listed((row("1000", token),) if token else ())
    seen = Observed(datamarts=NONE, compartments=known, activations={"1509": Listed(tuple(rows))})
    plan_activation(desired, seen, plan)
    (change,) = every(plan)
    assert change.former_default == (former and {"compartment_id": former, "token": token})
    assert ("(id 1000) stops being the default" in change.reason) is (former is not None)
    assert ("'standard'" in change.reason) is (former is not None and token is not None)


@pytest.mark.parametrize("listing", [FAILED, None])
def test_an_activation_whose_listing_failed_is_blocked(listing: Unlisted | None) -> None:
    plan = ConfigPlan(ids={"loyalty": "2071"})
    desired = DesiredActivation("Activation/loyalty@fr", "loyalty", "fr", "1509", False, lambda: HERE)
    activations: dict[str, Listing[Activation]] = {"1509": listing} if listing else {}
    plan_activation(desired, Observed(datamarts=NONE, compartments=NONE, activations=activations), plan)
    assert plan.changes == []
    assert plan.blocked == {"Activation/loyalty@fr"}
    assert plan.errored is (listing is not None)


def datamart(
    identity: str, organisation: str = US, kind: str = "DATAMART", *, archived: bool = False
) -> Datamart:
    return Datamart(identity, f"Retail {identity}", organisation, kind, archived)


@pytest.mark.parametrize(
    ("rows", "ignored", "codes", "unusable"),
    [
        ([datamart("1509")], (), [], set()),
        ([datamart("1510")], (), ["datamart-not-declared", "unknown-datamart"], {"fr"}),
        ([datamart("1509", archived=True)], (), ["archived-datamart"], {"fr"}),
        ([datamart("1509", "1042"), datamart("1510")], ("1510",), ["unknown-datamart"], {"fr"}),
        ([datamart("1509", "1042")], (), ["unknown-organisation"], {"fr"}),
        ([], (), ["unknown-organisation"], {"fr"}),
        ([datamart("1509", "")], (), [], set()),
        ([datamart("1509"), datamart("1510")], (), ["datamart-not-declared"], set()),
        ([datamart("1509"), datamart("1510")], ("1510",), [], set()),
        ([datamart("1509"), datamart("1510", archived=True)], (), [], set()),
        ([datamart("1509"), datamart("1600", kind="CROSS_DATAMART")], (), [], set()),
        ([datamart("1509"), datamart("2001", "1042")], (), [], set()),
    ],
)
def test_datamarts(
    rows: list[Datamart], ignored: tuple[str, ...], codes: list[str], unusable: set[str]
) -> None:
    seen = Observed(datamarts=Listed(tuple(rows)), compartments=NONE)
    found, names = datamart_findings({"fr": ("1509", HERE)}, frozenset(ignored), seen, US)
    assert sorted(f.code for f in found) == codes
    assert names == unusable


def test_datamarts_that_could_not_be_listed_are_not_missing() -> None:
    found, names = datamart_findings({"fr": ("1509", HERE)}, frozenset(), Observed(FAILED, NONE), US)
    assert (found, names) == ([], {"fr"})


@pytest.mark.parametrize(
    ("rows", "tombstone", "prune", "managed", "protected", "expected"),
    [
        ([active()], True, None, True, False, "delete"),
        ([], True, None, True, False, "nothing"),
        ([active(default=True)], True, None, True, False, "removal-refused"),
        ([active()], True, None, True, True, "removal-refused"),
        ([active()], False, None, True, False, "nothing"),
        ([active()], False, "Activation", True, False, "delete"),
        ([active()], False, "Activation@retail-fr", True, False, "delete"),
        ([active()], False, "Activation@retail-de", True, False, "nothing"),
        ([active()], False, "Activation", False, False, "nothing"),  # says nowhere where it is active
        ([active(default=True)], False, "Activation", True, False, "removal-refused"),
        ([active("5", "1000")], False, "Activation", True, False, "nothing"),  # a compartment of nobody here
    ],
)
def test_removals(
    rows: list[Activation], tombstone: bool, prune: str | None, managed: bool, protected: bool, expected: str
) -> None:
    plan = ConfigPlan(ids={"loyalty": "2071"})
    address = "Activation/loyalty@retail-fr"
    removal = DesiredActivation(address, "loyalty", "retail-fr", "1509", False, lambda: HERE)
    desired = Desired(
        datamarts={"retail-fr": ("1509", HERE), "retail-de": ("1510", HERE)},
        compartments={"Compartment/loyalty": want()},
        removals={address: removal} if tombstone else {},
        managed=frozenset({"loyalty"} if managed else ()),
        protected=frozenset({"loyalty"} if protected else ()),
    )
    activations: dict[str, Listing[Activation]] = {"1509": Listed(tuple(rows)), "1510": NONE}
    seen = Observed(datamarts=NONE, compartments=NONE, activations=activations)
    plan_removals(desired, seen, plan, Pruning(frozenset({prune} if prune else ())))
    actions = [c.change.actions[0] for c in plan.changes]
    refused = [d.code for d in plan.diagnostics if d.code == "removal-refused"]
    assert (actions or refused or ["nothing"]) == [expected]
    assert {c.remote_id for c in plan.changes} <= {"914"}
    assert plan.blocked == ({address} if refused else set())
