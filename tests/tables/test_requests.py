"""A change is its request: one row for each kind and action."""

from typing import Any

import pytest

from reconciler.model.plan import Change, ResourceChange
from reconciler.planning.requests import Request, request_of, with_request

KEY = {"datamart_id": "1509", "compartment_id": "2071"}
NAMED = {"organisation_id": "1185", "token": "loyalty", "name": "Loyalty"}
SELECTIONS = "/v1/datamarts/1509/compartments"


def change(
    kind: str,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    row: str | None = None,
) -> ResourceChange:
    return ResourceChange(
        address=f"{kind}/x",
        kind=kind,
        change=Change(actions=(action,), before=before, after=after),
        reason="",
        remote_id=row,
    )


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        (
            change("Compartment", "create", None, {**NAMED, "more": 1}),
            Request("POST", "/v1/user_account_compartments", NAMED),
        ),
        (
            change("Compartment", "update", {**NAMED, "name": "Old"}, NAMED, "2071"),
            Request("PUT", "/v1/user_account_compartments/2071", {"name": "Loyalty"}),  # the name alone (G10)
        ),
        (change("Compartment", "update", {**NAMED, "name": "Old"}, NAMED), None),
        (change("Compartment", "no-op", NAMED, NAMED, "2071"), None),
        (change("Activation", "create", None, KEY), Request("POST", SELECTIONS, KEY)),
        (
            change("Activation", "create", None, {**KEY, "default": True}),
            Request("POST", SELECTIONS, {**KEY, "default": True}),
        ),
        (
            change("Activation", "create", None, {**KEY, "default": False}),
            Request("POST", SELECTIONS, KEY),  # false is never sent (contract 4.3)
        ),
        (
            change("Activation", "create", None, {**KEY, "compartment_id": None}),
            Request("POST", SELECTIONS, {**KEY, "compartment_id": None}),
        ),
        (
            change("Activation", "update", {**KEY, "default": False}, {**KEY, "default": True}, "914"),
            Request("PUT", f"{SELECTIONS}/914", {"default": True}),
        ),
        (change("Activation", "delete", KEY, None, "914"), Request("DELETE", f"{SELECTIONS}/914")),
        (change("Activation", "delete", KEY, None), None),
        (
            change("DocumentImport", "delete", {"datamart_id": "1509"}, None, "7"),
            Request("DELETE", "/v1/datamarts/1509/document_imports/7"),
        ),
        (
            change("DocumentImport", "delete", {"datamart_id": "15/09"}, None, "7/8"),
            Request("DELETE", "/v1/datamarts/15%2F09/document_imports/7%2F8"),
        ),
    ],
)
def test_request(planned: ResourceChange, expected: Request | None) -> None:
    assert request_of(planned) == expected
    assert with_request(planned).request == (
        None if expected is None else f"{expected.method} {expected.path}"
    )


def test_the_row_as_it_is_now_comes_before_the_planned_one() -> None:
    planned = change("Activation", "delete", KEY, None, "914")
    assert request_of(planned, "915") == Request("DELETE", f"{SELECTIONS}/915")
    there = change("Activation", "create", None, {**KEY, "default": True})
    assert request_of(there, "915") == Request("PUT", f"{SELECTIONS}/915", {"default": True})
