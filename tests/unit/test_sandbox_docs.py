"""docs/sandbox.md names every switch, every action and every ready script."""

import re
from pathlib import Path

from reconciler.sandbox.faults import ACTIONS
from reconciler.sandbox.switches import CHOICES, OWN, Switches
from tests.unit.test_fault_scripts import READY

PAGE = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8")


def test_every_switch_is_there_with_its_settings() -> None:
    for name in Switches().values():
        assert f"`{name}`" in PAGE, name
    for name, options in CHOICES.items():
        if name not in OWN:
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
            told = re.findall(r"`([^`]+)`", row.split("|")[2])
            assert told == list(options), name
            assert told[0] == getattr(Switches(), name)


def test_every_action_and_script_is_there() -> None:
    for action in ACTIONS:
        assert f"`{action}`" in PAGE, action
    assert set(READY) == set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) & {*READY}
