"""Sources that send only rows that changed: nights of a customer export, and what becomes of the index between them."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

SOURCE = CUSTOMERS + "  duplicates: refuse\n  send: changed\n"
Rows = dict[str, str]


def export(workspace: Workspace, rows: Rows, *, source: str = SOURCE, header: str = "id,tier") -> None:
    workspace.write("specs/customers.yaml", source)
    lines = "".join(f"{account},{tier}\n" for account, tier in rows.items())
    workspace.write("data/customers.csv", f"{header}\n{lines}")


def customers(count: int) -> Rows:
    return {f"c{n:06d}": "v1" for n in range(count)}


def planned(workspace: Workspace, *flags: str) -> dict[str, Any]:
    (load,) = workspace.plan(*flags)["loads"]
    return load


def applied(workspace: Workspace, *flags: str) -> dict[str, Any]:
    done = workspace.run("apply", "--auto-approve", "-o", "json", *flags)
    assert done.code in (0, 3), done
    found: dict[str, Any] = next(
        (o for o in json.loads(done.out)["outcomes"] if o["address"].startswith("ProfileSource")), {}
    )
    return found


def stored(emulator: Emulator) -> Rows:
    return {account: json.loads(body)["tier"] for _, account, body in emulator.profiles("1509")}


def counts(load: dict[str, Any]) -> tuple[int, ...] | None:
    found = load["delta"]
    return found and tuple(found[k] for k in ("added", "changed", "unchanged", "gone", "retried"))


def indexes(workspace: Workspace, name: str = "customers") -> list[Path]:
    return sorted((workspace.root / ".reconciler/index").glob(f"{name}.*"))


def test_three_nights(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(400)
    export(workspace, rows)
    first = planned(workspace)
    assert (first["delta"], first["upserts"]) == (None, 400)
    assert applied(workspace)["counts"]["sent"] == 400
    assert stored(emulator) == rows

    for n in range(0, 400, 100):
        rows[f"c{n:06d}"] = "v2"
    rows["c000400"] = "new"
    export(workspace, rows)
    second = planned(workspace)
    assert counts(second) == (1, 4, 396, 0, 0)
    assert (second["generation"], second["upserts"], second["lines"]) == (2, 5, 401)
    shown = " ".join(workspace.run("plan").out.split())
    assert (
        "compared with load 1: 1 added, 4 changed, 396 unchanged, 0 retried, 0 no longer in the source"
        in shown
    )
    assert "4 changed" in workspace.run("plan", "-o", "html").out
    done = applied(workspace)
    assert (done["counts"]["read"], done["counts"]["sent"], done["counts"]["unchanged"]) == (401, 5, 396)
    assert stored(emulator) == rows
    assert planned(workspace)["actions"] == ["no-op"]

    gone = rows.pop("c000007"), rows.pop("c000008")
    rows["c000009"] = "v3"
    export(workspace, rows)
    third = planned(workspace)
    assert counts(third) == (0, 1, 398, 2, 0)
    applied(workspace)
    assert stored(emulator) == rows | dict(zip(("c000007", "c000008"), gone, strict=True))
    assert len(indexes(workspace)) == 1
    assert planned(workspace)["reason"] == "load 3 is finished"


def test_order_and_files_change_nothing(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(50)
    export(workspace, rows)
    applied(workspace)
    export(workspace, dict(reversed(rows.items())))
    load = planned(workspace)
    assert (load["actions"], load["reason"]) == (
        ["no-op"],
        "no row changed since load 1; 0 are no longer in the source",
    )
    assert load["delta"] is None


LOST = [
    "deleted", "from last week", "from last week, under the newest name", "damaged", "cut short", "of another key", "a link",
    "a folder", "in a folder that is a file",
]  # fmt: skip


def lose(workspace: Workspace, index: Path, lost: str) -> None:
    """Do to an index what its name says; a copy from last week is in `backup`."""
    match lost:
        case "deleted":
            shutil.rmtree(index.parent)
        case "from last week":
            shutil.rmtree(index.parent)
            shutil.copytree(workspace.root / "backup", index.parent)
        case "from last week, under the newest name":
            (last_week,) = (workspace.root / "backup").iterdir()
            index.write_bytes(last_week.read_bytes())
        case "a link":
            index.unlink()
            index.symlink_to(workspace.root / "reconciler.yaml")
        case "a folder":
            index.unlink()
            index.mkdir()
        case "in a folder that is a file":
            shutil.rmtree(index.parent)
            index.parent.write_text("")
        case "damaged":
            data = bytearray(index.read_bytes())
            data[100] ^= 1
            index.write_bytes(data)
        case "cut short":
            index.write_bytes(index.read_bytes()[:-50])
        case _:
            (workspace.root / ".reconciler/index.key").write_text("k" * 64)


@pytest.mark.parametrize("lost", LOST)
def test_without_its_index_all_rows_are_sent_and_that_is_said(
    lost: str, workspace: Workspace, emulator: Emulator
) -> None:
    rows = customers(60)
    export(workspace, rows)
    applied(workspace)
    shutil.copytree(workspace.root / ".reconciler/index", workspace.root / "backup")
    rows["c000001"] = "v2"
    export(workspace, rows)
    assert applied(workspace)["counts"]["sent"] == 1
    (index,) = indexes(workspace)
    lose(workspace, index, lost)
    rows["c000001"], rows["c000002"] = "v1", "v2"  # one as it was last week
    export(workspace, rows)
    checked = json.loads(workspace.run("source", "check", "customers", "-o", "json").out)
    told = [d["message"] for d in checked["diagnostics"] if d["code"] == "delta-preview"]
    assert ("sends all rows" in told[0]) == (lost != "from last week"), (
        told
    )  # it does not know which load is the newest
    shown = workspace.run("source", "index", "customers")
    assert (shown.code, "Traceback" in shown.err) == (
        int(lost not in ("deleted", "from last week")),
        False,
    ), shown
    plan = workspace.plan()
    (load,) = plan["loads"]
    assert (load["delta"], load["upserts"]) == (None, 60)
    assert "full-load" in [d["code"] for d in plan["diagnostics"]]
    assert applied(workspace)["counts"]["sent"] == 60
    assert stored(emulator) == rows
    if index.parent.is_dir():  # else the next index cannot be written, either
        rows["c000003"] = "v2"
        export(workspace, rows)
        assert counts(planned(workspace)) == (0, 1, 59, 0, 0)


@pytest.mark.parametrize("text", ["", "short", "0" * 31])
def test_a_key_file_that_lost_its_key_is_refused_and_never_used(
    text: str, workspace: Workspace, emulator: Emulator
) -> None:
    export(workspace, customers(5))
    applied(workspace)
    key = workspace.root / ".reconciler/index.key"
    held, index = key.read_text(), indexes(workspace)
    key.write_text(text)
    export(workspace, customers(6))
    for command in (("plan",), ("apply", "--auto-approve"), ("source", "index", "customers")):
        refused = workspace.run(*command)
        assert refused.code != 0, refused
        assert "index.key, has" in " ".join((refused.out + refused.err).split()), refused
    assert indexes(workspace) == index
    key.write_text(held)
    assert counts(planned(workspace)) == (1, 0, 5, 0, 0)


def test_other_files_beside_an_index_are_left_alone(workspace: Workspace, emulator: Emulator) -> None:
    export(workspace, customers(5))
    applied(workspace)
    (index,) = indexes(workspace)
    others = [index.with_name(f"{index.name}{end}") for end in (".bak", ".bak.1", "-old", "~")]
    others += [index.with_name(f"{index.name.rpartition('.g')[0]}.README")]
    for other in others:
        shutil.copy(index, other)
    export(workspace, customers(6))
    assert workspace.run("source", "index", "customers").code == 0
    assert applied(workspace)["counts"]["sent"] == 1
    assert workspace.run("source", "index", "customers", "--drop").code == 0
    assert sorted(indexes(workspace)) == sorted(others)


def test_where_lists_could_grow_it_is_refused_until_reload(workspace: Workspace, emulator: Emulator) -> None:
    source = SOURCE.replace("force_replace: true", "merge_objects: true")
    rows = customers(20)
    export(workspace, rows, source=source)
    applied(workspace)
    shutil.rmtree(workspace.root / ".reconciler/index")
    rows["c000001"] = "v2"
    export(workspace, rows, source=source)
    done = workspace.run("plan")
    assert done.code in (1, 4), done
    way = "apply --reload ProfileSource/customers@retail-fr` sends all rows, as a new load"
    assert way in " ".join(done.err.split())
    assert applied(workspace, "--reload", "ProfileSource/customers@retail-fr")["counts"]["sent"] == 20
    rows["c000001"] = "v3"
    export(workspace, rows, source=source)
    assert counts(planned(workspace)) == (0, 1, 19, 0, 0)


@pytest.mark.parametrize("form", ["numbers", "echo", "opaque"])
def test_failed_rows_are_sent_again_with_the_next_load(
    form: str, workspace: Workspace, emulator: Emulator
) -> None:
    emulator.switch(error_file=form)
    rows = customers(40)
    emulator.quarantine("c000003", "c000004")
    export(workspace, rows)
    applied(workspace)
    emulator.quarantine()
    assert planned(workspace)["actions"] == ["no-op"]
    rows["c000010"] = "v2"
    export(workspace, rows)
    told = (0, 0, 0, 0, 40) if form == "opaque" else (0, 1, 37, 0, 2)
    assert counts(planned(workspace)) == told
    applied(workspace)
    assert stored(emulator) == rows


def test_every_so_many_loads_all_rows_are_sent(workspace: Workspace, emulator: Emulator) -> None:
    source = SOURCE + "  full_every: 3\n"
    rows, sent = customers(10), []
    for night in range(7):
        rows["c000001"] = f"night {night}"
        export(workspace, rows, source=source)
        sent.append(applied(workspace)["counts"]["sent"])
    assert sent == [10, 1, 1, 10, 1, 1, 10]
    assert stored(emulator) == rows


def test_a_saved_plan_of_a_delta(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(30)
    export(workspace, rows)
    applied(workspace)
    rows["c000001"] = "v2"
    export(workspace, rows)
    saved = str(workspace.root / "plan.json")
    assert workspace.run("plan", "--out", saved).code == 0
    key = workspace.root / ".reconciler/index.key"
    held = key.read_text()
    key.write_text("k" * 64)
    done = workspace.run("apply", saved)
    assert (done.code, len(emulator.imports_named("1509"))) == (4, 2), done
    key.write_text(held)
    assert workspace.run("apply", saved).code == 0
    assert "already applied" in workspace.run("apply", saved).out
    assert stored(emulator) == rows


def test_two_runners_share_an_index_and_its_key(workspace: Workspace, emulator: Emulator) -> None:
    text = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", text + "  index: shared/sent\n  index_key: {env: INDEX_KEY}\n")
    workspace.env["INDEX_KEY"] = "0123456789abcdef0123456789abcdef"
    rows = customers(30)
    export(workspace, rows)
    applied(workspace)
    workspace.forget_ledger()  # another runner has another ledger
    rows["c000001"] = "v2"
    export(workspace, rows)
    assert counts(planned(workspace)) == (0, 1, 29, 0, 0)
    assert applied(workspace)["counts"]["sent"] == 1
    held = b"".join(p.read_bytes() for p in (workspace.root / "shared/sent").iterdir())
    assert len(held) < 30 * 40 + 400
    for secret in (b"c000001", b"loyalty", workspace.env["INDEX_KEY"].encode()):
        assert secret not in held


def test_only_one_row_for_each_identity(workspace: Workspace) -> None:
    export(workspace, {"a": "1"}, source=SOURCE.replace("duplicates: refuse", "duplicates: off"))
    done = workspace.run("validate")
    assert done.code == 1
    assert "send-changed" in done.err + done.out


def test_what_is_kept_is_shown_and_dropped(workspace: Workspace, emulator: Emulator) -> None:
    export(workspace, customers(30))
    assert "no index" in workspace.run("source", "index", "customers").out
    applied(workspace)
    shown = workspace.run("source", "index", "customers")
    assert (shown.code, "load 1: 30 identities" in shown.out) == (0, True), shown
    (index,) = indexes(workspace)
    export(workspace, customers(32) | {"c000001": "v2"})
    checked = json.loads(workspace.run("source", "check", "customers", "-o", "json").out)
    (found,) = (d for d in checked["diagnostics"] if d["code"] == "delta-preview")
    told = "compared with the sent index of load 1: 2 added, 1 changed, 29 unchanged, 0 retried, 0 no longer in the source"
    assert found["message"] == told
    index.write_bytes(index.read_bytes()[:-1])
    damaged = workspace.run("source", "index", "customers", "-o", "json")
    assert damaged.code == 1
    assert "damaged" in json.loads(damaged.out)[0]["indexes"][0]["trouble"]
    assert workspace.run("source", "index", "customers", "--drop").code == 0
    assert indexes(workspace) == []


def test_a_delta_of_most_rows_is_refused_until_it_is_allowed(
    workspace: Workspace, emulator: Emulator
) -> None:
    rows = customers(1200)
    export(workspace, rows)
    applied(workspace)
    rows = dict.fromkeys(rows, "v2") | {"c000000": "v1"}
    export(workspace, rows)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 4, done
    shown = " ".join(done.err.split())
    assert "1,199 of 1,200 rows are new or changed since load 1, more than 50 %" in shown
    word = re.search(r"--allow '(guard-delta:[^=]+)=WHY'", shown)
    assert word
    applied(workspace, "--allow", f"{word[1]}=a column has another form")
    assert stored(emulator) == rows


def rebuilt(workspace: Workspace) -> tuple[int, str]:
    done = workspace.run("source", "index", "customers", "--rebuild")
    return done.code, " ".join((done.out + done.err).split())


def test_an_index_is_made_again_from_what_was_loaded(workspace: Workspace, emulator: Emulator) -> None:
    source = SOURCE + "  gone: delete\n"
    rows = customers(30)
    export(workspace, rows, source=source)
    assert rebuilt(workspace)[0] == 4
    applied(workspace)
    held = {p.name for p in indexes(workspace)}
    shutil.rmtree(workspace.root / ".reconciler/index")
    code, shown = rebuilt(workspace)
    assert (code, "load 1: 30 identities" in shown) == (0, True), shown
    assert {p.name for p in indexes(workspace)} == held
    assert len(emulator.imports_named("1509")) == 2
    del rows["c000003"]
    rows["c000001"] = "v2"
    export(workspace, rows, source=source)
    assert counts(planned(workspace)) == (0, 1, 28, 1, 0)
    shutil.rmtree(workspace.root / ".reconciler/index")
    code, shown = rebuilt(workspace)
    assert (code, "the source is not what load 1" in shown) == (4, True), shown
    assert "warning" not in shown
    assert indexes(workspace) == []


def test_an_index_is_not_made_of_what_is_not_certain(workspace: Workspace, emulator: Emulator) -> None:
    rows = customers(30)
    emulator.quarantine("c000003")
    export(workspace, rows)
    applied(workspace)
    shutil.rmtree(workspace.root / ".reconciler/index")
    code, shown = rebuilt(workspace)
    assert (code, "not certain" in shown) == (4, True), shown
    emulator.quarantine()


def test_an_index_is_made_again_after_a_delta(workspace: Workspace, emulator: Emulator) -> None:
    """A delta has each row that was not certainly taken before: if all of it was taken, all rows were."""
    rows = customers(30)
    emulator.quarantine("c000003")
    export(workspace, rows)
    applied(workspace)  # one row failed
    rows["c000001"] = "v2"
    export(workspace, rows)
    emulator.quarantine("c000001")
    applied(workspace)  # and another one here
    shutil.rmtree(workspace.root / ".reconciler/index")
    code, shown = rebuilt(workspace)
    assert (code, "not certain" in shown) == (4, True), shown
    assert indexes(workspace) == []
    emulator.quarantine()
    rows |= {"c000004": "v2", "c000005": "v2"}
    export(workspace, rows)
    applied(workspace)  # all rows, as there is no index
    rows["c000002"] = "v2"
    export(workspace, rows)
    applied(workspace)
    (held,) = indexes(workspace)
    entries = held.read_bytes()
    shutil.rmtree(workspace.root / ".reconciler/index")
    code, shown = rebuilt(workspace)
    assert (code, "load 4: 30 identities" in shown) == (0, True), shown
    (made,) = indexes(workspace)
    assert made.name == held.name
    assert made.read_bytes()[: 8 + 30 * 32] == entries[: 8 + 30 * 32]
    before = len(emulator.imports_named("1509"))
    assert planned(workspace)["actions"] == ["no-op"]
    rows |= {"c000001": "v3", "new": "v1"}
    export(workspace, rows)
    assert counts(planned(workspace)) == (1, 1, 29, 0, 0)
    shutil.rmtree(workspace.root / ".reconciler/index")
    code, shown = rebuilt(workspace)
    assert (code, "the source is not what load 4" in shown) == (4, True), shown
    assert len(emulator.imports_named("1509")) == before


def test_failed_commands_of_a_delta_are_part_of_the_next_load(
    workspace: Workspace, emulator: Emulator
) -> None:
    rows = customers(20)
    export(workspace, rows)
    applied(workspace)
    rows |= {"c000003": "v2", "c000004": "v2"}
    export(workspace, rows)
    emulator.quarantine("c000003")
    applied(workspace)
    emulator.quarantine()
    done = workspace.run("source", "retry", "customers", "--failed-lines", "--auto-approve")
    shown = " ".join(done.err.split())
    assert done.code == 4
    assert "which rows of the source its 1 failed command came from cannot be found again" in shown
    assert "the next load of new content sends those rows" in shown
    assert "--reload 'ProfileSource/customers@retail-fr'" in shown
    assert applied(workspace, "--reload", "ProfileSource/customers@retail-fr")["counts"]["sent"] == 20
    assert stored(emulator) == rows


def test_a_source_and_a_workspace_that_are_renamed_keep_their_index(
    workspace: Workspace, emulator: Emulator
) -> None:
    source, rows = SOURCE + "  gone: delete\n", customers(30)
    export(workspace, rows, source=source)
    applied(workspace)
    source = source.replace("{name: customers}", "{name: clients}").replace(
        "spec:\n", "spec:\n  previously: [customers]\n", 1
    )
    settings = (workspace.root / "reconciler.yaml").read_text()
    for night, gone in ((2, "c000002"), (3, "c000003")):
        del rows[gone]
        rows["c000001"] = f"v{night}"
        export(workspace, rows, source=source)
        shown = workspace.run("source", "index", "clients").out
        assert f"load {night - 1}: {len(rows) + 1} identities" in shown
        assert workspace.run("clean", "--remove", "--auto-approve").code == 0
        assert counts(planned(workspace)) == (0, 1, len(rows) - 1, 1, 0)
        applied(workspace)
        assert stored(emulator) == rows
        assert len([p for p in indexes(workspace, "*") if not p.name.endswith("-identities")]) == 1
        before = re.search(r"name: (\w+)", settings)
        assert before
        renamed = settings.replace(before[0], "name: renamed", 1).rstrip("\n")
        workspace.write("reconciler.yaml", f"{renamed}\n  previously: [{before[1]}]\n")


def test_workspaces_that_share_a_place_keep_each_their_index(tmp_path: Path, emulator: Emulator) -> None:
    """Both have a source of one name, on one datamart."""
    here, there = (Workspace(tmp_path / name, emulator.url) for name in ("here", "there"))
    for n, workspace in enumerate((here, there)):
        settings = (workspace.root / "reconciler.yaml").read_text()
        settings = re.sub(r"name: \w+", f"name: shop-{n}", settings, count=1)
        workspace.write("reconciler.yaml", f"{settings}  index: {tmp_path}/shared\n")
    rows = [{f"{n}-{a}": t for a, t in customers(20).items()} for n in range(2)]
    for night in ("v1", "v2"):
        for workspace, mine in zip((here, there), rows, strict=True):
            mine[next(iter(mine))] = night
            export(workspace, mine)
            if night == "v2":
                assert counts(planned(workspace)) == (0, 1, 19, 0, 0)
            applied(workspace)
    assert stored(emulator) == rows[0] | rows[1]
