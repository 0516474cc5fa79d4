"""Lines that the remote refuses: found again in the source, accounted for, and sent again as a sub-load."""

import json
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Done, Workspace

BAD = ("c000003", "c000120", "c000121", "c000499")
SECRET = "canary-77aa"


def outcome(done: Done) -> dict[str, Any]:
    return next(o for o in json.loads(done.out)["outcomes"] if o["address"].startswith("ProfileSource"))


def partial(workspace: Workspace) -> list[str]:
    """What a plan warns of commands that failed; each warning names the command that sends them again."""
    found = [d for d in workspace.plan()["diagnostics"] if d["code"] == "load-partial"]
    assert all("`reconciler source retry customers --failed-lines`" in d["help"] for d in found)
    return [d["message"] for d in found]


def accounts(emulator: Emulator) -> set[str]:
    return {account for _, account, _ in emulator.profiles("1509")}


@pytest.fixture
def loaded(workspace: Workspace, emulator: Emulator) -> Workspace:
    """500 customers in several chunks, some lines refused, one rejected before."""
    workspace.customers(500, max_bytes=20_000)
    with (workspace.root / "specs/customers.yaml").open("a") as file:
        file.write("  bad_lines: {allow: 1}\n")
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write(",nobody\n")
    emulator.quarantine(*BAD)
    return workspace


@pytest.mark.parametrize("form", ["numbers", "echo"])
def test_they_are_placed_in_the_source_and_the_sets_add_up(
    form: str, loaded: Workspace, emulator: Emulator
) -> None:
    emulator.switch(error_file=form)
    done = loaded.run("apply", "--auto-approve", "-o", "json")
    assert done.code == 3
    found = outcome(done)
    assert [(x["path"], x["line"]) for x in found["failed_lines"]] == [
        ("data/customers.csv", int(a[1:]) + 2) for a in BAD
    ]
    assert "quarantine" in found["failed_lines"][0]["reason"]
    assert "somebody" not in done.out + done.err  # what is quoted may be a profile value
    c = found["counts"]
    assert (c["read"], c["succeeded"], c["failed"], c["not_processed"], c["rejected"]) == (501, 496, 4, 1, 1)
    assert c["read"] == c["succeeded"] + c["failed"] + c["not_processed"]
    shown = loaded.run("runs", "show")
    assert "--failed-lines` sends the failed commands again" in " ".join(shown.out.split())
    assert " resume`" not in shown.out
    assert "data/customers.csv:5" in shown.out
    assert "501 read = 500 to send + 1 rejected" in shown.out
    assert "496 succeeded + 4 failed + 0 not processed" in shown.out


def test_what_cannot_be_placed_is_said(loaded: Workspace, emulator: Emulator) -> None:
    emulator.switch(error_file="opaque")
    done = loaded.run("apply", "--auto-approve")
    assert done.code == 3
    assert "4 failed commands have no known row" in done.err
    again = loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    assert again.code == 0, again
    assert "4 failed commands are skipped" in again.err
    assert "There is no failed command to send again." in again.out


def test_an_error_file_that_cannot_be_fetched_costs_the_places_only(
    loaded: Workspace, emulator: Emulator
) -> None:
    emulator.fault({"path": "/v1/data_file/data", "do": "status", "status": 404, "times": 50})
    done = loaded.run("apply", "--auto-approve", "-o", "json")
    found = outcome(done)
    assert (done.code, found["counts"]["failed"], found["unplaced"], found["failed_lines"]) == (3, 4, 4, [])


