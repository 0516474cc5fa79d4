"""The sandbox, tried by a client that nobody here wrote: the vendor's plugin SDK from npm (contract 1, 2, 3)."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.npm import installed

pytestmark = pytest.mark.slow

VERSION = "0.28.2"
CALLS = Path(__file__).parents[1] / "support" / "plugin_sdk.js"


def asked(emulator: Emulator, datamart: str, token: str = "any") -> dict[str, Any]:
    folder = installed("@mediarithmics/plugins-nodejs-sdk", VERSION)
    done = subprocess.run(
        ["node", str(CALLS), str(folder), emulator.url, token, "1185", datamart],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_the_sdk_lists_the_datamarts_of_the_organisation(emulator: Emulator) -> None:
    found = asked(emulator, "1509")["datamarts"]["answer"]
    assert found["status"] == "ok"
    assert {"1509", "1510"} <= {row["id"] for row in found["data"]}
    assert {row["organisation_id"] for row in found["data"]} == {"1185"}
    declared = (
        "id name organisation_id token creation_date time_zone type datafarm storage_model_version region"
    )
    assert set(declared.split()) - set(found["data"][0]) == set()


def test_the_sdk_lists_the_compartments_of_a_datamart(emulator: Emulator) -> None:
    found = asked(emulator, "1509")["compartments"]["answer"]
    assert found["status"] == "ok"
    assert all({"id", "token", "default", "name"} <= set(row) for row in found["data"])


def test_the_sdk_is_told_of_an_unknown_datamart_as_the_platform_tells(emulator: Emulator) -> None:
    found = asked(emulator, "404404")["compartments"]
    assert "got a 404" in found["error"]


def test_the_sdk_is_refused_where_every_token_is(emulator_with: Callable[..., Emulator]) -> None:
    emulator = emulator_with()
    emulator.fault({"do": "status", "status": 401, "path": "/v1/datamarts"})
    assert "got a 401" in asked(emulator, "1509")["datamarts"]["error"]
