"""What is found when a source is read is told at the part of its spec that it is about."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.bulk.records.columns import require_columns, require_text
from reconciler.errors import LedgerFailed, MissingExtra, ReconcilerError, WrongColumn
from reconciler.model.address import Span
from reconciler.model.desired import DesiredLoad
from reconciler.model.load import Broken, Scan
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.expectation_findings import change_findings, expectation_findings
from reconciler.planning.loads.unreadable import unreadable
from reconciler.spec.source_places import columns
from reconciler.workflows.check import check
from tests.support.specs import FILES, write

SPEC = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm}
spec:
  files: [data/*.csv]
  datamarts: all
  identify_by:
    - {compartment: loyalty, user_account_id: account}
  types: {age: integer}
  send: changed
  gone: delete
  duplicates: refuse
  profile:
    rename: {town: city}
    exclude: [note]
  expect:
    - {field: city, not_null: true, in: [Lyon, Paris]}
    - {min_rows: 5}
    - {max_change_percent: 10}
    - {max_change_percent: 10, severity: warn}
"""


@pytest.fixture
def load(tmp_path: Path) -> DesiredLoad:
    found = check(write(tmp_path, {**FILES, "specs/crm.yaml": SPEC}), {}, {})
    assert found.ok, found.diagnostics
    return next(iter(found.desired().loads.values()))


def under(load: DesiredLoad, why: ReconcilerError) -> str:
    """The text that a finding underlines."""
    span = unreadable(load, why).span
    assert span is not None
    return text(span)


def text(span: Span) -> str:
    """What a span underlines."""
    return SPEC.splitlines()[span.line - 1][span.column - 1 :][: span.length]


@pytest.mark.parametrize("column", ["account", "age", "town", "note"])
def test_a_column_that_is_not_there_is_underlined_where_it_is_named(load: DesiredLoad, column: str) -> None:
    assert under(load, WrongColumn("x", column=column)) == column


SAME = SPEC.replace("{town: city}", "{age: city}")


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (None, "types: {age: integer}"),
        ("types", "types: {age: integer}"),
        ("profile", "rename: {age: city}"),
        ("owner", "files: [data/*.csv]"),
    ],
)
def test_a_column_that_several_fields_name_is_told_at_the_one_that_is_meant(
    tmp_path: Path, field: str | None, line: str
) -> None:
    found = check(write(tmp_path, {**FILES, "specs/crm.yaml": SAME}), {}, {})
    load = next(iter(found.desired().loads.values()))
    span = unreadable(load, WrongColumn("x", column="age", field=field)).span
    assert span is not None
    assert SAME.splitlines()[span.line - 1].strip() == line


@pytest.mark.parametrize(
    ("more", "column", "field"),
    [
        ({"types": {"age": "integer"}}, "age", "types"),
        ({"rename": {"a": "b"}}, "a", "profile"),
        ({"rename": {"b": "a"}}, "b", "profile"),
        ({"rename": {"b": "a.x"}}, "b", "profile"),
        ({"exclude": ("c",)}, "c", None),
        ({"include": ("c",)}, "c", None),
    ],
)
def test_what_does_not_fit_a_table_carries_its_column(
    load: DesiredLoad, more: dict[str, Any], column: str, field: str | None
) -> None:
    plain = replace(load.definition, format="csv", types={}, rename={}, exclude=())
    source = replace(plain, **more)
    with pytest.raises(WrongColumn) as why:
        _require(source)
    assert (why.value.column, why.value.field) == (column, field)


def _require(source: SourceDefinition) -> None:
    require_columns(["account", "a", "b", "age"], source, "x.csv")
    require_text(["age"], source, "x.csv")


def test_every_column_that_a_spec_names_is_found() -> None:
    owned = {
        "identify_by": {"user_agent_id": "agent"},
        "owner": {"compartment": "a", "user_account_id": "who"},
        "operation": {"column": "op", "upsert": "U", "delete": "D"},
        "profile": {"include": ["x.y"]},
    }
    assert [(".".join(map(str, path)), name) for path, name, _ in columns(owned)] == [
        ("identify_by.user_agent_id", "agent"),
        ("owner.user_account_id", "who"),
        ("operation.column", "op"),
        ("profile.include.0", "x.y"),
    ]
    hashed = {
        "identify_by": [{"email_hash": {"column": "mail", "hash": "sha256"}}, {"user_agent_id": "agent"}]
    }
    assert [path for path, _, _ in columns(hashed)] == [
        ("identify_by", 0, "email_hash", "column"),
        ("identify_by", 1, "user_agent_id"),
    ]


def test_what_no_file_is_to_blame_for_is_not_told_of_files(load: DesiredLoad) -> None:
    assert under(load, MissingExtra("gone: delete", "delta")) == "delete"
    assert under(load, MissingExtra("Parquet sources", "files")) == "[data/*.csv]"
    assert under(load, ReconcilerError("no file matches")) == "[data/*.csv]"
    assert under(load, WrongColumn("x", column="unknown")) == "[data/*.csv]"
    assert unreadable(load, LedgerFailed("cannot be opened")).span is None


def test_an_expectation_is_told_at_its_own_check(load: DesiredLoad) -> None:
    lines = [f.span.line for f in change_findings(load, 50, 100) if f.span]
    assert [SPEC.splitlines()[n - 1].strip() for n in lines] == [
        "- {max_change_percent: 10}",
        "- {max_change_percent: 10, severity: warn}",
    ]
    assert load.places is not None
    assert [text(load.places.of_expectation(n)) for n in range(4)] == [
        "not_null",
        "in",
        "min_rows",
        "max_change_percent",
    ]


def test_a_field_that_no_row_has_a_value_in_is_underlined_itself(load: DesiredLoad) -> None:
    empty = Scan("", (), (), 9, 9, 9, 9, 0, 0, True, expectations=(Broken(0, 0, ()),) * 5)
    spans = [f.span for f in expectation_findings(load, empty)]
    assert [text(s) for s in spans if s] == ["city", "city"]
    broken = Scan("", (), (), 9, 9, 9, 9, 0, 0, True, expectations=(Broken(1, 9, ()),) * 5)
    spans = [f.span for f in expectation_findings(load, broken)][:2]
    assert [text(s) for s in spans if s] == ["not_null", "in"]
