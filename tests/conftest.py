"""Fixtures, and the two profiles of hypothesis."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill_what_runs

settings.register_profile(
    "quick", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "thorough", max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


QUICK = {"tables", "unit", "laws"}  # folders of pure functions; those of contract start servers


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m quick` does not even import the other folders' tests, and what they need."""
    other = collection_path.is_dir() and collection_path.parent == Path(__file__).parent
    return True if config.option.markexpr == "quick" and other and collection_path.name not in QUICK else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m quick` selects by folder, and leaves out what asks a sandbox or is marked as slow: the answer comes soonest."""
    for item in items:
        served = "emulator_with" in getattr(item, "fixturenames", ())
        if item.path.parent.name in QUICK and not served and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.quick)


def pytest_sessionfinish() -> None:
    """The database server that tests of this process may have started."""
    if module := sys.modules.get("tests.support.postgres"):
        module.stop()


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of the workspaces of tests lies beside them, wherever the suite runs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache-home"))
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def emulator_with(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Make an emulator with some switches set."""
    made: list[Emulator] = []

    def make(seed: dict[str, Any] | None = None, **switches: Any) -> Emulator:
        made.append(Emulator(tmp_path / f"emulator{len(made)}", seed, **switches))
        return made[-1]

    yield make
    for emulator in made:
        emulator.stop()


@pytest.fixture
def emulator(emulator_with: Callable[..., Emulator]) -> Emulator:
    """An emulator with the default switches."""
    return emulator_with()


@pytest.fixture(autouse=True)
def _nothing_outlives_its_test() -> Iterator[None]:
    yield
    kill_what_runs()


@pytest.fixture
def workspace(tmp_path: Path, emulator: Emulator) -> Workspace:
    """A workspace that talks to `emulator`."""
    return Workspace(tmp_path / "ws", emulator.url)
