"""What stands where the name of a variable or a URL has to stand may be the secret itself: a finding, which does not show it."""

from pathlib import Path

import pytest

from reconciler.cli.output.console import source_lines
from reconciler.reports.findings.text import render
from reconciler.reports.style import PLAIN
from tests.support.specs import FILES, checked, codes

SECRET = "kqz9Secret"
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: crm}}
spec:
  datamarts: retail-fr
  identify_by: {{compartment: loyalty, user_account_id: id}}
{sql}
"""
HEAD = 'apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {name: example}\nspec:\n  organisation_id: "1185"\n  endpoint: "sandbox:"\n'


@pytest.mark.parametrize(
    "files",
    [
        *({"reconciler.yaml": f'{HEAD}  {name}: {{env: "{value}"}}\n'} for name in ("token", "plan_key", "index_key", "ledger") for value in (f"api:{SECRET}", f"{SECRET}==", f"{SECRET} x")),
        *(
            {"specs/crm.yaml": SOURCE.format(sql=sql)}
            for sql in (
                f"  sql: {{url: {SECRET}, query: select 1}}",
                f"  sql: {{url: 'u:{SECRET}@h/x', query: select 1}}",
                f"  sql:\n    url: >-\n      postgresql://u:\n      {SECRET}@h/x\n    query: select 1",
                f"  sql: {{url: {{env: 'postgresql://u:{SECRET}@h/x'}}, query: select 1}}",
            )
        ),
    ],
    ids=repr,
)  # fmt: skip
def test_it_is_a_finding_and_not_shown(tmp_path: Path, files: dict[str, str]) -> None:
    found = checked(tmp_path, files)
    assert "spec-secret" in codes(found)
    assert SECRET not in render(found.diagnostics, source_lines(tmp_path), PLAIN)


def test_a_field_that_sounds_like_a_secret_is_shown_without_its_value(tmp_path: Path) -> None:
    found = checked(
        tmp_path, {"specs/crm.yaml": SOURCE.format(sql=f"  files: [x.csv]\n  db_password: {SECRET}")}
    )
    assert "spec-unknown-field" in codes(found)
    assert SECRET not in render(found.diagnostics, source_lines(tmp_path), PLAIN)


@pytest.mark.parametrize("name", ["MICS_TOKEN", "crm-database", "a.b", "_x1"])
def test_names_of_variables(tmp_path: Path, name: str) -> None:
    assert codes(checked(tmp_path, {**FILES, "reconciler.yaml": f"{HEAD}  token: {{env: {name}}}\n"})) == []
