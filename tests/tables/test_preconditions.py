"""Would an action still do what was reviewed? What was planned × what is there now -> ready, done or changed."""

import pytest

from reconciler.model.plan import Change, ResourceChange
from reconciler.model.remote import Activation, Compartment, Import
from reconciler.planning.config import preconditions
from reconciler.planning.config.preconditions import Readiness

READY, DONE, CHANGED = Readiness.READY, Readiness.DONE, Readiness.CHANGED


def planned(action: str, before: dict[str, object] | None, after: dict[str, object] | None) -> ResourceChange:
    change = Change(actions=(action,), before=before, after=after)
    return ResourceChange(address="Compartment/loyalty", kind="Compartment", change=change, reason="")


def shape(token: str = "loyalty", name: str | None = "Loyalty") -> dict[str, object]:
    return {"organisation_id": "1185", "token": token, "name": name}


def row(token: str = "loyalty", name: str | None = "Loyalty") -> Compartment:
    return Compartment("2071", "1185", name, token, False)


CREATE = planned("create", None, shape())
RENAME = planned("update", shape(name="Old"), shape(name="Loyalty"))
KEEP = planned("no-op", shape(), shape())


@pytest.mark.parametrize(
    ("change", "now", "verdict"),
    [
        (CREATE, None, READY),
        (CREATE, row(), DONE),
        (CREATE, row(name="Another"), CHANGED),
        (CREATE, row(name=None), CHANGED),
        (RENAME, None, CHANGED),
        (RENAME, row(name="Old"), READY),
        (RENAME, row(), DONE),
        (RENAME, row(name="Third"), CHANGED),
        (RENAME, row(name=None), CHANGED),
        (RENAME, row(token="other", name="Old"), CHANGED),  # an id alone does not say which compartment it is
        (KEEP, row(), DONE),
        (KEEP, row(name="Renamed"), DONE),  # a name that nothing depends on
        (KEEP, row(token="other"), CHANGED),
        (KEEP, None, CHANGED),
    ],
)
def test_compartment(change: ResourceChange, now: Compartment | None, verdict: Readiness) -> None:
    found = preconditions.compartment(change, now)
    assert found.readiness is verdict
    assert bool(found.why) is (verdict is CHANGED)
    assert found.row_id == (now.id if now else None)


def active(identity: str = "914", *, default: bool = False) -> Activation:
    return Activation(identity, "1509", "2071", default)


KEY: dict[str, object] = {"datamart_id": "1509", "compartment_id": "2071"}
ACTIVATE = planned("create", None, KEY)
ACTIVATE_DEFAULT = planned("create", None, {**KEY, "default": True})
PROMOTE = planned("update", {**KEY, "default": False}, {**KEY, "default": True})
ACTIVE = planned("no-op", KEY, KEY)
ACTIVE_DEFAULT = planned("no-op", {**KEY, "default": True}, {**KEY, "default": True})


@pytest.mark.parametrize(
    ("change", "now", "verdict"),
    [
        (ACTIVATE, None, READY),
        (ACTIVATE, active(), DONE),
        (ACTIVATE, active(default=True), DONE),
        (ACTIVATE_DEFAULT, None, READY),
        (ACTIVATE_DEFAULT, active(), READY),  # made by the platform, without being the default: promote it
        (ACTIVATE_DEFAULT, active(default=True), DONE),
        (PROMOTE, None, CHANGED),
        (PROMOTE, active(), READY),
        (PROMOTE, active(default=True), DONE),
        (ACTIVE, active(), DONE),
        (ACTIVE, active(default=True), DONE),
        (ACTIVE, None, CHANGED),
        (ACTIVE_DEFAULT, active(default=True), DONE),
    ],
)
def test_activation(change: ResourceChange, now: Activation | None, verdict: Readiness) -> None:
    found = preconditions.activation(change, now)
    assert found.readiness is verdict
    assert bool(found.why) is (verdict is CHANGED)
    assert found.row_id == (now.id if now else None)


@pytest.mark.parametrize(
    ("rows", "verdict", "row_id"),
    [
        ((), DONE, None),
        ((active(),), READY, "914"),
        ((active("1000"), active("914")), READY, "914"),
        ((active("1000"), active("0914")), READY, "0914"),
        ((active(default=True),), CHANGED, "914"),
        ((active("914"), active("1000", default=True)), CHANGED, "1000"),
    ],
)
def test_removal(rows: tuple[Activation, ...], verdict: Readiness, row_id: str | None) -> None:
    found = preconditions.removal(rows)
    assert (found.readiness, found.row_id) == (verdict, row_id)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(None, DONE), (Import("5", "rcl1.a"), READY), (Import("5", "rcl1.b"), CHANGED)],
)
def test_document_import(now: Import | None, verdict: Readiness) -> None:
    change = planned("delete", {"id": "5", "name": "rcl1.a", "datamart_id": "1509"}, None)
    found = preconditions.document_import(change, now)
    assert found.readiness is verdict
