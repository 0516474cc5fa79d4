"""The emulator's OpenAPI document: valid, complete, and true of what it answers."""

import re
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate

from reconciler.sandbox.openapi import document
from reconciler.sandbox.operations import OPERATIONS
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

DOCUMENT: dict[str, Any] = document("0", "http://127.0.0.1")


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_operation_is_there_and_names_its_section() -> None:
    described = {(m.upper(), p): o for p, ops in DOCUMENT["paths"].items() for m, o in ops.items()}
    assert len(described) == len(OPERATIONS)
    for operation in described.values():
        assert re.fullmatch(r"Contract \d+(\.\d+)?(, \d+(\.\d+)?)*\.", operation["description"])


def _schema(method: str, path: str) -> dict[str, Any]:
    """The schema of a success."""
    for operation in OPERATIONS:
        if operation.method == method and re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", operation.path), path):
            found = DOCUMENT["paths"][operation.path.replace(":path", "")][method.lower()]
            content = found["responses"]["2XX"]["content"]["application/json"]["schema"]
            return {**content, "components": DOCUMENT["components"]}
    raise AssertionError((method, path))


@pytest.mark.parametrize("shape", ["plain", "odd"])
def test_answers_are_as_described(workspace: Workspace, emulator: Emulator, shape: str) -> None:
    """Every GET that an apply sends, asked again, and each object that it made."""
    workspace.customers(20)
    assert workspace.run("apply", "--auto-approve").code == 0
    emulator.switch(shape=shape)
    paths = {r["path"] for r in emulator.requests()} | {
        "/v1/datamarts/1509",
        "/v1/user_account_compartments/1000",
    }
    asked = 0
    with httpx.Client(base_url=emulator.url, headers={"Authorization": "t"}) as http:
        for path in sorted(paths):
            answer = http.get(path, params={"organisation_id": "1185"})
            if answer.status_code == 200 and not path.endswith("/text"):  # that is no JSON
                jsonschema.Draft202012Validator(_schema("GET", path)).validate(answer.json())
                asked += 1
        refused = http.get("/v1/datamarts/1/compartments")
    assert asked >= 7
    error = {"$ref": "#/components/schemas/Error", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(error).validate(refused.json())
