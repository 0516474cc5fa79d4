"""Pages of the manual that are made from the code are as the code is."""

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.app import COMMANDS
from reconciler.cli.helps import GROUPS
from reconciler.sandbox.seed import FIELDS, SEED, plant
from reconciler.sandbox.store import Store
from tests.support import pictures
from tests.support.reference import PAGES, VARIABLES, commands

ROOT = Path(__file__).parents[2]
# Names that are no variables of the user: of Typer's completion, and those that the pages of pipelines choose themselves.
OTHERS = {"RECONCILER_COMPLETE", "RECONCILER_LEDGER_URL", "RECONCILER_PLAN_KEY"}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_as_the_code_is(page: str) -> None:
    assert (ROOT / "docs" / page).read_text("utf-8") == PAGES[page](), "run: .ci/reference"


def test_every_command_has_one_place_in_the_help() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)


def test_every_variable_is_in_the_page() -> None:
    text = "\n".join(p.read_text() for p in (ROOT / "reconciler").rglob("*.py"))
    used = set(re.findall(r"\bRECONCILER_[A-Z_]*[A-Z]\b", text)) - OTHERS
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", commands(), re.MULTILINE))
    assert used <= named, used - named
    assert {v for v in VARIABLES if v.startswith("RECONCILER_")} <= used


@pytest.mark.slow
def test_the_picture_of_a_plan_is_what_plan_shows(tmp_path: Path) -> None:
    shop = pictures.starter(tmp_path / "shop")
    try:
        assert (ROOT / "docs/pictures/plan.svg").read_text("utf-8") == pictures.plan_svg(shop), (
            "run: .ci/pictures"
        )
    finally:
        pictures.stop(shop)


FULL: dict[str, list[dict[str, Any]]] = {
    "datamarts": [{"id": "1", "name": "One", "organisation_id": "7"}],
    "compartments": [{"id": "2", "organisation_id": "7", "token": "two", "name": None}],
    "activations": [{"datamart_id": "1", "compartment_id": "2"}],
    "schemas": [{"datamart_id": "1", "text": "type A { id: ID! }"}],
}


def test_a_seed_of_the_fields_that_are_required_is_enough() -> None:
    plant(Store(None), FULL)
    assert all(row.keys() <= FIELDS[table].keys() for table, rows in SEED.items() for row in rows)


@pytest.mark.parametrize(
    ("table", "field"),
    [(t, f) for t, rows in FIELDS.items() for f, words in rows.items() if words.endswith("required")],
)
def test_a_seed_without_a_required_field_is_refused(table: str, field: str) -> None:
    rows = [{k: v for k, v in row.items() if k != field} for row in FULL[table]]
    with pytest.raises(ValueError, match="seed"):
        plant(Store(None), {**FULL, table: rows})
