"""The emulator against the contract: the merge table, the identity rule, reading back, uploads."""

import json
import time
from typing import Any

import httpx
import pytest

from reconciler.sandbox.merge import upsert
from tests.support.emulator import Emulator

STORED = {"a": 1, "o": {"x": 1, "y": {"z": 1}}, "l": ["value1"], "gone": True}
GIVEN = {"a": 2, "o": {"y": {"w": 2}}, "l": ["value2"]}
TABLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"force_replace": True}, GIVEN),
    ({"force_replace": True, "merge_objects": True}, GIVEN),
    ({"force_replace": False}, {**GIVEN, "gone": True}),
    ({"force_replace": False, "merge_objects": False}, {**GIVEN, "gone": True}),
    (
        {"force_replace": False, "merge_objects": True},
        {"a": 2, "o": {"x": 1, "y": {"z": 1, "w": 2}}, "l": ["value1", "value2"], "gone": True},
    ),
    ({"update_strategy": "FORCE_REPLACE"}, GIVEN),
]


@pytest.mark.parametrize(("flags", "result"), TABLE)
def test_the_merge_table(flags: dict[str, Any], result: dict[str, Any]) -> None:
    assert upsert(STORED, GIVEN, flags, array_merge="concatenate", null_merge="stored") == result


def test_merge_switches() -> None:
    flags = {"force_replace": False, "merge_objects": True}
    assert upsert({"l": [1]}, {"l": [1, 2]}, flags, array_merge="deduplicate", null_merge="stored") == {
        "l": [1, 2]
    }
    assert upsert({"l": [1]}, {"l": [1, 2]}, flags, array_merge="concatenate", null_merge="stored") == {
        "l": [1, 1, 2]
    }
    assert upsert({"a": 1, "b": 2}, {"a": None}, flags, array_merge="concatenate", null_merge="removed") == {
        "b": 2
    }


def client(emulator: Emulator) -> httpx.Client:
    return httpx.Client(base_url=emulator.url, headers={"Authorization": "any"})


def load(http: httpx.Client, *lines: dict[str, Any], multipart: bool = False) -> dict[str, Any]:
    made = http.post(
        "/v1/datamarts/1509/document_imports", json={"name": "t", "document_type": "USER_PROFILE"}
    ).json()["data"]
    path = f"/v1/datamarts/1509/document_imports/{made['id']}/executions"
    body = "".join(json.dumps(x) + "\n" for x in lines)
    if multipart:
        sent = http.post(
            path,
            files={"file": ("in.ndjson", body, "application/x-ndjson")},
            data={"type": "application/x-ndjson"},
        )
    else:
        sent = http.post(path, content=body, headers={"Content-Type": "application/x-ndjson"})
    assert sent.json()["data"]["status"] == "PENDING"
    while (row := http.get(path).json()["data"][0])["status"] in ("PENDING", "RUNNING"):
        time.sleep(0.01)
    assert isinstance(row, dict)
    return row


def upserts(**fields: Any) -> dict[str, Any]:
    return {"operation": "UPSERT", "force_replace": True, **fields}


@pytest.mark.parametrize("multipart", [False, True])
def test_identity_is_not_inherited_from_the_line(multipart: bool, emulator: Emulator) -> None:
    with client(emulator) as http:
        row = load(
            http,
            upserts(compartment_id="1000", user_account_id="u1", user_profile={"tier": "gold"}),
            upserts(
                compartment_id="1000",
                user_account_id="u2",
                user_profile={"$compartment_id": "1000", "$user_account_id": "u2", "tier": "gold"},
            ),
            upserts(compartment_id="1001", user_account_id="u3", user_profile={}),
            multipart=multipart,
        )
        assert (row["status"], row["result"]["total_success"], row["result"]["total_failure"]) == (
            "SUCCEEDED",
            2,
            1,
        )
        assert row["error"]["message"]
        errors = http.get("/v1/data_file/data", params={"uri": row["result"]["error_file_uri"]}).text
        assert json.loads(errors)["line"] == 3
        stored = {}
        for account in ("u1", "u2"):
            identifiers = http.get(
                f"/v1/datamarts/1509/user_identifiers/compartment_id=1000/user_account_id={account}"
            ).json()["data"]
            point = next(i["user_point_id"] for i in identifiers if i["type"] == "USER_POINT")
            stored[account] = http.get(f"/v1/datamarts/1509/user_points/{point}/user_profiles").json()[
                "data"
            ][0]
        assert "$user_account_id" not in stored["u1"], "anonymous: the trap of contract 7.2"
        assert stored["u2"]["$user_account_id"] == "u2"
        missing = http.get("/v1/datamarts/1509/user_identifiers/email_hash=none")
        assert (missing.status_code, missing.json()["error"]) == (404, "Resource Not Found")


