"""`explain` knows every field, every code and every exit code; the reference page is what the schema says."""

import json
import re
from pathlib import Path

import pytest
import yaml

from reconciler.cli import exit_codes
from reconciler.cli.commands.explain import run_explain
from reconciler.errors import UsageError
from reconciler.model.exit_code import Exit
from reconciler.reports import fields as report
from reconciler.reports.style import Style
from reconciler.spec.fields import fields
from reconciler.spec.row_codes import ROW_CODES
from reconciler.spec.schema import KINDS, schema_text

ROOT = Path(__file__).parents[2]
FIELDS = {f.path: f for f in fields()}


def names(schema: object) -> set[str]:
    """Names of all fields in a schema, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(names, schema))
    if not isinstance(schema, dict):
        return set()
    found = set(schema.get("properties", {})) if isinstance(schema.get("properties"), dict) else set()
    return found.union(*(names(v) for k, v in schema.items() if k not in ("examples", "required")))


def test_every_field_of_the_schema_is_explained() -> None:
    schema = json.loads(schema_text())["definitions"]
    rules = set(schema["Workspace"]["properties"]["spec"]["properties"]["rules"]["properties"])
    wanted = names(schema) - rules - {"apiVersion", "kind", "metadata", "spec"}
    there = {re.sub(r"\[\]$", "", p.rpartition(".")[2]) for p in FIELDS}
    assert wanted - there == {"datamarts", "except"} - there
    assert {f.kind for f in FIELDS.values()} == set(KINDS)


@pytest.mark.parametrize("field", FIELDS.values(), ids=list(FIELDS))
def test_a_field_says_its_type_what_it_does_and_an_example(field) -> None:
    assert field.type
    assert field.about
    assert field.examples or field.path == "Workspace.rules.*"
    assert "Default:" not in field.about
    text = report.one(field, [], Style())
    assert text.startswith(field.path)
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith((field.path, "    ")))
    name = field.path.rpartition(".")[2].removesuffix("[]")
    shown = [line for line in text.splitlines() if line.startswith(f"    {name}:")]
    assert [yaml.safe_load(line)[name] for line in shown if name != "*"] == list(field.examples)


def test_every_code_of_a_row_is_explained_and_used() -> None:
    used = set()
    for path in (ROOT / "reconciler/bulk").rglob("*.py"):
        used |= set(re.findall(r'"(line-[a-z-]+)"', path.read_text()))
    assert used | {"line-superseded"} == set(ROW_CODES)
    assert all(
        not x.title[0].islower() and not x.title.endswith(".") and x.fix.endswith(".")
        for x in ROW_CODES.values()
    )


def test_every_exit_code_is_explained() -> None:
    assert set(Exit) == set(exit_codes.MEANINGS)


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("ProfileSource.csv", "ProfileSource.csv.delimiter"),
        ("ProfileSource.spec.csv.delimiter", "default: a comma"),
        ("ProfileSource", "ProfileSource.identify_by"),
        ("Rollout.waves[].gates", "max_failed_lines_percent"),
        ("Workspace.guards.from", "The percentages hold"),
        ("line-type", "is not sent"),
        ("compartment", "Compartment.activations"),
        ("datamart", "Datamarts."),
        ("activation", "Compartment.activations"),
        ("wave", "Rollout.waves"),
        ("4", "exit code 4: Refused"),
        ("small-source", "warning[small-source]"),
    ],
)
def test_a_topic(topic: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_explain(topic, "text", no_color=True) == 0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("ProfileSource.cvs", "ProfileSource.csv"),
        ("line-typ", "line-type"),
        ("77", "lists the codes"),
        ("partial", "codes with it: load-partial"),
    ],
)
def test_an_unknown_topic_proposes_what_is_near(topic: str, near: str) -> None:
    with pytest.raises(UsageError) as error:
        run_explain(topic, "text", no_color=True)
    assert near in str(error.value.help)
