"""Which remote row a desired resource is: none, one, several; ours, foreign; pinned or by token."""

import pytest

from reconciler.model.remote import Activation, Compartment
from reconciler.planning.config import lookup
from reconciler.planning.config.lookup import Ambiguous


def row(identity: str, token: str = "loyalty", organisation: str = "1185") -> Compartment:
    return Compartment(identity, organisation, None, token, False)


@pytest.mark.parametrize(
    ("rows", "token", "pin", "expected"),
    [
        ([], "loyalty", None, None),
        ([row("1", "other")], "loyalty", None, None),
        ([row("1")], "loyalty", None, row("1")),
        ([row("1", organisation="")], "loyalty", None, row("1", organisation="")),
        ([row("1", organisation="1042")], "loyalty", None, None),  # shared: never ours by token
        ([row("1", organisation="1042"), row("2")], "loyalty", None, row("2")),
        ([row("10"), row("9")], "loyalty", None, Ambiguous(("9", "10"))),
        ([row("10"), row("9"), row("8")], "loyalty", None, Ambiguous(("8", "9", "10"))),
        ([row("10"), row("9")], "loyalty", "10", row("10")),
        ([row("9")], "loyalty", "10", None),
        ([row("10", "other", "1042")], "loyalty", "10", row("10", "other", "1042")),
        ([row("1", "Loyalty")], "loyalty", None, None),
    ],
)
def test_compartment(
    rows: list[Compartment], token: str, pin: str | None, expected: Compartment | Ambiguous | None
) -> None:
    assert lookup.compartment(rows, "1185", token, pin) == expected


def active(identity: str, compartment: str = "2071", *, default: bool = False) -> Activation:
    return Activation(identity, "1509", compartment, default)


@pytest.mark.parametrize(
    ("rows", "expected", "count"),
    [
        ([], None, 0),
        ([active("5", "1000")], None, 0),
        ([active("5", "1000"), active("6")], active("6"), 1),
        ([active("10"), active("9")], active("9"), 2),
        ([active("9"), active("10", default=True)], active("10", default=True), 2),
        ([active("9"), active("8", "1000", default=True)], active("9"), 1),
    ],
)
def test_activation(rows: list[Activation], expected: Activation | None, count: int) -> None:
    assert lookup.activation(rows, "2071") == (expected, count)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),
        ([row("1")], None),  # the same token is no look-alike
        ([row("1", "other")], None),
        ([row("1", "Loyalty")], "1"),
        ([row("1", "Loyalty", "1042")], None),
        ([row("1", "other"), row("2"), row("3", "LOYALTY"), row("4", "Loyalty")], "3"),
    ],
)
def test_similar(rows: list[Compartment], expected: str | None) -> None:
    found = lookup.similar(rows, "1185", "loyalty")
    assert (found and found.id) == expected
