"""With `duplicates: keep_last`: of whom an earlier row is sent because a later one is rejected, against the plain rule."""

import csv
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.scan import scan
from reconciler.model.source import Identifier, SourceDefinition
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("*.csv",), format="csv", duplicates="keep_last", types={"n": "integer"},
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "1"},
)  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=30), st.integers(1, 3)
)
def test_whoever_has_a_good_row_before_a_bad_one_is_counted(rows: list[tuple[str, bool]], files: int) -> None:
    last_good = {who: n for n, (who, good) in enumerate(rows) if good}
    late = [who for n, (who, good) in enumerate(rows) if not good and last_good.get(who, n) < n]
    with tempfile.TemporaryDirectory() as folder:
        for part in range(files):
            with (Path(folder) / f"{part}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["id", "n"])
                some = rows[part * len(rows) // files : (part + 1) * len(rows) // files]
                writer.writerows((who, "1" if good else "x") for who, good in some)
        found = scan(Path(folder), SOURCE).overtaken
        assert scan(Path(folder), replace(SOURCE, duplicates="off")).overtaken is None
    assert (found.identities, found.commands) == (len(set(late)), len(late)) if found else not late


def test_every_report_names_both_rows(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write("data/a.csv", "id,tier,n\nu1,a,1\nu2,b,2\nu1,c,x\n")
    more = "  duplicates: keep_last\n  types: {n: integer}\n  bad_lines: {allow: %s}\n"
    workspace.write("specs/customers.yaml", CUSTOMERS + more % "5")
    both = "data/a.csv:2 is sent; data/a.csv:4 is rejected"
    (told,) = [d for d in workspace.plan()["diagnostics"] if d["code"] == "earlier-row-sent"]
    assert (told["severity"], told["message"].endswith(both)) == ("warning", True)
    for command in (("plan", "--full"), ("source", "check", "customers")):
        done = workspace.run(*command)
        assert both in done.out + done.err, done
    for form in ("html", "json"):
        assert both in workspace.run("source", "check", "customers", "-o", form).out
        assert both in workspace.run("plan", "-o", form).out
    assert "u1" not in json.dumps(told)
    workspace.write("specs/customers.yaml", CUSTOMERS + more % "0")
    assert "earlier-row-sent" not in json.dumps(workspace.plan()["diagnostics"])
