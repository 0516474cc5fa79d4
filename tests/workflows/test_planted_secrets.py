"""Nothing that was planted comes out, whatever the platform, a file, a database or the environment says (G9).

A part of the scenarios; all of them with PLANTED=all, or by `python -m tests.benchmarks.planted`.
"""

import os
from pathlib import Path

import pytest

from tests.support.planted import LOCAL, REMOTE, Scenario, run

SAMPLE = [x for x in LOCAL if x.name in ("rollout", "watch: names", "schema: a comment")]
WHOLE = os.environ.get("PLANTED") == "all"


@pytest.mark.parametrize("scenario", LOCAL if WHOLE else (*LOCAL[:8:3], *SAMPLE), ids=lambda s: s.name)
def test_nothing_of_sources_and_settings_comes_out(scenario: Scenario, tmp_path: Path) -> None:
    planted, found = run(scenario, tmp_path)
    assert planted
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scenario", REMOTE if WHOLE else REMOTE[5::40], ids=lambda s: s.name)
def test_nothing_that_the_platform_says_comes_out(scenario: Scenario, tmp_path: Path) -> None:
    _, found = run(scenario, tmp_path)
    assert not found, "\n".join(found)
