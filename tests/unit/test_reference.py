"""Pages of the manual that are made from the code are as the code is."""

import re
from pathlib import Path

import pytest

from reconciler.cli.app import COMMANDS
from reconciler.cli.helps import GROUPS
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
