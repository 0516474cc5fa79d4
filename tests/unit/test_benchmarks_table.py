"""The table of the benchmarks, from rows that were planted."""

import importlib
import json
from typing import Any

import pytest

from tests.benchmarks import table
from tests.benchmarks.__main__ import BENCHMARKS, measured
from tests.benchmarks.shape import Missing, Row, Size, interleaved
from tests.support import performance

ROWS = (
    Row("validate, 10,000 files", 1.234, "s", "check-jsonschema", 40.0, most=1 / 15),
    Row("validate, 10,000 files", 1.234, "s", "octodns-validate", Missing("pip install octodns")),
    Row("upload of a file with a name that is longer than its column", 98.7, "MB/s", "curl", 100.0, least=0.99),
    Row("plan", 0.0004, "s", "import of several libraries, and of one more", 1234567.0),
)  # fmt: skip


def found(*rows: Row, error: str | None = None) -> dict[str, Any]:
    return {
        "format": 1,
        "date": "2026-01-02",
        "commit": "0123456789ab",
        "changed": False,
        "machine": {"cores": 2, "processor": "some", "memory_gb": 8.0, "system": "Linux", "python": "3", "load": 0.5},
        "size": "full",
        "sizes": {"rounds": 3},
        "benchmarks": [{"name": "one", "seconds": 1.0, "rows": [r.plain() for r in rows], "error": error}],
    }  # fmt: skip


def test_no_line_of_the_text_is_longer_than_80_columns() -> None:
    assert all(len(line) <= 80 for line in table.text(found(*ROWS, error="word " * 60)).splitlines())


def test_every_word_of_a_row_is_in_the_text() -> None:
    words = table.text(found(*ROWS)).split()
    assert not {w for row in ROWS for w in f"{row.name} {row.peer}".split()} - set(words)


@pytest.mark.parametrize("render", [table.text, table.markdown])
def test_a_peer_that_is_not_installed_is_said_with_the_command_that_installs_it(render: Any) -> None:
    said = " ".join(render(found(*ROWS)).split())
    assert "octodns-validate: not installed; pip install octodns" in said


@pytest.mark.parametrize("render", [table.text, table.markdown])
def test_aims_are_counted_and_those_not_reached_are_named(render: Any) -> None:
    said = " ".join(render(found(*ROWS)).split())
    assert "Aims reached: 1 of 2." in said
    assert "Not reached: upload of a file with a name that is longer than its column (curl)." in said


def test_what_was_measured_is_said_once_for_several_peers() -> None:
    assert table.text(found(*ROWS)).count("validate, 10,000 files") == 1


@pytest.mark.parametrize("row", ROWS)
def test_a_row_survives_json(row: Row) -> None:
    plain = json.loads(table.as_json(found(row)))["benchmarks"][0]["rows"][0]
    assert Row.of(plain) == row


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.1234, "s", "123 ms"), (12.34, "s", "12.3 s"), (1234.5, "MB", "1,234 MB"), (0.0, "MB", "0 MB"), (40.0, "bytes", "40.0 B"),
        (2.5, "us", "2.50 µs"), (0.000012, "MB", "0.0000 MB"), (1391.0, "1/s", "1,391 /s"), (1032.0, "requests", "1,032"),
    ],
)  # fmt: skip
def test_amounts(value: float, unit: Any, said: str) -> None:
    assert table.amount(value, unit) == said


def test_works_are_interleaved_and_the_median_of_each_is_taken() -> None:
    order: list[str] = []
    values = {"a": iter([3.0, 1.0, 2.0]), "b": iter([10.0, 30.0, 20.0])}

    def work(name: str) -> float:
        order.append(name)
        return next(values[name])

    assert interleaved(3, {"a": lambda: work("a"), "b": lambda: work("b")}) == {"a": 2.0, "b": 20.0}
    assert order == ["a", "b"] * 3


def test_a_benchmark_that_fails_keeps_its_rows_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: Size) -> Any:
        yield ROWS[0]
        raise ValueError("no room")

    monkeypatch.setattr("tests.benchmarks.__main__.benchmark", lambda _: breaks)
    done = measured("plan", Size())
    assert ([Row.of(r) for r in done["rows"]], done["error"]) == ([ROWS[0]], "ValueError: no room")


def test_the_page_is_made_from_the_results_that_are_stored() -> None:
    assert performance.PAGE.read_text("utf-8") == performance.made(), "run: .ci/performance --page"


def test_what_is_measured_again_takes_the_place_of_what_was_and_says_when() -> None:
    old, new = found(ROWS[0]), found(ROWS[3]) | {"commit": "another"}
    old["benchmarks"].append({**old["benchmarks"][0], "name": "two"})
    made = performance.merged(old, new)
    one, two = made["benchmarks"]
    assert (Row.of(one["rows"][0]), one["measured"]["commit"]) == (ROWS[3], "another")
    assert (Row.of(two["rows"][0]), made["commit"]) == (ROWS[0], old["commit"])
    both = performance.merged(made, new | {"benchmarks": [{**new["benchmarks"][0], "name": "two"}]})
    assert both["commit"] == "another"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_name_is_a_function(name: str) -> None:
    module, function = BENCHMARKS[name]
    assert callable(getattr(importlib.import_module(f"tests.benchmarks.{module}"), function))
