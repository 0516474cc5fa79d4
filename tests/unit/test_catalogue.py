"""Every code is explained, the examples are true, and what is made from the catalogue is up to date."""

import ast
import json
from pathlib import Path

import pytest

from reconciler.model.diagnostic import Severity
from reconciler.reports.rules import json as rules_json
from reconciler.spec.catalogue import Rule, catalogue
from reconciler.spec.documents import File, Positions
from reconciler.spec.schema import schema
from reconciler.spec.severities import OPT_IN
from tests.support.specs import checked, codes

ROOT = Path(__file__).parents[2]
RULES = catalogue()
SHOWN = [r for r in RULES.values() if r.bad]
# Bounds that an example would need megabytes to pass, a file that root can read anyway, and links.
WITHOUT_EXAMPLE = {
    "yaml-too-large",
    "yaml-too-many",
    "spec-unreadable",
    "spec-outside",
    "no-specs",
    "spec-look-alike",
}
# Who makes findings by another name: the code comes first there, too.
TWINS = {"documents.py": ("_bad", "_found"), "identifier_findings.py": ("_Said",)}


def emitted() -> set[str]:
    """Codes that stand in the program: the first argument of error(), warning() and Diagnostic(), or of a twin."""
    found: set[str] = set()
    for path in (ROOT / "reconciler").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("error", "warning", "Diagnostic", *TWINS.get(path.name, ())):
                    found |= {
                        c.value
                        for c in ast.walk(node.args[0])
                        if isinstance(c, ast.Constant) and isinstance(c.value, str)
                    }
    return found


def test_every_code_is_in_the_catalogue_and_every_entry_is_a_code() -> None:
    assert emitted() == set(RULES)


EVERY_OPTION = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: s, labels: {team: crm}}
spec:
  files: ["data/{datamart.labels.country}/*.csv", "more/*.csv.gz"]
  csv: {delimiter: ";", encoding: utf-8}
  datamarts: {country: [fr]}
  operation: {column: op, map: {U: UPSERT, D: DELETE}}
  identify_by: [{compartment: loyalty, user_account_id: customer_id}, {email_hash: hash}]
  owner: {compartment: loyalty, user_account_id: customer_id}
  types: {points: integer, newsletter: boolean}
  profile: {rename: {tier: loyalty_tier, city: address.city}, exclude: [internal], constants: {origin: crm}}
  update: {force_replace: true}
  bad_lines: {allow: 1%}
  expect: [{field: points, not_null: true}, {min_rows: 1}]
"""


@pytest.mark.parametrize("rule", SHOWN, ids=lambda r: r.code)
def test_the_bad_example_has_the_finding(rule: Rule, tmp_path: Path) -> None:
    verdict = checked(tmp_path, {name: text.encode(rule.encoding) for name, text in rule.bad.items()})
    assert rule.code in codes(verdict)
    found = next(d for d in verdict.diagnostics if d.code == rule.code)
    assert found.severity is rule.severity
    assert found.span is not None


@pytest.mark.parametrize("rule", SHOWN, ids=lambda r: r.code)
def test_the_good_example_has_none(rule: Rule, tmp_path: Path) -> None:
    assert rule.good
    assert checked(tmp_path, rule.good).diagnostics == ()


@pytest.mark.parametrize("rule", SHOWN, ids=lambda r: r.code)
def test_nothing_is_asked_for_positions_where_nothing_is_said(
    rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are made by composing a file a second time, which takes longer than all rules."""
    asked: list[str] = []
    monkeypatch.setattr(File, "positions", lambda file, _: asked.append(file.path) or Positions())
    assert checked(tmp_path, rule.good).diagnostics == ()
    assert asked == []


def test_a_source_with_every_option_is_composed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(File, "positions", lambda file, _: asked.append(file.path) or Positions())
    assert checked(tmp_path, {"specs/s.yaml": EVERY_OPTION}).diagnostics == ()
    assert asked == []


def test_only_plan_and_bounds_have_no_example() -> None:
    assert {r.code for r in RULES.values() if not r.bad and r.stage != "plan"} == WITHOUT_EXAMPLE


def test_the_schema_lists_the_rules_that_can_be_set() -> None:
    listed = schema()["definitions"]["Workspace"]["properties"]["spec"]["properties"]["rules"]["properties"]
    assert set(listed) == {r.code for r in RULES.values() if r.configurable}


def test_opt_in_rules_are_marked() -> None:
    assert {r.code for r in RULES.values() if r.opt_in} == OPT_IN


def test_errors_cannot_be_set() -> None:
    assert not any(r.configurable for r in RULES.values() if r.severity is Severity.ERROR)


def test_the_catalogue_as_data() -> None:
    assert [r["code"] for r in json.loads(rules_json.render(RULES.values()))["rules"]] == list(RULES)
