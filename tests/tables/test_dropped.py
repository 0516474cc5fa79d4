"""What specs declared before and what stays active without them is told; a table of rows."""

import pytest

from reconciler.model.plan import Unmanaged
from reconciler.planning.config.dropped import dropped

KNOWN = {"Compartment/gold": "7", "Compartment/vip": "8"}


def alone(identity: str, *datamarts: str, ignored: str | None = None) -> list[Unmanaged]:
    rows = [("Compartment", None), *(("Activation", d) for d in datamarts)]
    return [
        Unmanaged(kind=kind, compartment_id=identity, token="t", name=None, datamart=d, datamart_id="1" if d else None, ignored=ignored)
        for kind, d in rows
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "declared", "words"),
    [
        ([], [], []),
        (alone("7", "fr", "de"), ["Compartment/vip"], ["Compartment/gold is no longer declared, and stays active on de, fr"]),
        (alone("7", *"fedcba"), [], ["Compartment/gold is no longer declared, and stays active on a, b, c, d and 2 more"]),
        (alone("7"), [], []),  # retired: it is active nowhere
        (alone("7", "fr", ignored="belongs to the agency"), [], []),
        (alone("7", "fr"), ["Compartment/gold"], []),
        (alone("9", "fr"), [], []),  # no run of this workspace knew it
        (alone("7", "fr")[1:], [], []),  # another name in the specs is this compartment
    ],
)  # fmt: skip
def test_a_compartment_without_its_document(
    found: list[Unmanaged], declared: list[str], words: list[str]
) -> None:
    assert [d.message for d in dropped(found, KNOWN, declared)] == words