def test_a_file_that_is_no_command_lines_is_refused_at_upload(emulator: Emulator) -> None:
    with client(emulator) as http:
        made = http.post(
            "/v1/datamarts/1509/document_imports", json={"name": "t", "document_type": "USER_PROFILE"}
        ).json()["data"]
        path = f"/v1/datamarts/1509/document_imports/{made['id']}/executions"
        for content, kind in (
            (b"[\n {}\n]", "application/x-ndjson"),
            (b"{}", "application/x-ndjson"),
            (b"x", "text/plain"),
        ):
            answer = http.post(path, content=content, headers={"Content-Type": kind})
            assert answer.status_code == 400
            assert answer.json()["error_id"]
        assert http.get(path).json()["data"] == []


def test_an_incomplete_upload_has_no_effect(emulator: Emulator) -> None:
    import socket

    with client(emulator) as http:
        made = http.post(
            "/v1/datamarts/1509/document_imports", json={"name": "t", "document_type": "USER_PROFILE"}
        ).json()["data"]
        path = f"/v1/datamarts/1509/document_imports/{made['id']}/executions"
        host, port = emulator.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: t\r\nContent-Type: application/x-ndjson\r\nContent-Length: 100\r\n\r\n".encode()
                + b'{"operation":"DELETE"}\n'
            )
        time.sleep(0.2)
        assert http.get(path).json()["data"] == []


def test_cancel_works_only_while_pending(emulator: Emulator) -> None:
    emulator.switch(pending_seconds=60)
    with client(emulator) as http:
        made = http.post(
            "/v1/datamarts/1509/document_imports", json={"name": "t", "document_type": "USER_PROFILE"}
        ).json()["data"]
        path = f"/v1/datamarts/1509/document_imports/{made['id']}/executions"
        row = http.post(
            path, content=b'{"operation":"DELETE"}\n', headers={"Content-Type": "application/x-ndjson"}
        ).json()["data"]
        for status in (200, 400):
            assert http.post(f"{path}/{row['id']}/action", json={"action": "CANCEL"}).status_code == status
        assert http.get(f"{path}/{row['id']}").json()["data"]["status"] == "CANCELED"


def test_lists_wrap_and_page(emulator: Emulator) -> None:
    with client(emulator) as http:
        body = http.get(
            "/v1/datamarts", params={"organisation_id": "1185", "first_result": 1, "max_results": 2}
        ).json()
        assert {k: body[k] for k in ("status", "count", "first_result", "max_results", "total")} == {
            "status": "ok",
            "count": 2,
            "first_result": 1,
            "max_results": 2,
            "total": 4,
        }
        assert all(isinstance(r["id"], str) for r in body["data"])
        assert (
            len(
                http.get("/v1/datamarts", params={"organisation_id": "1185", "archived": "false"}).json()[
                    "data"
                ]
            )
            == 3
        )
        assert (
            len(http.get("/v1/datamarts/1509/compartments", params={"default": "true"}).json()["data"]) == 1
        )
        assert http.delete("/v1/user_account_compartments/1000").status_code == 405


def test_control_takes_no_form_of_another_site(emulator: Emulator) -> None:
    with client(emulator) as http:
        assert (
            http.post("/_sandbox/control", content="{}", headers={"Content-Type": "text/plain"}).status_code
            == 415
        )
        assert http.post("/_sandbox/control", json={"switches": {"nonsense": 1}}).status_code == 400
        assert http.post("/_sandbox/control", json={"switches": {"page_cap": 3}}).status_code == 200
        assert emulator.sandbox.switches.page_cap == 3
