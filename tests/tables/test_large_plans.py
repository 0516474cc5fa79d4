"""A plan of any size is read in a minute: text grows with what differs, not with datamarts; nothing that is counted is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.load import Reject
from reconciler.model.plan import Change, LoadChange, ResourceChange
from reconciler.reports.findings.text import render as render_findings
from reconciler.reports.plan import text
from reconciler.reports.style import Style
from tests.tables.test_plan_decision import plan

MARTS = [f"retail-{n:03d}" for n in range(40)]
SCREEN = 40


def load(datamart: str, lines: int, *, source: str = "crm", reason: str = "first load") -> LoadChange:
    return LoadChange(
        address=f"ProfileSource/{source}@{datamart}", datamart=datamart, datamart_id="1", generation=1, source_digest="d",
        load_digest="d", chunks=1, lines=lines, bytes=lines * 100, upserts=lines, deletes=0, rejected=0, replay_safe=True,
        unfinished={}, actions=("execute",), reason=reason,
    )  # fmt: skip


def compartment(key: str, verb: str) -> ResourceChange:
    before, after = {"token": key, "name": key}, {"token": key, "name": f"{key} programme"}
    change = Change(actions=(verb,), before=before if verb == "update" else None, after=after)
    return ResourceChange(
        address=f"Compartment/{key}", kind="Compartment", change=change, reason="because", origin="s.yaml:1"
    )


def activation(key: str, datamart: str) -> ResourceChange:
    change = Change(actions=("create",), before=None, after={"datamart_id": "1", "compartment_id": "2"})
    return ResourceChange(
        address=f"Activation/{key}@{datamart}", kind="Activation", change=change, reason=f"not active on {datamart}"
    )  # fmt: skip


def shown(changes: list[ResourceChange], loads: list[LoadChange]) -> list[str]:
    made = plan(0, 0, 0, errored=False)
    summary = replace(made.summary, create=len(changes), execute=len(loads))
    return text.render(
        replace(made, resource_changes=tuple(changes), loads=tuple(loads), summary=summary), Style()
    ).splitlines()


def test_forty_datamarts_and_three_hundred_changes_fit_three_screens() -> None:
    changes = [compartment(f"c{n}", verb) for verb in ("create", "update") for n in range(7)]
    changes += [activation(f"c{n}", mart) for n in range(7) for mart in MARTS]
    loads = [load(mart, 1000 + n, source=s) for s in ("crm", "orders") for n, mart in enumerate(MARTS)]
    lines = shown(changes, loads)
    assert len(lines) <= 3 * SCREEN, "\n".join(lines)
    assert max(len(line) for line in lines) <= 80
    assert any("create on all 40 datamarts of this plan" in line for line in lines)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_a_table_of_loads_adds_up(counts: list[int]) -> None:
    lines = shown([], [load(f"dm-{n}", lines) for n, lines in enumerate(counts)])
    told = "\n".join(lines)
    if len(set(counts)) > 4:
        assert f"{sum(counts):,} rows read" in told  # more than four numbers that differ: never one row
        rows = [int(m[1].replace(",", "")) for m in re.finditer(r"dm-\d+ +1 +([\d,]+) +0 +1 ", told)]
        left = re.search(r"and (\d+) smaller ones?: ([\d,]+) rows?", told)
        assert len(rows) + (int(left[1]) if left else 0) == len(counts)
        assert sum(rows) + (int(left[2].replace(",", "")) if left else 0) == sum(counts)
    elif len(counts) <= 4:
        assert all(f"dm-{n}  execute load 1" in told for n in range(len(counts)))
    else:
        assert " rows read: " in told


def test_reasons_that_differ_are_counted() -> None:
    loads = [load(m, n, reason="first load" if n < 3 else f"content changed on {m}") for n, m in enumerate(MARTS)]  # fmt: skip
    told = "\n".join(shown([], loads))
    assert "because: content changed there (37 datamarts)" in told
    assert "because: first load (3 datamarts)" in told


def small(datamart: str, rows: int) -> Diagnostic:
    return warning("small-source", f"{rows} rows; few", Span("s.yaml", 5, 10), address=f"ProfileSource/crm@{datamart}")  # fmt: skip


def test_warnings_of_one_kind_and_source_are_one_and_errors_are_not() -> None:
    many = [small(mart, n) for n, mart in enumerate(MARTS)]
    said = render_findings(many, lambda path, line: None, Style())
    assert said.count("[small-source]") == 1
    assert "and 39 other datamarts" in said
    errors = [error("bad-lines", f"{n} rows are rejected", address=d.address) for n, d in enumerate(many)]
    assert render_findings(errors, lambda path, line: None, Style()).count("[bad-lines]") == 40


@pytest.mark.parametrize(
    ("reason", "column", "where"),
    [
        ("column 'points' is not of the type integer", "points", "a.csv:7 row 6"),
        ("holds NULL", "points", "a.csv:7 row 6 column 'points'"),
        ("is blank", None, "a.csv:7 row 6"),
    ],
)
def test_a_column_is_named_once(reason: str, column: str | None, where: str) -> None:
    assert Reject("a.csv", 7, "line-type", reason, 6, column).where == where
