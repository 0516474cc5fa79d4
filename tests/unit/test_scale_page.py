"""docs/explanation/scale.md quotes what examples/scale/simulate.py says."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/scale.md").read_text("utf-8")


@pytest.fixture(scope="module")
def simulate() -> Any:
    spec = importlib.util.spec_from_file_location("simulate", ROOT / "examples/scale/simulate.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules["simulate"] = made
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("name", ["volumes", "times", "breaks", "platforms"])
def test_the_page_has_the_tables_of_the_simulation(simulate: Any, name: str) -> None:
    quoted = re.search(rf"<!-- {name} -->\n\n(.*?)\n\n<!-- end -->", PAGE, re.DOTALL)
    assert quoted
    assert quoted[1] == simulate.TABLES[name](), "run: python examples/scale/simulate.py, and copy its tables"
    assert set(re.findall(r"<!-- (\w+) -->", PAGE)) == {*simulate.TABLES, "end"}


def test_every_assumption_of_the_page_is_the_simulations(simulate: Any) -> None:
    a = simulate.RUNNER
    stated = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| [^|]+ \|$", PAGE, re.MULTILINE))
    assert stated["size of a command"] == f"{a.command_bytes} bytes"
    assert stated["size of a chunk"] == f"{a.chunk_bytes // 10**6} MB"
    assert stated["rows on a page of a listing"] == str(a.page_rows)
    assert stated["requests that the platform answers"] == f"{a.requests_a_second:g} a second"
    assert stated["executions that run at once on a datamart"] == str(a.executions_at_once)
    assert stated["speed of one execution"].startswith(f"{a.execution_bytes_a_second / 1e6:g} MB/s")
    assert stated["reading, checking and cutting"].startswith(f"{a.core_bytes_a_second / 1e6:g} MB/s")
    assert stated["a line to the platform"].startswith(f"{a.line_bytes_a_second / 1e6:g} MB/s")
    assert stated["rows that change in a day"] == f"{simulate.DELTA.changed:.0%}".replace("%", " %")


def test_chunks_wait_for_a_free_place_in_their_order(simulate: Any) -> None:
    assert list(simulate.through([0.0, 0.0, 0.0, 10.0], 2, 3.0)) == [3.0, 3.0, 6.0, 13.0]


def test_a_night_is_never_shorter_than_its_slowest_part(simulate: Any) -> None:
    for size in simulate.SIZES[:3]:
        n = simulate.night(size, simulate.RUNNER)
        a = simulate.RUNNER
        assert n.total >= n.sent / (a.executions_at_once * a.execution_bytes_a_second)
        assert n.total >= n.reading + n.sent / a.line_bytes_a_second
