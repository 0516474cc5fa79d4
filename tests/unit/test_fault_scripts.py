"""Fault scripts: what each action does, which requests it acts on, and what a wrong script is told."""

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.cli.fault_scripts import fault_script
from reconciler.sandbox.faults import ACTIONS, Fault, read
from tests.support.emulator import Emulator
from tests.unit.test_sandbox import client, load, upserts

pytestmark = pytest.mark.slow

READY = (
    "did-it-happen",
    "flaky-friday",
    "lost-executions",
    "proxy-in-between",
    "rate-limited",
    "silent-drops",
    "slow-listings",
    "thin-line",
    "token-expires-midway",
)


def acted(rule: dict[str, Any], requests: int) -> list[int]:
    """Numbers of the requests, from 1, on which a rule acts."""
    dice, fault = random.Random(1), Fault(**rule)
    return [n for n in range(1, requests + 1) if fault.acts_on("GET", "/v1/datamarts", dice)]


def test_which_requests_a_rule_acts_on() -> None:
    assert acted({"do": "html"}, 5) == [1]
    assert acted({"do": "html", "after": 2, "times": 2}, 9) == [3, 4]
    assert acted({"do": "html", "nth": 4}, 9) == [4]
    assert acted({"do": "html", "after": 3, "times": 0}, 6) == [4, 5, 6]
    assert acted({"do": "html", "method": "POST"}, 5) == []
    assert acted({"do": "html", "path": "/datamarts", "times": 0}, 2) == [1, 2]
    assert acted({"do": "html", "path": "/datamarts*", "times": 0}, 2) == []
    assert acted({"do": "html", "path": "/v1/*", "times": 0}, 2) == [1, 2]
    some = acted({"do": "html", "probability": 0.3}, 1000)
    assert 230 < len(some) < 370
    assert some == acted({"do": "html", "probability": 0.3}, 1000)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([{"do": "explode"}], "rule 1: unknown action 'explode'"),
        ([{"do": "html"}, {"do": "delay", "status": 3}], "rule 2: delay takes no 'status'"),
        ([{"do": "delay", "seconds": "soon"}], "seconds cannot be 'soon'"),
        ([{"do": "delay", "seconds": -1}], "seconds cannot be -1"),
        ([{"do": "status", "status": 7}], "status cannot be 7"),
        ([{"do": "status", "status": "FAILED"}], "status cannot be 'FAILED'"),
        ([{"do": "ended", "status": 500}], "status cannot be 500"),
        ([{"do": "status", "headers": []}], "headers cannot be []"),
        (["html"], "unknown action 'html'"),
        ({"fault": []}, "unknown field 'fault'"),
        ({"faults": {"do": "html"}}, "'faults' is a list"),
        ({"seed": 1}, "'faults' is a list"),
    ],
)
def test_a_wrong_script_says_where(script: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("[", r"\[").replace("(", r"\(")):
        read(script)


def test_the_ready_scripts_are_scripts() -> None:
    for name in READY:
        found = fault_script(name)
        assert found["name"] == name
        assert found["about"]
        assert read(found).rules
    used = {rule["do"] for name in READY for rule in fault_script(name)["faults"]}
    assert used == ACTIONS.keys()


# -- what the actions do --------------------------------------------------------------------------------------------

POINT = "/v1/datamarts/1509/user_points/compartment_id=1000,user_account_id={}/user_profiles"
IMPORTS = "/v1/datamarts/1509/document_imports"
NEW = {"name": "late", "document_type": "USER_PROFILE"}


def test_list_lag_hides_what_its_request_wrote_and_nothing_else(emulator: Emulator) -> None:
    emulator.fault({"do": "list_lag", "method": "POST", "reads": 2, "nth": 2})
    with client(emulator) as http:
        for name in ("first", "second", "third"):
            assert http.post(IMPORTS, json={**NEW, "name": name}).status_code == 200
        shown = [[r["name"] for r in http.get(IMPORTS).json()["data"]] for _ in range(3)]
    assert shown == [["first", "third"], ["first", "third"], ["first", "second", "third"]]


