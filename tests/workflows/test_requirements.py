"""Between plan and apply the platform stops being what a load requires: `apply --check` and `apply` refuse it by name, and nothing
is sent (G2).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    made = Emulator(duplicate_token="accepted")
    yield made
    made.stop()


def row(emulator: Emulator, token: str = "loyalty") -> dict[str, Any]:
    return next(c for c in emulator.compartments() if c["token"] == token)


def activation(emulator: Emulator) -> dict[str, Any]:
    return next(a for a in emulator.activations("1509") if a["compartment_id"] == row(emulator)["id"])


def deactivated(emulator: Emulator) -> None:
    emulator.store.remove("activation", activation(emulator)["id"])


def recreated(emulator: Emulator) -> None:
    old = row(emulator)
    deactivated(emulator)
    emulator.store.remove("compartment", old["id"])
    new = emulator.store.add("compartment", "1185", {k: v for k, v in old.items() if k != "id"})
    emulator.store.add(
        "activation", "1509", {"datamart_id": "1509", "compartment_id": new["id"], "default": False}
    )


def doubled(emulator: Emulator) -> None:
    emulator.store.add("compartment", "1185", {k: v for k, v in row(emulator).items() if k != "id"})


def archived(emulator: Emulator) -> None:
    emulator.store.update("compartment", row(emulator)["id"], {"archived": True})


def another_token(emulator: Emulator) -> None:
    emulator.store.update("compartment", row(emulator)["id"], {"token": "taken"})


def datamart_archived(emulator: Emulator) -> None:
    emulator.store.update("datamart", "1509", {"archived": True})


@pytest.mark.parametrize(
    "happens", [deactivated, recreated, doubled, archived, another_token, datamart_archived]
)
@pytest.mark.parametrize("only", [[], ["--only", "loads"]], ids=["whole", "loads"])
def test_a_load_whose_requirements_moved_is_refused(
    happens: Callable[[Emulator], None], only: list[str], emulator: Emulator, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "ws", emulator.url)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(20)
    plan = str(tmp_path / "plan.json")
    assert workspace.run("plan", "--out", plan, *only).code == 0
    happens(emulator)
    before = len(emulator.writes())
    for command in (["apply", "--check", plan], ["apply", plan]):
        done = workspace.run(*command)
        assert done.code == 4, done
        assert "ProfileSource/customers@retail-fr" in done.out + done.err
    assert len(emulator.writes()) == before


@pytest.mark.parametrize("happens", [deactivated, archived, another_token, datamart_archived])
def test_what_moves_while_apply_runs_is_noticed_right_before_the_load_acts(
    happens: Callable[[Emulator], None], emulator: Emulator, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "ws", emulator.url)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(20)
    seen = [0]
    listing = emulator.store.listed

    def counting(kind: str, parent: str, **how: Any) -> Any:
        if kind == "import":  # asked for by plan, by the check before, and by the load itself
            seen[0] += 1
            if seen[0] == 3:
                happens(emulator)
        return listing(kind, parent, **how)

    emulator.store.listed = counting  # type: ignore[method-assign]
    done = workspace.run("apply", "--auto-approve")
    emulator.store.listed = listing  # type: ignore[method-assign]
    assert seen[0] >= 3
    assert done.code == 4, done
    assert emulator.imports("1509") == []
