"""What exists and no spec declares is counted, named on request, and never touched."""

import json
from collections.abc import Callable
from pathlib import Path

from reconciler.model.plan import Unmanaged
from reconciler.reports.unmanaged import rows, sentence
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


def test_plan_and_drift_count_what_no_spec_declares(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    line = "2 compartments, 2 activations are unmanaged (see `plan --show-unmanaged`)."
    for command in ("plan", "drift"):
        done = workspace.run(command)
        assert (done.code, line in done.out) == (0, True), done
        shown = workspace.run(command, "--show-unmanaged")
        assert "compartment 1000 'default' ('Default'), active on retail-fr" in shown.out, shown
        assert "compartment 1001 'default-de', active on retail-de" in shown.out, shown
    assert "2 compartments, 2 activations are unmanaged." in workspace.run("plan", "-o", "markdown").out
    assert "compartment 1000 &#39;default&#39;" in workspace.run("plan", "-o", "html").out
    made = json.loads(workspace.run("plan", "-o", "json").out)
    assert [(u["kind"], u["compartment_id"], u["datamart"]) for u in made["unmanaged"]] == [
        ("Compartment", "1000", None),
        ("Compartment", "1001", None),
        ("Activation", "1000", "retail-fr"),
        ("Activation", "1001", "retail-de"),
    ]


def test_reasons_stand_in_the_workspace_file(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    file = workspace.root / "reconciler.yaml"
    file.write_text(file.read_text() + '  ignore: [{token: default, reason: old}, {id: "1001", reason: x}]\n')
    done = workspace.run("plan", "--show-unmanaged")
    assert "4 unmanaged objects ignored, as reconciler.yaml says." in done.out, done
    assert "ignored: old" in done.out, done
    file.write_text(file.read_text().replace(", reason: x", ""))
    assert workspace.run("validate").code == 1


def test_a_narrowed_plan_says_nothing_of_what_it_did_not_look_at(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(3)
    assert workspace.run("apply", "--auto-approve").code == 0
    for flags in (("--datamart", "retail-fr"), ("--only", "loads"), ("--target", "Compartment/loyalty")):
        done = workspace.run("plan", *flags)
        assert (done.code, "unmanaged" in done.out) == (0, False), done
    assert "unmanaged" in workspace.run("plan", "--only", "config").out


def test_a_listing_that_fails_is_not_counted(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    path = "/v1/datamarts/1510/compartments"
    emulator.fault({"method": "GET", "path": path, "do": "status", "status": 500, "times": 0})
    done = workspace.run("plan")
    assert (done.code, "2 compartments, 1 activation are unmanaged" in done.out) == (1, True), done


def test_without_compartments_nobody_knows_whose_activations_are(
    workspace: Workspace, emulator: Emulator
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    path = "/v1/user_account_compartments"
    emulator.fault({"method": "GET", "path": path, "do": "truncate", "times": 0})
    for command in ("plan", "drift"):
        done = workspace.run(command)
        assert (done.code, "unmanaged" in done.out) == (1, False), done


def test_of_two_with_one_token_none_is_called_unmanaged(
    emulator_with: Callable[..., Emulator], tmp_path: Path
) -> None:
    twins = [{"id": i, "organisation_id": "1185", "token": "loyalty", "name": i} for i in ("31", "32")]
    seed = {
        "datamarts": [{"id": "1509", "name": "FR", "organisation_id": "1185"}, {"id": "1510", "name": "DE", "organisation_id": "1185"}],
        "compartments": twins,
        "activations": [{"datamart_id": "1509", "compartment_id": t["id"]} for t in twins],
    }  # fmt: skip
    workspace = Workspace(tmp_path / "ws", emulator_with(seed).url)
    spec = workspace.root / "specs/loyalty.yaml"
    pinned = spec.read_text().replace("token: loyalty,", 'token: loyalty, id: "31",')
    done = workspace.run("plan")
    assert (done.code, "unmanaged" in done.out, "31" in done.err and "32" in done.err) == (1, False, True), (
        done
    )
    spec.write_text(pinned)
    chosen = json.loads(workspace.run("plan", "-o", "json").out)["unmanaged"]
    assert [(u["kind"], u["compartment_id"]) for u in chosen] == [("Compartment", "32"), ("Activation", "32")]


def test_counts_in_words() -> None:
    one = Unmanaged(kind="Activation", compartment_id="7", token="t", name=None, datamart="fr")
    assert sentence([]) is None
    assert sentence([one]) == "1 activation is unmanaged."
    assert list(rows([one])) == ["activations of compartment 7 't', active on fr"]


def test_coverage_shows_defaults_that_no_spec_declares(workspace: Workspace, emulator: Emulator) -> None:
    """The default of retail-de is nobody's; that of retail-fr becomes loyalty's, and loses a compartment that is nobody's."""
    rows = {line.split("|")[1].strip(): line for line in markdown(workspace)}
    de, fr = "`default-de #1001` (unmanaged)", "`default #1000` (unmanaged)"
    assert rows[de].split("|")[2:4] == [" default ", "  "]
    assert rows[fr].split("|")[2:4] == ["  ", " default "]
    assert workspace.run("apply", "--auto-approve").code == 0
    rows = {line.split("|")[1].strip(): line for line in markdown(workspace)}
    assert (de in rows, fr in rows) == (True, False)
    # An activation of a declared compartment that its spec does not declare is there, too.
    spec = workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text().replace("activations: all", "activations: [retail-fr]"))
    (row,) = [line for line in markdown(workspace) if "`loyalty`" in line]
    assert row.split("|")[2:4] == [" active ", " default "]


def markdown(workspace: Workspace) -> list[str]:
    """Rows of the coverage: compartment, retail-de, retail-fr."""
    text = workspace.run("plan", "-o", "markdown").out
    return [
        line
        for line in text.split("### Coverage", 1)[1].split("###")[0].splitlines()
        if line.startswith("| `")
    ]
