"""Faults at the writes and reads of a run: nothing twice, nothing lost, and the next run ends well (G3, G4, G6, G9, G11)."""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace, kill

PLACES = {
    "compartment": "/v1/user_account_compartments",
    "activation": "/compartments",
    "import": "/document_imports",
    "execution": "/executions",
}
FAULTS: dict[str, dict[str, Any]] = {
    "dropped before": {"do": "drop_before"},
    "dropped after": {"do": "drop_after"},
    "500": {"do": "status", "status": 500},
    "502 html": {"do": "html", "status": 502},
    "408": {"do": "status", "status": 408},
    "429": {"do": "status", "status": 429, "headers": {"Retry-After": "0"}},
    "409": {"do": "status", "status": 409},
    "503": {"do": "status", "status": 503, "headers": {"Retry-After": "0"}},
    "error in 2xx after the effect": {"do": "error_in_2xx"},
    "truncated after the effect": {"do": "truncate"},
    "400 after the effect": {"do": "status_after", "status": 400},
    "403 after the effect": {"do": "status_after", "status": 403},
    "redirect": {"do": "status", "status": 307, "headers": {"Location": "https://elsewhere.invalid/"}},
}


def once_each(emulator: Emulator) -> None:
    tokens = [c["token"] for c in emulator.compartments()]
    assert len(tokens) == len(set(tokens))
    for datamart in ("1509", "1510"):
        rows = [a["compartment_id"] for a in emulator.activations(datamart)]
        assert len(rows) == len(set(rows))
    names = [i["name"] for i in emulator.imports("1509")]
    assert len(names) == len(set(names))
    chunks = {n: rows for n, rows in emulator.executions("1509").items() if ".sealed." not in n}
    assert {n: len(r) for n, r in chunks.items() if len(r) > 1} == {}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_write_does_nothing_twice_and_running_again_ends_well(
    fault: str, place: str, tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    emulator = emulator_with(duplicate_token="accepted", duplicate_activation="second")
    workspace = Workspace(tmp_path / "ws", emulator.url)
    workspace.customers(60, max_bytes=3_000)
    emulator.fault(
        {
            "method": "POST",
            "path": PLACES[place],
            "after": 1 if place in ("import", "execution") else 0,
            **FAULTS[fault],
        }
    )
    first = workspace.run("apply", "--auto-approve")
    assert first.code in (0, 3, 4), first
    once_each(emulator)
    if first.code != 0:
        again = workspace.run("apply", "--auto-approve")
        assert again.code == 0, (first, again)
        once_each(emulator)
    assert all(len(r) == 1 for n, r in emulator.executions("1509").items() if ".sealed." not in n)
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert len(emulator.profiles("1509")) == 60


READS = [
    "/v1/datamarts",
    "/v1/user_account_compartments",
    "/v1/datamarts/1509/compartments",
    "/v1/datamarts/1509/document_imports",
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "do", [{"do": "status", "status": 404}, {"do": "html", "status": 200}, {"do": "error_in_2xx"}]
)
def test_a_failed_read_is_never_an_absence(
    path: str, do: dict[str, Any], workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    writes = len(emulator.writes())
    emulator.fault({"method": "GET", "path": path, "times": 9999, **do})
    plan = workspace.run("plan", "-o", "json")
    assert plan.code == 1, plan
    document = json.loads(plan.out)
    assert (document["errored"], document["applyable"]) == (True, False)
    assert [c["address"] for c in document["resource_changes"] if c["change"]["actions"] != ["no-op"]] == []
    assert workspace.run("apply", "--auto-approve").code == 1
    assert len(emulator.writes()) == writes


def test_401_in_the_middle_stops_with_a_message_and_the_next_run_continues(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.fault(
        {"method": "POST", "path": "/executions", "after": 1, "times": 99, "do": "status", "status": 401}
    )
    done = workspace.run("apply", "--auto-approve", "--parallelism", "1")
    assert done.code == 3, done
    assert "did not accept the token (401), which may have expired: set a new one" in " ".join(
        done.err.split()
    )
    emulator.fault()
    assert workspace.run("apply", "--auto-approve").code == 0
    once_each(emulator)


def test_a_token_that_expires_before_anything_was_written_exits_1(
    workspace: Workspace, emulator: Emulator
) -> None:
    emulator.fault({"method": "POST", "path": "/v1", "times": 99, "do": "status", "status": 401})
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1, done


OUTCOMES = {"FAILED": 3, "LOST": 3, "CANCELED": 3}


@pytest.mark.parametrize("word", OUTCOMES)
@pytest.mark.parametrize("safe", [True, False])
def test_each_bad_end_of_an_execution_and_its_way_out(
    word: str, safe: bool, workspace: Workspace, emulator: Emulator
) -> None:
    from tests.support.workspace import CUSTOMERS

    workspace.customers(
        60,
        max_bytes=3_000,
        source=CUSTOMERS if safe else CUSTOMERS.replace("force_replace: true", "merge_objects: true"),
    )
    emulator.end_with(word)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert f"ended {word}" in done.err, done
    again = workspace.run("apply", "--auto-approve")
    if safe and word != "CANCELED":
        assert again.code == 0, again
        assert [n for n in emulator.executions("1509") if n.endswith(".a2")]
    else:
        assert again.code == 3, again
        assert "--resend" in again.err
        writes = len(emulator.writes())
        assert workspace.run("apply", "--auto-approve").code == 3
        assert len(emulator.writes()) == writes
        chunk = next(
            int(n.split(".")[6].split("-")[0])
            for n, rows in emulator.executions("1509").items()
            for r in rows
            if r["status"] == word
        )
        assert (
            workspace.run(
                "apply", "--auto-approve", "--resend", f"ProfileSource/customers@retail-fr#{chunk}"
            ).code
            == 0
        )
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_lines_that_the_remote_refuses_make_a_partial_load_once(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write(
        "specs/commands.yaml",
        """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: strategies}
spec: {files: [data/s.ndjson], datamarts: retail-fr}
""",
    )
    good = '{"operation":"UPSERT","user_account_id":"a","force_replace":true,"user_profile":{"$user_account_id":"a"}}\n'
    workspace.write(
        "data/s.ndjson",
        good
        + '{"operation":"UPSERT","user_account_id":"b","update_strategy":"FORCE_REPLACE","user_profile":{}}\n',
    )
    emulator.switch(update_strategy="rejected")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "1 succeeded + 1 failed" in done.err
    again = workspace.run("apply", "--auto-approve")
    assert again.code == 0, again
    assert "1 of its commands failed" in again.err


def test_a_refused_upload_is_failed_and_not_sent_again_until_something_changes(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20)
    emulator.fault({"method": "POST", "path": "/executions", "do": "status", "status": 422})
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "422" in done.err
    writes = len(emulator.writes())
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.writes()) == writes
    done = workspace.run("apply", "--auto-approve", "--reload", "ProfileSource/customers@retail-fr")
    assert done.code == 0, done
    assert len(emulator.profiles("1509")) == 20


def test_duplicate_executions_keep_one_and_are_reported_once(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(20)
    emulator.switch(pending_seconds=1.0)
    process = workspace.start("apply", "--auto-approve")
    while not (found := [(n, rows) for n, rows in emulator.executions("1509").items() if rows]):
        time.sleep(0.02)
    original = found[0][1][0]
    copy = {k: v for k, v in original.items() if k != "id"}
    owner = next(i["id"] for i in emulator.imports("1509") if i["name"] == found[0][0])
    emulator.store.add("execution", owner, copy)
    process.communicate(timeout=60)
    assert process.returncode == 3
    rows = emulator.executions("1509")[found[0][0]]
    assert [r["status"] for r in rows] == ["SUCCEEDED", "CANCELED"]
    assert workspace.run("apply", "--auto-approve").code == 0


def test_an_import_that_was_deleted_is_not_sent_again_without_a_flag_and_stops_no_other(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.fault(
        {"method": "POST", "path": "/executions", "after": 1, "times": 99, "do": "status", "status": 401}
    )
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1").code == 3
    emulator.fault()
    executed = [n for n, rows in emulator.executions("1509").items() if rows]
    victim = next(i for i in emulator.imports("1509") if i["name"] not in executed)
    emulator.store.remove("import", victim["id"])
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    left = {n: len(rows) for n, rows in emulator.executions("1509").items()}
    assert victim["name"] not in left
    assert set(left.values()) == {1}
    writes = len(emulator.writes())
    assert workspace.run("apply", "--auto-approve").code == 3
    assert len(emulator.writes()) == writes
    chunk = victim["name"].split(".")[6].split("-")[0]
    assert (
        workspace.run(
            "apply", "--auto-approve", "--resend", f"ProfileSource/customers@retail-fr#{chunk}"
        ).code
        == 0
    )
    assert len(emulator.profiles("1509")) == 60


def test_an_unfinished_generation_is_superseded_by_newer_content(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.end_with("CANCELED")
    assert workspace.run("apply", "--auto-approve").code == 3
    workspace.customers(60, max_bytes=3_000, mark="v2")
    plan = workspace.plan()
    assert plan["loads"][0]["generation"] == 2
    assert plan["loads"][0]["unfinished"]["superseded_generation"] == 1
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "load 1 was superseded: of its " in done.err or "load 1 was superseded: all of it" in done.err
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_stale_actions_are_refused_by_name_and_no_others(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    workspace.write(
        "specs/loyalty.yaml",
        (workspace.root / "specs/loyalty.yaml").read_text().replace("Loyalty programme", "Loyalty club"),
    )
    workspace.customers(20)
    saved = tmp_path / "plan"
    assert workspace.run("plan", "--out", str(saved)).code == 0
    emulator.store.add(
        "compartment",
        "1185",
        {"organisation_id": "1185", "token": "unrelated", "name": "x", "archived": False},
    )
    assert workspace.run("apply", "--check", str(saved)).code == 0
    emulator.store.update("compartment", loyalty["id"], {"name": "Changed by hand"})
    writes = len(emulator.writes())
    done = workspace.run("apply", str(saved))
    assert done.code == 4, done
    assert "Compartment/loyalty" in done.err
    assert "Changed by hand" in done.err
    assert len(emulator.writes()) == writes
    skipped = workspace.run("apply", str(saved), "--skip-stale")
    assert skipped.code == 3, skipped
    assert len(emulator.profiles("1509")) == 20
    workspace.customers(20, mark="other")
    assert workspace.run("apply", str(saved)).code == 4


def test_a_source_that_changes_after_the_plan_is_refused(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(20)
    assert workspace.run("plan", "--out", str(tmp_path / "plan")).code == 0
    workspace.customers(21)
    done = workspace.run("apply", str(tmp_path / "plan"))
    assert done.code == 4, done
    assert "the source changed" in done.err
    assert emulator.writes() == []


def test_two_applies_at_once_exclude_each_other(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(1500, max_bytes=5_000)
    first = workspace.start("apply", "--auto-approve")
    while not emulator.writes():
        time.sleep(0.01)
    slow = {"do": "delay", "seconds": 3, "method": "POST", "path": "/executions", "times": 0}
    emulator.fault(slow)  # it does not end before the other begins, however slow the machine is
    second = workspace.run("apply", "--auto-approve", "--lock-timeout", "0s")
    emulator.fault()
    assert second.code == 5, second
    assert "locked by another run" in second.err
    first.communicate(timeout=60)
    assert first.returncode == 0
    once_each(emulator)


def test_of_two_that_share_no_lock_the_later_one_stops_before_it_sends(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    add, twins = emulator.store.add, []

    def add_after_another(kind: str, parent: str, body: dict[str, Any], identity: str | None = None) -> Any:
        if kind == "import" and not twins:  # the other run was a moment faster
            twins.append(add(kind, parent, body))
        return add(kind, parent, body, identity)

    emulator.store.add = add_after_another  # type: ignore[method-assign]
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 5, done
    words = "another run (other ledger or machine) created 1 of these imports first; nothing was sent"
    assert words in " ".join(done.err.split())
    assert not any(emulator.executions("1509").values())
    assert (
        workspace.run("apply", "--auto-approve").code == 0
    )  # the other copy was deleted: the run continues with the one that is there
    assert len(emulator.profiles("1509")) == 60
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_two_applies_at_once_where_the_second_waits(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(600, max_bytes=5_000)
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(workspace.run("apply", "--auto-approve").code))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0, 0]
    once_each(emulator)


@pytest.mark.parametrize("number", [2, 15])
def test_an_interrupt_ends_in_order_and_the_next_run_finishes(
    number: int, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(1500, max_bytes=5_000)
    process = workspace.start("apply", "--auto-approve")
    while not any(emulator.executions("1509").values()):
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (128 + number, 0), err
    assert "Traceback" not in err
    assert workspace.run("apply", "--auto-approve").code == 0
    once_each(emulator)


@pytest.mark.parametrize("number", [2, 15])
def test_a_second_interrupt_ends_at_once_and_the_next_run_finishes(
    number: int, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.fault({"method": "POST", "path": "/executions", "times": 99, "do": "delay", "seconds": 60})
    process = workspace.start("apply", "--auto-approve")
    ledger, committing = workspace.root / ".reconciler/ledger.db", 0
    while not committing:  # until an upload is wholly on its way, and waits for its answer
        time.sleep(0.05)
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db,
        ):
            (committing,) = db.execute("SELECT count(*) FROM journal WHERE state='committing'").fetchone()
    process.send_signal(number)
    time.sleep(1)
    assert process.poll() is None  # what is on its way is waited for
    begun = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 20  # the answer would take a minute
    assert process.returncode == 128 + number, err
    assert "stopped immediately" in err
    emulator.fault()
    assert workspace.run("apply", "--auto-approve").code == 0
    once_each(emulator)
    assert len(emulator.profiles("1509")) == 60


def test_no_token_and_no_profile_value_is_left_anywhere(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(50, mark="SECRETVALUE")
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write("SECRETID,SECRETVALUE,toomuch\n")
    spec = workspace.root / "specs/customers.yaml"
    spec.write_text(spec.read_text() + "  bad_lines: {allow: 5}\n")
    emulator.fault(
        {
            "method": "POST",
            "path": "/executions",
            "do": "status",
            "status": 400,
            "body": {"status": "error", "error": "line 3 has 'SECRETVALUE' for SECRETVALUE@example.org"},
        }
    )
    shown = ""
    for command in (
        ["plan", "--out", str(tmp_path / "plan")],
        ["plan", "-o", "json"],
        ["apply", str(tmp_path / "plan")],
        ["plan"],
    ):
        done = workspace.run(*command)
        shown += done.out + done.err
    assert "400" in shown
    shown += (tmp_path / "plan").read_text()
    with sqlite3.connect(workspace.root / ".reconciler/ledger.db") as db:
        shown += "\n".join(db.iterdump())
    db.close()
    for secret in ("SECRETVALUE", "SECRETID", TOKEN):
        assert secret not in shown
        for path in (workspace.root / ".reconciler").rglob("*"):
            assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_read_commands_send_only_get_and_need_no_ledger(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(20)
    for command in (
        ["validate"],
        ["plan", "--out", str(tmp_path / "p")],
        ["show", str(tmp_path / "p")],
        ["apply", "--check", str(tmp_path / "p")],
    ):
        assert workspace.run(*command).code == 0
    assert emulator.writes() == []
    # What validate remembers of unchanged specs lies in the user's cache folder; no ledger was made.
    assert not (workspace.root / ".reconciler").exists()


def test_an_orphaned_sender_does_not_outlive_its_coordinator(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60_000, max_bytes=200_000)  # enough for processes to be worth their while
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    (load,) = workspace.plan()["loads"]
    chunks = load["chunks"]
    emulator.fault(
        {"method": "POST", "path": "/executions", "after": 1, "times": 99, "do": "delay", "seconds": 2}
    )
    process = workspace.start("apply", "--auto-approve")
    while not any(emulator.executions("1509").values()):
        time.sleep(0.01)
    senders = children(process.pid)
    assert len(senders) > 2
    kill(process, group=False, after=0)
    deadline = time.monotonic() + 30
    while left := [pid for pid in senders if alive(pid)]:
        assert time.monotonic() < deadline, (
            f"{len(left)} of {len(senders)} processes outlive their coordinator"
        )
        time.sleep(0.05)
    assert sum(len(r) for r in emulator.executions("1509").values()) < chunks, "they ended as all was sent"


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_load_continues_with_the_chunk_size_it_began_with(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.fault(
        {"method": "POST", "path": "/executions", "after": 1, "times": 99, "do": "status", "status": 401}
    )
    assert workspace.run("apply", "--auto-approve", "--parallelism", "1").code == 3
    begun = set(emulator.executions("1509"))
    emulator.fault()
    workspace.customers(60, max_bytes=7_000)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert {n for n in emulator.executions("1509") if ".sealed." not in n} == begun
    once_each(emulator)


def test_a_generation_that_sent_nothing_does_not_count(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.fault({"method": "POST", "path": "/executions", "times": 99, "do": "status", "status": 401})
    assert workspace.run("apply", "--auto-approve").code == 3
    emulator.fault()
    workspace.customers(60, max_bytes=3_000, mark="v2")
    assert workspace.run("apply", "--auto-approve").code == 0
    executed = [n for n, rows in emulator.executions("1509").items() if rows]
    assert {n.split(".")[3] for n in executed} == {"g1"}
    assert len({n.split(".")[4] for n in executed}) == 1
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_source_renamed_with_previously_is_not_loaded_again(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60)
    assert workspace.run("apply", "--auto-approve").code == 0
    path = workspace.root / "specs/customers.yaml"
    path.write_text(
        path.read_text().replace("{name: customers}", "{name: clients}") + "  previously: [customers]\n"
    )
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_newer_content_waits_for_an_older_generation_that_still_runs(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60)
    emulator.switch(pending_seconds=0.5, running_seconds=2.5)
    assert workspace.run("apply", "--auto-approve", "--no-wait").code == 0
    workspace.customers(60, mark="v2")
    assert workspace.run("apply", "--auto-approve").code == 0
    rows = sorted((r["created"], r["status"]) for rs in emulator.executions("1509").values() for r in rs)
    assert len(rows) == 2
    assert rows[1][0] - rows[0][0] > 2.5 or rows[0][1] == "CANCELED"


def test_changes_are_never_superseded_unasked(workspace: Workspace, emulator: Emulator) -> None:
    from tests.support.workspace import CUSTOMERS

    source = CUSTOMERS + "  content: changes\n"
    workspace.customers(60, source=source)
    emulator.end_with("CANCELED")
    assert workspace.run("apply", "--auto-approve").code == 3
    workspace.customers(60, source=source, mark="v2")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 4, done
    assert "--supersede" in done.err
    assert (
        workspace.run("apply", "--auto-approve", "--supersede", "ProfileSource/customers@retail-fr").code == 0
    )


@pytest.mark.parametrize("status", [400, 422])
def test_an_upload_that_was_refused_and_happened_counts(
    status: int, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    emulator.fault(
        {"method": "POST", "path": "/executions", "nth": 2, "do": "status_after", "status": status}
    )
    done = workspace.run("apply", "--auto-approve")
    assert (done.code, "60 succeeded + 0 failed" in done.err) == (0, True), done
    once_each(emulator)
    again = workspace.run("plan", "--detailed-exitcode")
    assert (again.code, "load-partial" in again.out + again.err) == (0, False), again


@pytest.mark.parametrize("lag", [{"lag_reads": 3}, {"lag_seconds": 0.5}])
@pytest.mark.parametrize("place", PLACES)
def test_a_write_that_vanished_is_looked_for_as_long_as_listings_may_lag(
    place: str, lag: dict[str, Any], tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    emulator = emulator_with(duplicate_token="accepted", duplicate_activation="second", **lag)
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="800ms")
    workspace.customers(40, max_bytes=3_000)
    emulator.fault({"method": "POST", "path": PLACES[place], "do": "drop_after"})
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    once_each(emulator)
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_kill_under_lag_creates_nothing_twice(
    tmp_path: Path, emulator_with: Callable[..., Emulator]
) -> None:
    emulator = emulator_with(duplicate_token="accepted", duplicate_activation="second", lag_seconds=1.0)
    workspace = Workspace(tmp_path / "ws", emulator.url, settle="1500ms")
    workspace.customers(200, max_bytes=3_000)
    for wanted in ("POST /v1/user_account_compartments", "/document_imports", "/executions"):
        process = workspace.start("apply", "--auto-approve")
        while process.poll() is None and not any(
            wanted in f"{r['method']} {r['path']}" for r in emulator.writes()
        ):
            time.sleep(0.005)
        kill(process, group=True, after=0)
        workspace.forget_ledger()
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    once_each(emulator)
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_name_that_comes_back_changed_stops_the_load_before_any_execution(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(60, max_bytes=3_000)
    other = {"status": "ok", "data": {"id": "77", "name": "another name"}}
    emulator.fault(
        {
            "method": "POST",
            "path": "/document_imports",
            "after": 1,
            "do": "status",
            "status": 200,
            "body": other,
        }
    )
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 3, done
    assert "another name" in done.err
    assert not any(emulator.executions("1509").values())
    assert workspace.run("apply", "--auto-approve").code == 0


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid
            ):
                found += [int(entry.name), *children(int(entry.name))]
        except OSError:
            continue
    return found


def test_killed_senders_cost_nothing_and_double_nothing(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(60_000, max_bytes=200_000)  # enough for processes to be worth their while
    process = workspace.start("apply", "--auto-approve")
    while not any(emulator.executions("1509").values()):
        time.sleep(0.01)
    leaves = [p for p in children(process.pid) if not children(p)]
    assert len(leaves) > 2
    for pid in leaves[-2:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    _, err = process.communicate(timeout=90)
    assert process.returncode in (0, 3), err
    once_each(emulator)
    assert workspace.run("apply", "--auto-approve").code == 0
    once_each(emulator)


def test_two_compartments_with_one_token_stop_until_one_is_pinned(
    workspace: Workspace, emulator: Emulator
) -> None:
    for name in ("One", "Two"):
        emulator.store.add(
            "compartment",
            "1185",
            {"organisation_id": "1185", "token": "loyalty", "name": name, "archived": False},
        )
    first, second = (c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1, done
    assert first in done.err
    assert second in done.err
    assert emulator.writes() == []
    path = workspace.root / "specs/loyalty.yaml"
    path.write_text(path.read_text().replace("token: loyalty", f'token: loyalty, id: "{second}"'))
    assert workspace.run("apply", "--auto-approve").code == 0
    assert next(c["name"] for c in emulator.compartments() if c["id"] == second) == "Loyalty programme"
    assert next(c["name"] for c in emulator.compartments() if c["id"] == first) == "One"
    assert {a["compartment_id"] for a in emulator.activations("1509")} == {"1000", second}


def test_a_shared_compartment_is_activated_and_never_renamed(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write(
        "specs/shared.yaml",
        """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: partner}
spec: {id: "3000", name: Renamed, activations: retail-de}
""",
    )
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "belongs to another organisation" in done.err
    assert "3000" in {a["compartment_id"] for a in emulator.activations("1510")}
    assert emulator.store.get("compartment", "3000")["name"] == "Shared"  # type: ignore[index]
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_lines_that_name_an_inactive_compartment_are_stopped_before_anything_is_sent(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write(
        "specs/commands.yaml",
        """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm}
spec: {files: [data/c.ndjson], datamarts: retail-fr}
""",
    )
    workspace.write("data/c.ndjson", '{"operation":"DELETE","compartment_id":"1001","user_account_id":"u"}\n')
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 1, done
    assert "1001" in done.err
    assert emulator.writes() == []


def test_deleting_most_lines_trips_the_guard(workspace: Workspace, emulator: Emulator) -> None:
    from tests.support.workspace import CUSTOMERS

    source = CUSTOMERS.replace("update: {force_replace: true}", "operation: DELETE")
    workspace.customers(1200, source=source)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 4, done
    assert "max_delete_lines_percent" in done.err
    assert emulator.writes() == []


def test_imports_are_no_longer_tried_once_one_cannot_be_made(
    workspace: Workspace, emulator: Emulator
) -> None:
    workspace.customers(500, max_bytes=4_000)
    emulator.fault(
        {"method": "POST", "path": "/document_imports", "do": "status", "status": 403, "times": 99}
    )
    done = workspace.run("apply", "--auto-approve", "--parallelism", "1")
    assert done.code == 3, done
    asked = [w for w in emulator.writes() if w["path"].endswith("/document_imports")]
    assert len(asked) == 1
    told = " ".join((done.out + done.err).split())
    assert "could not create a document import" in told, done
    assert "before this import was created" not in told
    emulator.fault()
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == 500
