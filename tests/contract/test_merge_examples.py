"""The worked merge of the contract, as a table: over the emulator's whole way, and by the product's own prediction."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds.merge import merged
from tests.support.emulator import Emulator
from tests.unit.test_sandbox import client, load

TABLE = json.loads((Path(__file__).parents[1] / "data/merge_examples.json").read_text())["examples"]
COMPARTMENT, ACCOUNT = "3000", "u-1"
OWNER = {"$compartment_id": COMPARTMENT, "$user_account_id": ACCOUNT}
Example = dict[str, Any]


def commands(example: Example) -> list[dict[str, Any]]:
    """The line that stores what was there before, if anything was, and the line of the example."""
    head = {"operation": "UPSERT", "compartment_id": COMPARTMENT, "user_account_id": ACCOUNT}
    lines = []
    if example["stored"] is not None:
        lines.append({**head, "force_replace": True, "user_profile": {**OWNER, **example["stored"]}})
    command = {**head, **example["command"]}
    if "user_profile" in command and not example.get("bare"):
        command["user_profile"] = {**OWNER, **command["user_profile"]}
    return [*lines, command]


@pytest.mark.parametrize("example", TABLE, ids=lambda e: e["name"])
def test_the_sandbox_merges_as_the_table_says(example: Example, emulator: Emulator) -> None:
    with client(emulator) as http:
        http.post("/v1/datamarts/1509/compartments", json={"compartment_id": COMPARTMENT})
        for line in commands(example):
            assert load(http, line)["result"]["total_success"] == 1
    stored = {}
    for compartment, account, body in emulator.profiles("1509"):
        stored[compartment, account] = {k: v for k, v in json.loads(body).items() if not k.startswith("$")}
    expected = {} if example["result"] is None else {(COMPARTMENT, ACCOUNT): example["result"]}
    if "beside" in example:
        expected["1000", ""] = example["beside"]
    assert stored == expected


@pytest.mark.parametrize("example", [e for e in TABLE if not e.get("bare")], ids=lambda e: e["name"])
def test_the_product_predicts_the_same(example: Example) -> None:
    stored = None if example["stored"] is None else {**OWNER, **example["stored"]}
    found = merged(stored, commands(example)[-1])
    assert found == (None if example["result"] is None else {**OWNER, **example["result"]})
