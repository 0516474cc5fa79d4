"""The sandbox's schema: what it answers, and which profiles it would index, by contract 16."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.sandbox.seed import with_files
from tests.support.datamart_schema import EXAMPLE
from tests.support.emulator import Emulator
from tests.unit.test_sandbox import client, load, upserts

AT = "/v1/datamarts/1509/graphdb_runtime_schemas"


def stored(emulator: Emulator, profile: dict[str, Any], **flags: Any) -> tuple[str, list[str]]:
    """Load one profile; whether it would be indexed."""
    flags = flags or {"force_replace": True}
    with client(emulator) as http:
        command = {"operation": "UPSERT", **flags, "user_account_id": "u"}
        load(http, {**command, "user_profile": {"$user_account_id": "u", **profile}})
    return emulator.indexed("1509")["u"]


def rows(http: httpx.Client) -> list[dict[str, Any]]:
    found = http.get(AT).json()["data"]
    assert isinstance(found, list)
    return found


def test_versions_are_listed_with_the_draft_first_and_differ(emulator: Emulator) -> None:
    with client(emulator) as http:
        found = rows(http)
        texts = [http.get(f"{AT}/{r['id']}/text").text for r in found]
        assert [r["status"] for r in found] == ["DRAFT", "LIVE", "ARCHIVED"]
        assert len(set(texts)) == 3
        assert found[0]["publication_date"] is None
        assert "text" not in found[1]
        assert http.get(f"{AT}/{found[1]['id']}").json()["data"] == found[1]
        assert http.get(f"{AT}/999999/text").status_code == 404
        assert http.get(f"/v1/datamarts/1510/graphdb_runtime_schemas/{found[1]['id']}").status_code == 404
        for method in ("POST", "PUT", "DELETE"):
            assert http.request(method, AT, json={}).status_code == 405


def test_types_are_told_without_enums(emulator: Emulator) -> None:
    emulator.schema("1509", EXAMPLE)
    with client(emulator) as http:
        live = next(r["id"] for r in rows(http) if r["status"] == "LIVE")
        names = [t["name"] for t in http.get(f"{AT}/{live}/object_types").json()["data"]]
        deep = http.get(f"{AT}/{live}/object_types/deep").json()["data"]
    assert names == [t["name"] for t in deep] == ["UserPoint", "UserProfile", "PostalAddress", "LoyaltyCard"]
    profile = deep[1]
    assert {f["name"]: f["field_type"] for f in profile["fields"]}["cards"] == "[LoyaltyCard!]"
    table = profile["fields"][1]["directives"][1]["arguments"]
    assert table[1] == {"name": "model_type", "value": '"COMPARTMENTS"'}


LISTS = {
    "draft_first": ["DRAFT", "LIVE", "ARCHIVED"],
    "paged": ["DRAFT", "LIVE", "ARCHIVED"],
    "live_only": ["LIVE"],
    "empty": [],
    "no_live": ["DRAFT", "ARCHIVED"],
    "two_live": ["DRAFT", "LIVE", "LIVE"],
    "published": ["PUBLISHED"] * 3,
}


@pytest.mark.parametrize("switch", LISTS)
def test_how_versions_are_listed_is_a_switch(switch: str, emulator_with: Callable[..., Emulator]) -> None:
    with client(emulator_with(schema_list=switch)) as http:
        assert [r["status"] for r in rows(http)] == LISTS[switch]
        answer = http.get(AT, params={"max_results": "1"}).json()
    assert ("max_results" in answer) == (switch == "paged")
    assert "total" not in answer


FORMS = {
    "plain": ("text/plain", lambda a: a.text),
    "charset": ("text/plain;charset=UTF-8", lambda a: a.text),
    "json_wrapper": ("application/json", lambda a: a.json()["data"]),
    "json_string": ("application/json", lambda a: a.json()),
    "octet_stream": ("application/octet-stream", lambda a: a.content.decode()),
}


@pytest.mark.parametrize("switch", FORMS)
def test_the_form_of_the_text_is_a_switch(switch: str, emulator_with: Callable[..., Emulator]) -> None:
    emulator = emulator_with(schema_text=switch)
    emulator.schema("1509", EXAMPLE)
    with client(emulator) as http:
        live = next(r["id"] for r in rows(http) if r["status"] == "LIVE")
        answer = http.get(f"{AT}/{live}/text")
    kind, text = FORMS[switch]
    assert answer.headers["Content-Type"] == kind
    assert text(answer) == EXAMPLE


GOOD = {"country": "fr"}
VERDICTS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "yes", ""),
    ({"points": 3, "cards": [{"number": "1"}], "interests": []}, "yes", ""),
    ({"birth_date": "1990-05-17", "tier": "GOLD", "usual_device": "SMARTPHONE"}, "yes", ""),
    ({"first_name": None}, "yes", ""),
    ({"elsewhere": 1}, "partly", "elsewhere: not in the schema"),
    ({"postcode": "75001"}, "partly", "postcode: not in the schema"),
    ({"address": {"zip-code": "75001", "street": "x"}}, "yes", ""),
    ({"address": {"floor": 2}}, "partly", "address.floor: not in the schema"),
    ({"points": "many"}, "no", "points: of another type"),
    ({"birth_date": 642902400000}, "no", "birth_date: of another type"),
    ({"last_order_ts": "2024-01-01"}, "no", "last_order_ts: of another type"),
    ({"tier": "PLATINUM"}, "no", "tier: of another type"),
    ({"address": "here"}, "no", "address: of another type"),
    ({"country": None}, "no", "country: null or absent"),
    ({"cards": [{"number": None}]}, "partly", "cards[].number: a list with"),
    ({"interests": ["a", None]}, "partly", "interests[]: a list with"),
]


@pytest.mark.parametrize(("profile", "verdict", "why"), VERDICTS)
def test_which_profiles_are_indexed(
    profile: dict[str, Any], verdict: str, why: str, emulator: Emulator
) -> None:
    emulator.schema("1509", EXAMPLE)
    found, words = stored(emulator, {**GOOD, **profile})
    assert found == verdict, words
    assert why in " ".join(words)


def test_what_the_switches_do_to_a_line(emulator: Emulator) -> None:
    emulator.schema("1509", EXAMPLE)
    with client(emulator) as http:

        def sent(profile: dict[str, Any], **switches: str) -> tuple[int, dict[str, Any]]:
            emulator.switch(**switches)
            result = load(
                http, upserts(user_account_id="v", user_profile={"$user_account_id": "v", **profile})
            )
            bodies = [json.loads(b) for _, account, b in emulator.profiles("1509") if account == "v"]
            return result["result"]["total_failure"], bodies[-1] if bodies else {}

        assert sent({**GOOD, "x": 1}, schema_unknown="failure")[0] == 1
        assert "x" not in sent({**GOOD, "x": 1}, schema_unknown="dropped")[1]
        assert sent({**GOOD, "x": 1}, schema_unknown="stored")[1]["x"] == 1
        assert sent({**GOOD, "points": "many"}, schema_clash="failure")[0] == 1
        assert sent({**GOOD, "birth_date": 5}, schema_clash="coerced")[1]["birth_date"] is None
        assert sent({"country": None}, schema_null="failure")[0] == 1
        assert sent({}, schema_null="failure")[0] == 1
        emulator.switch(schema_null="object_not_indexed", schema_clash="field_not_indexed")
        assert stored(emulator, {**GOOD, "points": "many"})[0] == "partly"
        emulator.switch(schema_nested_null="profile_not_indexed")
        assert stored(emulator, {**GOOD, "interests": [None]})[0] == "no"


def test_the_page_and_the_view_say_what_is_indexed_and_why_not(emulator: Emulator) -> None:
    emulator.schema("1509", EXAMPLE)
    stored(emulator, {**GOOD, "birth_date": 5})
    page = httpx.get(emulator.url).text
    assert "birth_date: of another type than in the schema" in page
    view = httpx.get(emulator.url + "/_sandbox/indexed", params={"datamart": "1509"}).json()["data"]
    assert [(r["user_account_id"], r["indexed"]) for r in view] == [("u", "no")]


def test_a_seed_names_files(tmp_path: Path) -> None:
    (tmp_path / "one.gql").write_text(EXAMPLE)
    made = with_files({"schemas": [{"datamart_id": "1", "file": "one.gql"}]}, tmp_path)
    assert made["schemas"][0]["text"] == EXAMPLE
