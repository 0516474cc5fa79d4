"""Sources with `gone: delete`: profiles of customers who left the export are deleted, and nobody else's."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace
from tests.workflows.test_delta_loads import applied, counts, customers, export, indexes, planned, stored

KEEP = CUSTOMERS + "  duplicates: refuse\n  send: changed\n"
DELETE = KEEP + "  gone: delete\n"
IDENTITIES = "-identities"


def night(workspace: Workspace, rows: dict[str, str], *, source: str = DELETE) -> dict[str, Any]:
    export(workspace, rows, source=source)
    return planned(workspace)


def test_a_check_compares_with_the_index_as_the_plan_does(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(30)
    export(workspace, rows, source=DELETE)
    applied(workspace)
    del rows["c000003"]
    rows["c000001"] = "v2"
    export(workspace, rows, source=DELETE)
    checked = json.loads(workspace.run("source", "check", "customers", "-o", "json").out)
    (found,) = (d["message"] for d in checked["diagnostics"] if d["code"] == "delta-preview")
    told = "compared with the sent index of load 1: 0 added, 1 changed, 28 unchanged, 0 retried, 1 no longer in the source"
    assert found.startswith(told)
    assert counts(planned(workspace))[:3] == (0, 1, 28)


def identities(workspace: Workspace) -> list[Path]:
    return [p for p in indexes(workspace) if p.name.endswith(IDENTITIES)]


def codes(workspace: Workspace) -> list[str]:
    return [d["code"] for d in workspace.plan()["diagnostics"]]


def test_who_left_is_deleted_and_who_comes_back_is_added(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(40)
    night(workspace, rows)
    applied(workspace)
    assert (len(indexes(workspace)), len(identities(workspace))) == (2, 1)

    left = {a: rows.pop(a) for a in ("c000003", "c000017", "c000039")}
    rows["c000005"] = "v2"
    load = night(workspace, rows)
    assert (load["upserts"], load["deletes"], load["lines"]) == (1, 3, 37)
    assert (load["delta"]["gone"], load["delta"]["deleted"]) == (3, 3)
    for form in ("text", "markdown", "html"):
        shown = " ".join(workspace.run("plan", "-o", form).out.split())
        assert "3 no longer in the source (3 deleted)" in shown, form
    done = applied(workspace)
    assert (done["counts"]["read"], done["counts"]["sent"], done["counts"]["gone"]) == (37, 4, 3)
    assert (done["counts"]["unchanged"], done["counts"]["not_processed"]) == (36, 0)
    assert stored(emulator) == rows
    assert planned(workspace)["actions"] == ["no-op"]
    assert (len(indexes(workspace)), len(identities(workspace))) == (2, 1)

    rows["c000017"] = left["c000017"]
    back = night(workspace, rows)
    assert (back["delta"]["added"], back["delta"]["gone"], back["deletes"]) == (1, 0, 0)
    applied(workspace)
    assert stored(emulator) == rows


def test_a_night_in_which_customers_left_and_nothing_else_changed(
    workspace: Workspace, emulator: Emulator
) -> None:
    rows = customers(10)
    night(workspace, rows)
    applied(workspace)
    del rows["c000004"]
    load = night(workspace, rows)
    assert (load["actions"], load["upserts"], load["deletes"]) == (["execute"], 0, 1)
    applied(workspace)
    assert stored(emulator) == rows


@pytest.mark.parametrize("every", [True, False])
def test_a_load_of_all_rows_deletes_too(every: bool, workspace: Workspace, emulator: Emulator) -> None:
    source = DELETE + ("  full_every: 1\n" if every else "")
    rows = customers(10)
    night(workspace, rows, source=source)
    applied(workspace)
    del rows["c000004"]
    export(workspace, rows, source=source)
    flags = () if every else ("--reload", "ProfileSource/customers@retail-fr")
    load = planned(workspace, *flags)
    assert (load["upserts"], load["deletes"], load["delta"]["all_rows"]) == (9, 1, True)
    assert applied(workspace, *flags)["counts"]["sent"] == 10
    assert stored(emulator) == rows
    assert planned(workspace)["actions"] == ["no-op"]


def test_what_was_sent_before_without_identities_cannot_be_deleted(
    workspace: Workspace, emulator: Emulator
) -> None:
    rows = customers(10)
    night(workspace, rows, source=KEEP)
    applied(workspace)
    assert identities(workspace) == []
    before = dict(rows)
    del rows["c000004"]
    load = night(workspace, rows)
    assert (load["delta"], load["upserts"], load["deletes"]) == (None, 9, 0)
    assert {"full-load", "gone-kept"} <= set(codes(workspace))
    applied(workspace)
    assert stored(emulator) == before
    del rows["c000005"]
    assert night(workspace, rows)["deletes"] == 1
    assert night(workspace, rows, source=KEEP)["deletes"] == 0
    rows["c000001"] = "v2"
    night(workspace, rows, source=KEEP)
    applied(workspace)
    assert identities(workspace) == []


@pytest.mark.parametrize("lost", ["deleted", "torn", "of another load", "swapped bytes"])
def test_identities_that_are_not_whole_are_not_believed(
    lost: str, workspace: Workspace, emulator: Emulator
) -> None:
    rows = customers(200)
    night(workspace, rows)
    applied(workspace)
    shutil.copytree(workspace.root / ".reconciler/index", workspace.root / "backup")
    rows["c000001"] = "v2"
    night(workspace, rows)
    applied(workspace)
    (path,) = identities(workspace)
    data = path.read_bytes()
    match lost:
        case "deleted":
            path.unlink()
        case "torn":
            path.write_bytes(data[:-7])
        case "of another load":
            (old,) = (workspace.root / "backup").glob(f"*{IDENTITIES}")
            path.write_bytes(old.read_bytes())
        case _:
            path.write_bytes(data[:1000] + data[1001:1002] + data[1000:1001] + data[1002:])
    shown = workspace.run("source", "index", "customers")
    assert (shown.code, "identities" in shown.out) == (1, True), shown
    gone = rows.pop("c000002")
    load = night(workspace, rows)
    assert (load["delta"], load["upserts"], load["deletes"]) == (None, 199, 0)
    assert "gone-kept" in codes(workspace)
    applied(workspace)
    assert stored(emulator) == rows | {"c000002": gone}
    del rows["c000003"]
    assert night(workspace, rows)["deletes"] == 1
    assert workspace.run("source", "index", "customers").code == 0


def test_nothing_is_deleted_while_a_rejected_row_could_be_anybody(
    workspace: Workspace, emulator: Emulator
) -> None:
    source = DELETE + "  bad_lines: {allow: 5}\n  types: {tier: integer}\n"
    export(workspace, {f"c{n}": "1" for n in range(8)}, source=source)
    applied(workspace)
    # c0 is rejected, and can be read; c1 is gone; c2 may be the row without an identifier.
    rows = "".join(f"c{n},1\n" for n in range(3, 8))
    workspace.write("data/customers.csv", f"id,tier\nc0,many\n,2\n{rows}c9,1\n")
    load = planned(workspace)
    assert (load["upserts"], load["deletes"], load["delta"]["gone"], load["delta"]["deleted"]) == (1, 0, 3, 0)
    assert "gone-kept" in codes(workspace)
    applied(workspace)
    assert len(stored(emulator)) == 9
    assert planned(workspace)["actions"] == ["no-op"]
    workspace.write("data/customers.csv", f"id,tier\nc0,many\n{rows}c9,2\n")
    load = planned(workspace)
    assert (load["upserts"], load["deletes"], load["delta"]["gone"], load["delta"]["deleted"]) == (1, 2, 3, 2)
    applied(workspace)
    assert sorted(stored(emulator)) == ["c0", "c3", "c4", "c5", "c6", "c7", "c9"]
    # The rejected row is corrected to what was sent: it did not change.
    workspace.write("data/customers.csv", f"id,tier\nc0,1\n{rows}c9,3\n")
    load = planned(workspace)
    assert (load["delta"]["added"], load["delta"]["changed"], load["delta"]["unchanged"]) == (0, 1, 6)


@pytest.mark.parametrize("form", ["numbers", "opaque"])
def test_a_delete_that_failed_is_sent_again(form: str, workspace: Workspace, emulator: Emulator) -> None:
    emulator.switch(error_file=form)
    rows = customers(10)
    night(workspace, rows)
    applied(workspace)
    gone = rows.pop("c000004")
    emulator.quarantine("c000004")
    night(workspace, rows)
    assert applied(workspace)["counts"]["failed"] == 1
    assert stored(emulator) == rows | {"c000004": gone}
    emulator.quarantine()
    assert planned(workspace)["actions"] == ["no-op"]
    rows["c000001"] = "v2"
    assert night(workspace, rows)["deletes"] == 1
    applied(workspace)
    assert stored(emulator) == rows


@pytest.mark.parametrize("rows", [0, 10])
def test_a_source_that_is_empty_or_short_deletes_nobody(
    rows: int, workspace: Workspace, emulator: Emulator
) -> None:
    everybody = customers(1500)
    night(workspace, everybody)
    applied(workspace)
    night_rows = {f"c{n:06d}": "v1" for n in range(rows)}
    export(workspace, night_rows, source=DELETE)
    done = workspace.run("plan")
    assert done.code == 4, done
    if rows:
        assert "1,490 of 1,500 profiles would be deleted, more than 30 %" in " ".join(done.err.split())
    else:
        assert "empty-source" in done.err
    assert workspace.run("apply", "--auto-approve").code == 4
    assert stored(emulator) == everybody


def test_no_identity_lies_anywhere_in_plain_text(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    rows = {f"secret-person-{n}": "v1" for n in range(30)}
    night(workspace, rows)
    applied(workspace)
    del rows["secret-person-7"]
    night(workspace, rows)
    saved = workspace.root / "plan.json"
    assert workspace.run("plan", "--out", str(saved)).code == 0
    assert workspace.run("apply", str(saved)).code == 0
    assert stored(emulator) == rows
    for path in workspace.root.rglob("*"):
        if path.is_file() and path.parent.name != "data":
            assert b"secret-person" not in path.read_bytes(), path
    for path in identities(workspace):
        assert path.stat().st_mode & 0o077 == 0


def test_who_cannot_be_told_apart_is_not_deleted(workspace: Workspace) -> None:
    for change in (
        lambda s: s.replace("  send: changed\n", ""),
        lambda s: s.replace(
            "identify_by: {compartment: loyalty, user_account_id: id}",
            "identify_by: [{compartment: loyalty, user_account_id: id}, {email_hash: mail}]",
        ),
        lambda s: s.replace(
            "identify_by: {compartment: loyalty, user_account_id: id}",
            "identify_by: {email_hash: mail}\n  owner: {compartment: loyalty, user_account_id: id}",
        ),
    ):
        export(workspace, {"a": "1"}, source=change(DELETE))
        done = workspace.run("validate")
        assert (done.code, "gone-delete" in done.err + done.out) == (1, True), done


def test_rows_that_are_identified_otherwise_delete_nobody(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(10)
    night(workspace, rows)
    applied(workspace)
    export(
        workspace,
        {f"x{a}": t for a, t in rows.items()},
        source=DELETE.replace("user_account_id: id", "user_account_id: key"),
        header="key,tier",
    )
    load = planned(workspace)
    assert (load["delta"], load["upserts"], load["deletes"]) == (None, 10, 0)
    assert "gone-kept" in codes(workspace)