def test_throttle_takes_its_time(emulator: Emulator) -> None:
    emulator.fault({"do": "throttle", "bytes_per_second": 100_000, "path": "/executions"})
    lines = [upserts(user_account_id=f"u{n}", user_profile={"text": "x" * 900}) for n in range(30)]
    begun = time.monotonic()
    with client(emulator) as http:
        assert load(http, *lines)["result"]["total_success"] == 30
    assert time.monotonic() - begun > 0.25


@pytest.mark.parametrize("word", ["LOST", "FAILED", "EXECUTOR_NOT_RESPONDING"])
def test_an_execution_ends_in_the_scripted_state_and_does_nothing(emulator: Emulator, word: str) -> None:
    emulator.fault({"do": "ended", "status": word, "path": "/executions"})
    with client(emulator) as http:
        row = load(http, upserts(user_account_id="u1", user_profile={}))
    assert row["status"] == word
    assert emulator.profiles("1509") == []


def test_a_stuck_execution_lets_others_pass(emulator: Emulator) -> None:
    emulator.fault({"do": "stuck", "path": "/executions", "method": "POST"})
    with client(emulator) as http:
        made = http.post(IMPORTS, json=NEW).json()["data"]["id"]
        line = b'{"operation":"DELETE","user_account_id":"u"}\n'
        head = {"Content-Type": "application/x-ndjson"}
        http.post(f"{IMPORTS}/{made}/executions", content=line, headers=head)
        assert load(http, upserts(user_account_id="u1", user_profile={}))["status"] == "SUCCEEDED"
        assert http.get(f"{IMPORTS}/{made}/executions").json()["data"][0]["status"] == "RUNNING"
        emulator.sandbox.processor.unstick()
        deadline = time.monotonic() + 10
        while http.get(f"{IMPORTS}/{made}/executions").json()["data"][0]["status"] != "SUCCEEDED":
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_consent_drops_count_as_successes(emulator: Emulator) -> None:
    emulator.fault({"do": "consent_drop", "share": 0.3, "path": "/executions"})
    with client(emulator) as http:
        row = load(
            http,
            *(
                upserts(user_account_id=f"u{n}", user_profile={"$user_account_id": f"u{n}"})
                for n in range(200)
            ),
        )
    assert row["result"] | {"input_file_uri": ""} == {
        "total_success": 200,
        "total_failure": 0,
        "input_file_uri": "",
    }
    assert 120 <= len(emulator.profiles("1509")) <= 160


# -- switches that are not about listings ----------------------------------------------------------------------------


def test_profiles_show_late(emulator: Emulator) -> None:
    emulator.switch(profile_lag_reads=2)
    line = {"$user_account_id": "u1", "$compartment_id": "1000", "tier": "gold"}
    with client(emulator) as http:
        load(http, upserts(user_account_id="u1", user_profile=line))
        seen = [len(http.get(POINT.format("u1")).json()["data"]) for _ in range(3)]
        assert seen == [0, 0, 1]
        load(http, upserts(user_account_id="u1", user_profile={**line, "tier": "silver"}))
        tiers = [http.get(POINT.format("u1")).json()["data"][0]["tier"] for _ in range(3)]
    assert tiers == ["gold", "gold", "silver"]