def test_just_those_lines_are_sent_again(loaded: Workspace, emulator: Emulator) -> None:
    assert loaded.run("apply", "--auto-approve").code == 3
    emulator.quarantine(BAD[0])
    before = emulator.executions("1509")
    refused = loaded.run("source", "retry", "customers", "--failed-lines")
    assert refused.code == 1
    assert "4 failed commands of load 1" in refused.out
    assert "--auto-approve" in refused.err
    assert "--out" not in refused.err  # there is no plan of it to save
    assert partial(loaded) == ["load 1 is finished; 4 of its commands failed"]
    done = loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    assert done.code == 3, done
    new = {n: e for n, e in emulator.executions("1509").items() if n not in before}
    assert {n.split(".")[3:5] == ["g1", "r1"] for n in new} == {True}
    assert accounts(emulator) >= set(BAD[1:])
    assert BAD[0] not in accounts(emulator)
    assert loaded.run("plan", "--detailed-exitcode").code == 0  # a sub-load is no generation
    words = "4 of its commands failed; 3 of them were sent again and succeeded"
    assert partial(loaded) == [f"load 1 is finished; {words}"]

    emulator.quarantine()
    assert loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve").code == 0
    assert len([n for n in emulator.imports_named("1509") if ".g1.r2." in n]) == 2
    assert BAD[0] in accounts(emulator)
    assert partial(loaded) == []
    last = loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    assert (last.code, last.out.strip()) == (0, "There is no failed command to send again.")
    assert list((loaded.root / ".reconciler/spool").iterdir()) == []
    loaded.customers(500, max_bytes=20_000, mark="v2")
    assert loaded.run("apply", "--auto-approve").code == 0
    assert any(".g2." in n for n in emulator.imports_named("1509"))


def test_a_retry_is_refused_when_it_would_send_something_else(loaded: Workspace, emulator: Emulator) -> None:
    assert loaded.run("apply", "--only", "config", "--auto-approve").code == 0
    assert loaded.run("source", "retry", "customers", "--failed-lines").code == 4
    assert loaded.run("apply", "--auto-approve").code == 3
    loaded.customers(400, max_bytes=20_000)
    done = loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    assert done.code == 4, done
    assert "has rows to load" in done.err
    assert "corrected rows are sent with it" in " ".join(done.err.split())
    assert loaded.run("source", "retry", "customers").code == 64
    assert loaded.run("source", "retry", "nobody", "--failed-lines").code == 1


def test_a_retry_of_a_load_without_failed_commands_has_nothing_to_send(
    workspace: Workspace, emulator: Emulator
) -> None:
    """Bytes of the source that changed without changing a command are no reason to say that failed rows cannot be found."""
    workspace.customers(50)
    assert workspace.run("apply", "--auto-approve").code == 0
    path = workspace.root / "data/customers.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    done = workspace.run("source", "retry", "customers", "--failed-lines")
    assert (done.code, done.out.strip()) == (0, "There is no failed command to send again."), done


def test_a_source_is_read_for_a_retry_only_where_a_command_failed(loaded: Workspace) -> None:
    text = (loaded.root / "specs/customers.yaml").read_text()
    loaded.write(
        "specs/customers.yaml",
        text.replace("datamarts: retail-fr", "datamarts: all").replace(
            "data/*.csv", "data/{datamart.name}.csv"
        ),
    )
    rows = (loaded.root / "data/customers.csv").read_text()
    loaded.write("data/retail-fr.csv", rows)
    loaded.write("data/retail-de.csv", "id,tier\nd1,gold\n")
    assert loaded.run("apply", "--auto-approve").code == 3
    (loaded.root / "data/retail-de.csv").unlink()
    ask = ("source", "retry", "customers", "--failed-lines", "--auto-approve")
    none = loaded.run(*ask, "--datamart", "retail-de")
    assert (none.code, none.out.strip()) == (0, "There is no failed command to send again."), none
    again = loaded.run(*ask)
    assert (again.code, "failed commands of load 1" in again.out) == (3, True), again


def test_a_retry_that_was_cut_off_is_finished_by_the_next(loaded: Workspace, emulator: Emulator) -> None:
    assert loaded.run("apply", "--auto-approve").code == 3
    emulator.quarantine()
    emulator.fault({"method": "POST", "path": "/executions", "do": "status", "status": 503, "times": 50})
    cut = loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    assert cut.code == 3, cut
    emulator.fault()
    loaded.forget_ledger()
    done = loaded.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    assert done.code == 0, done
    assert accounts(emulator) >= set(BAD)
    assert all(len(e) == 1 for n, e in emulator.executions("1509").items() if "sealed" not in n)
    assert not [n for n in emulator.imports_named("1509") if ".r2." in n]


def test_silently_dropped_lines_are_counted_apart(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(1000)
    emulator.sandbox.processor.dropped = {"c000001", "c000002"}
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "998 succeeded + 0 failed + 2 not processed" in done.err
    assert "accounts for 2 commands as neither accepted nor failed" in " ".join(done.err.split())
