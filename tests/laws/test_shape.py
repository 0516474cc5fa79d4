"""The compiled schema and jsonschema agree on every document: what decides and what explains must never differ."""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.spec.catalogue import catalogue
from reconciler.spec.documents import parse
from reconciler.spec.schema import KINDS, good, schema
from reconciler.spec.shape import compile_schema
from reconciler.spec.validate import validate, validator
from tests.support.specs import FILES

SEEDS: list[Any] = [
    document.data
    for files in (FILES, *(r.good for r in catalogue().values()), *(r.bad for r in catalogue().values()))
    for name, text in files.items()
    if name.endswith(".yaml")
    for document in parse("x.yaml", text.encode())[0]
    if isinstance(document.data, dict) and document.data.get("kind") in KINDS
]
SEEDS += [
    {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": "x"}, "spec": example}
    for kind in KINDS
    for example in [{}, *schema()["definitions"][kind]["properties"]["spec"].get("examples", [])]
]
STRANGE = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    10**20,
    "",
    "1185",
    "1185\n",
    "retail-fr",
    "x" * 70,
    "30s",
    "1%",
    "64MB",
]
STRANGE += [
    "all",
    "rest",
    [],
    [""],
    ["a"],
    [1],
    {},
    {"env": "X"},
    {"env": "X", "file": "y"},
    {"datamarts": "all"},
]


def mutated(data: Any, chance: random.Random) -> Any:
    """A copy with one thing changed somewhere."""
    made = copy.deepcopy(data)
    path: list[Any] = []
    here = made
    while isinstance(here, dict | list) and here and (not path or chance.random() < 0.8):
        key = chance.choice(list(here)) if isinstance(here, dict) else chance.randrange(len(here))
        path.append((here, key))
        here = here[key]
    parent, key = path[-1]
    match chance.randrange(4):
        case 0:
            parent[key] = copy.deepcopy(chance.choice(STRANGE))
        case 1:
            del parent[key]
        case 2 if isinstance(parent, dict):
            parent[chance.choice(["x", "name", "id", "environment", "except", "a b", "Ü"])] = chance.choice(
                STRANGE
            )
        case _:
            parent[key] = [parent[key]]
    return made


@given(st.integers(0, 2**40))
def test_they_agree_on_documents_with_a_few_things_changed(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        data = chance.choice(SEEDS)
        for _ in range(chance.randint(0, 3)):
            data = mutated(data, chance) if data else data
        for kind in KINDS:
            assert good(kind)(data) == (next(validator(kind).iter_errors(data), None) is None), (kind, data)


@given(st.integers(0, 2**40))
def test_a_document_has_findings_exactly_if_it_is_not_good_and_all_have_places(seed: int) -> None:
    chance = random.Random(seed)
    data = chance.choice(SEEDS)
    for _ in range(chance.randint(0, 3)):
        data = mutated(data, chance) if data else data
    documents, _ = parse("x.yaml", json.dumps(data).encode())
    for document in documents:
        findings = validate(document)
        kind = document.data.get("kind")
        assert bool(findings) == (kind not in KINDS or not good(kind)(document.data))
        assert all(
            d.span is not None and d.message != "the document does not match the schema" for d in findings
        )


def test_the_bundle_dispatches_on_kind_as_its_parts_do() -> None:
    whole = Draft7Validator(schema())
    Draft7Validator.check_schema(schema())
    for data in SEEDS:
        mine = good(data["kind"])(data)
        stock = whole.is_valid(data)
        assert mine == stock, data


def test_patterns_end_where_the_text_ends() -> None:
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Compartment",
        "metadata": {"name": "x"},
        "spec": {"id": "1\n"},
    }
    assert not good("Compartment")(document)
    assert next(validator("Compartment").iter_errors(document), None) is not None


@pytest.mark.parametrize(
    "keyword", ["format", "contains", "dependencies", "not", "uniqueItems", "multipleOf"]
)
def test_an_unknown_keyword_is_refused(keyword: str) -> None:
    with pytest.raises(ValueError, match=keyword):
        compile_schema({keyword: True}, {})


def fields(node: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every declared field of the bundle, with its schema; conditions aside."""
    found: list[tuple[str, Any]] = []
    if isinstance(node, dict):
        for name, inner in (
            node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ()
        ):
            found += [(f"{path}.{name}", inner), *fields(inner, f"{path}.{name}")]
        for key, inner in node.items():
            if key not in ("properties", "if", "examples", "required"):
                found += fields(inner, path if key in ("allOf", "then", "items") else f"{path}/{key}")
    elif isinstance(node, list):
        for inner in node:
            found += fields(inner, path)
    return found


def test_every_field_has_a_description_and_an_example_that_is_good() -> None:
    bundle = schema()
    every = [(p, f) for p, f in fields(bundle["definitions"]) if not p.startswith("/Workspace.spec.rules.")]
    every = [(p, f) for p, f in every if "/else" not in p or "description" in f or "properties" in f]
    assert len(every) > 100
    for path, field in every:
        target = bundle["definitions"][field["$ref"].rsplit("/")[-1]] if "$ref" in field else field
        if set(target) <= {"type", "required", "additionalProperties", "anyOf", "oneOf"}:
            continue  # a condition on a field that is described where it is declared
        assert target.get("description"), path
        if "properties" in target or path.endswith((".spec", ".metadata")):
            continue  # its fields have examples of their own
        assert target.get("examples"), path
        check = compile_schema(target, bundle["definitions"])
        assert all(check(example) for example in target["examples"]), path