@pytest.mark.parametrize("order", ["fifo", "shuffled", "parallel"])
def test_executions_are_worked_off_in_the_order_of_a_switch(emulator: Emulator, order: str) -> None:
    emulator.switch(order=order, pending_seconds=0.3, running_seconds=0.05)
    head = {"Content-Type": "application/x-ndjson"}
    with client(emulator) as http:
        ids = [http.post(IMPORTS, json={**NEW, "name": str(n)}).json()["data"]["id"] for n in range(6)]
        for identity in ids:
            http.post(
                f"{IMPORTS}/{identity}/executions",
                content=b'{"operation":"DELETE","email_hash":"u"}\n',
                headers=head,
            )
        deadline = time.monotonic() + 10
        while True:
            rows = [http.get(f"{IMPORTS}/{i}/executions").json()["data"][0] for i in ids]
            if all(r["status"] == "SUCCEEDED" for r in rows):
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)
    starts = [r["start_date"] for r in rows]
    if order == "parallel":
        assert max(starts) - min(starts) < 300
    else:
        assert max(starts) - min(starts) >= 5 * 50
        assert (starts == sorted(starts)) is (order == "fifo")


def test_removal_is_a_switch(emulator: Emulator) -> None:
    with client(emulator) as http:
        made = http.post(
            "/v1/user_account_compartments", json={"organisation_id": "1185", "token": "t", "name": "T"}
        )
        path = f"/v1/user_account_compartments/{made.json()['data']['id']}"
        active = http.post(
            "/v1/datamarts/1509/compartments", json={"compartment_id": made.json()["data"]["id"]}
        )
        selection = f"/v1/datamarts/1509/compartments/{active.json()['data']['id']}"
        for answer in (http.delete(path), http.delete(selection), http.put(path, json={"archived": True})):
            assert answer.status_code == 405
        emulator.switch(removal="works")
        assert http.put(path, json={"archived": True}).json()["data"]["archived"] is True
        assert http.delete(selection).status_code == 200
        assert http.delete(path).status_code == 200
        assert http.get(path).status_code == 404


# -- the emulator's own death ----------------------------------------------------------------------------------------


def serve(folder: Path, *switches: str) -> tuple["subprocess.Popen[str]", str]:
    command = [sys.executable, "-m", "reconciler", "sandbox", "serve", "--port", "0", "--state", str(folder)]
    for switch in switches:
        command += ["--switch", switch]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    return process, next(w for w in process.stderr.readline().split() if w.startswith("http"))


def profile(n: int) -> str:
    return f"/v1/datamarts/1509/user_points/compartment_id=1000,user_account_id=u{n}/user_profiles"


def test_it_survives_its_own_kill_in_the_middle_of_an_execution(tmp_path: Path) -> None:
    """Lists grow by one element for each time that a line is applied."""
    lines = b"".join(
        b'{"operation":"UPSERT","user_account_id":"u%d","force_replace":false,"merge_objects":true,"user_profile":{"$user_account_id":"u%d","seen":[1]}}\n'
        % (n, n)
        for n in range(30_000)
    )
    process, url = serve(tmp_path, "running_seconds=0", "pending_seconds=0")
    head = {"Authorization": "t", "Content-Type": "application/x-ndjson"}
    try:
        made = httpx.post(url + IMPORTS, json=NEW, headers={"Authorization": "t"}, timeout=60).json()["data"][
            "id"
        ]
        httpx.post(f"{url}{IMPORTS}/{made}/executions", content=lines, headers=head, timeout=60)
        deadline = time.monotonic() + 60
        while (
            httpx.get(url + profile(0), headers=head, timeout=60).status_code != 200
        ):  # some lines are applied
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    process, url = serve(tmp_path)
    try:
        row = httpx.get(f"{url}{IMPORTS}/{made}/executions", headers=head, timeout=60).json()["data"][0]
        assert row["status"] != "SUCCEEDED", "it was killed too late"
        deadline = time.monotonic() + 120
        while True:
            row = httpx.get(f"{url}{IMPORTS}/{made}/executions", headers=head, timeout=60).json()["data"][0]
            if row["status"] == "SUCCEEDED":
                break
            assert time.monotonic() < deadline, row
            time.sleep(0.1)
        assert row["result"]["total_success"] == 30_000
        for n in range(0, 30_000, 997):
            assert httpx.get(url + profile(n), headers=head, timeout=60).json()["data"][0]["seen"] == [1]
    finally:
        process.kill()
        process.communicate()
