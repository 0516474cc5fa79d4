"""A misspelt name of a field is told with the name that may be meant, wherever rows are read for it."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records.columns import Fields, require_columns, require_fields
from reconciler.bulk.records.expectations import sent_as
from reconciler.bulk.records.present_names import COMPARED, PresentNames, meant, together
from reconciler.bulk.scan.expecting import Expecting
from reconciler.errors import WrongColumn
from reconciler.model.source import Expectation, Identifier, SourceDefinition

ROW = {"loyalty_tier": "gold", "address": {"postcode": "75001"}, "points": 5}
MISSPELT = [("loyalty_teir", "loyalty_tier"), ("adress.postcode", "address.postcode"), ("address.potcode", "address.postcode"),
            ("ponits", "points"), ("zzz", None)]  # fmt: skip


def source(**given: Any) -> SourceDefinition:
    found = {"workspace": "w", "source": "s", "files": (), "format": "csv", **given}
    return SourceDefinition(**found)


@pytest.mark.parametrize(("name", "near"), MISSPELT)
@pytest.mark.parametrize(
    ("check", "value"), [("not_null", True), ("unique", True), ("in", [1]), ("matches", "x"), ("range", {"min": 1})]
)  # fmt: skip
def test_in_every_check_of_expect(check: str, value: Any, name: str, near: str | None) -> None:
    expecting = Expecting(source(expect=(Expectation(check=check, field=name, value=value),)), ["f"])
    line = json.dumps({"operation": "UPSERT", "user_account_id": "u", "user_profile": ROW}).encode() + b"\n"
    for before in (0, 1):
        expecting.add(expecting.take(line, [0]), 0, before)
    (found,) = expecting.result()
    assert (found.seen, found.near) == (0, near)


@pytest.mark.parametrize(("name", "near"), MISSPELT)
def test_in_rows_of_json(name: str, near: str | None) -> None:
    fields = Fields(source(format="ndjson", types={name: "integer"}))
    fields.look(ROW)
    with pytest.raises(WrongColumn) as why:
        require_fields(fields.found, fields.lacking, fields.present)
    assert (f"did you mean '{near}'?" in str(why.value.help)) == (near is not None)


def test_in_a_table() -> None:
    with pytest.raises(WrongColumn) as why:
        require_columns(["ponits", "id"], source(types={"points": "integer"}), "f.csv")
    assert why.value.help == "did you mean 'ponits'? its columns: ponits, id"


def test_a_column_is_told_by_the_name_it_is_sent_as() -> None:
    renamed = source(
        rename={"tier": "loyalty_tier"}, identify_by=(Identifier(kind="user_account_id", column="id"),)
    )
    present = ["user_account_id", *ROW]
    assert sent_as("tier", present, renamed) == "loyalty_tier"
    assert sent_as("id", present, renamed) == "user_account_id"
    assert sent_as("points", present, renamed) is None, "it is there, and has no value in any row"


@given(st.lists(st.text(), max_size=20), st.text())
def test_no_name_is_proposed_that_is_not_there_or_cannot_be_read(names: list[str], name: str) -> None:
    found = meant(name, names)
    assert found is None or (found in names and found.isprintable() and name not in names)


def test_names_are_bounded() -> None:
    found = PresentNames()
    for n in range(500):
        found.look({f"{n}-{m}": 1 for m in range(30)})
    assert len(found.names) < COMPARED + 30
    found = PresentNames()
    found.look({str(n): {"x": 1} for n in range(100 * COMPARED)})
    assert len(found.names) == COMPARED
    assert len(together(found.names, map(str, range(2000)))) == COMPARED


def test_objects_are_as_deep_as_can_be_read() -> None:
    """What reads JSON stops at the depth that calls may have: less may be left where names are looked at."""
    row: dict[str, Any] = {"points": 5}
    for _ in range(10 * sys.getrecursionlimit()):
        row = {"a": row}
    found = PresentNames()
    found.look(row | {"loyalty_tier": "gold"})
    assert meant("loyalty_teir", found.names) == "loyalty_tier"
