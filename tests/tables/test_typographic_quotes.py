"""Typographic quotes around a text are told of where the rule is enabled; a misspelt field is one error."""

from pathlib import Path

import pytest

from reconciler.spec.quotes import enclosed, quoted
from reconciler.workflows.validate import validate

SETTINGS = """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {{name: shop}}
spec: {{organisation_id: "1185", {rules}}}
"""
ENABLED = "rules: {typographic-quotes: warning}"


def codes(root: Path, spec: str, rules: str) -> list[str]:
    (root / "specs").mkdir(exist_ok=True)
    (root / "reconciler.yaml").write_text(SETTINGS.format(rules=rules), "utf-8")
    (root / "specs/x.yaml").write_text("apiVersion: reconciler/v1\n" + spec, "utf-8")
    return [d.code for d in validate(root, {}, {}).diagnostics]


@pytest.mark.parametrize("pair", ["“”", "‘’", "„“", "«»", "””", "‹›"])  # noqa: RUF001
def test_quotes_of_every_kind_around_a_name(pair: str, tmp_path: Path) -> None:
    spec = f"kind: Compartment\nmetadata: {{name: vip}}\nspec: {{name: {pair[0]}VIP{pair[1]}, token: vip}}\n"
    assert codes(tmp_path, spec, ENABLED) == ["typographic-quotes"]
    assert codes(tmp_path, spec, 'endpoint: "sandbox:"') == []


@pytest.mark.parametrize(
    "text",
    ["VIP", "the “VIP” club", "customers’", "’tis", '"VIP"', "’", "", "d’été", "“VIP” club"],  # noqa: RUF001
)
def test_quotes_within_a_name_are_meant(text: str) -> None:
    assert not enclosed(text)
    assert quoted(text) is text.startswith("“")


@pytest.mark.parametrize("written", ["fiels", "file", "fils"])
def test_a_misspelt_field_is_one_error(written: str, tmp_path: Path) -> None:
    spec = f'kind: ProfileSource\nmetadata: {{name: s}}\nspec: {{{written}: ["a.ndjson"], datamarts: all}}\n'
    assert codes(tmp_path, spec, ENABLED) == ["spec-unknown-field"]


def test_a_field_that_is_missing_is_still_told_of(tmp_path: Path) -> None:
    spec = "kind: ProfileSource\nmetadata: {name: s}\nspec: {colour: red, datamarts: all}\n"
    assert codes(tmp_path, spec, ENABLED) == ["spec-missing-field", "spec-unknown-field"]
