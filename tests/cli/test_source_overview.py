"""`source check` of a source for many datamarts."""

from pathlib import Path

import pytest

from tests.support.workspace import Workspace

SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm}
spec:
  files: ["{datamart.name}.csv"]
  datamarts: all
  identify_by: {compartment: loyalty, user_account_id: id}
  update: {force_replace: true}
"""


@pytest.mark.parametrize(("count", "tables"), [(4, 0), (5, 1)])
def test_a_few_datamarts_are_shown_one_by_one(count: int, tables: int, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "http://127.0.0.1:9")
    markets = "".join(f'  m{n}: {{id: "{2000 + n}"}}\n' for n in range(count))
    head = "apiVersion: reconciler/v1\nkind: Datamarts\nmetadata: {name: m}\nspec:\n"
    workspace.write("specs/datamarts.yaml", head + markets)
    workspace.write("specs/crm.yaml", SOURCE)
    for n in range(count):
        workspace.write(f"m{n}.csv", "id,tier\n" + "a,1\n" * (n + 1))
    done = workspace.run("source", "check", "crm")
    assert done.code == 0, done
    assert done.out.count("ProfileSource/crm") == (1 if tables else count)
    assert ("--datamart NAME" in done.err) is bool(tables)
