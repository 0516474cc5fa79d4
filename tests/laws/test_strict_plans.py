"""A saved plan that anybody may have written: decoded, or refused by name. Nothing else ever comes out."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Refused
from reconciler.model.plan import Budget, Change, LoadChange, Plan, ResourceChange, Summary
from reconciler.model.source import Identifier, SourceDefinition
from reconciler.planning.digests import plan_digest, sealed
from reconciler.planning.plan.document import decode, encode

SOURCE = SourceDefinition(
    workspace="retail",
    source="crm",
    files=("data/a.csv",),
    format="csv",
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="loyalty"),),
    compartments={"loyalty": None},
)
KEY = {"datamart_id": "1509", "compartment_id": None}
PLAN = sealed(
    Plan(
        format_version="2.0",
        tool_version="0.1.0",
        workspace="retail",
        organisation_id="1185",
        endpoint="https://api.mediarithmics.com",
        environment=None,
        spec_digest="s",
        complete=True,
        errored=False,
        applyable=True,
        resource_changes=(
            ResourceChange(
                address="Compartment/loyalty",
                kind="Compartment",
                change=Change(
                    actions=("create",),
                    before=None,
                    after={"organisation_id": "1185", "token": "loyalty", "name": "Loyalty"},
                ),
                reason="no compartment has the token",
            ),
            ResourceChange(
                address="Activation/loyalty@retail-fr",
                kind="Activation",
                change=Change(
                    actions=("create",), before=None, after=KEY, after_unknown={"compartment_id": True}
                ),
                reason="the compartment does not exist yet",
                requires=("Compartment/loyalty",),
            ),
        ),
        loads=(
            LoadChange(
                address="ProfileSource/crm@retail-fr",
                datamart="retail-fr",
                datamart_id="1509",
                generation=1,
                source_digest="d",
                load_digest=None,
                chunks=1,
                lines=10,
                bytes=100,
                upserts=10,
                deletes=0,
                rejected=0,
                replay_safe=True,
                unfinished={},
                actions=("execute",),
                reason="first load",
                requires=("Activation/loyalty@retail-fr",),
                definition=msgspec.to_builtins(SOURCE),
            ),
        ),
        summary=Summary(create=2, execute=1),
        budget=Budget(requests=9, bytes=100),
        created_at="2026-01-02T03:04:05.678+00:00",
    )
)


def written(document: Any) -> bytes:
    """As somebody would write it who knows how digests are made."""
    if isinstance(document, dict):
        document = {**document, "plan_digest": plan_digest(document)}
    return json.dumps(document).encode()


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(p for k, v in inner for p in paths(v, (*here, k)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


DOCUMENT = json.loads(encode(PLAN))
ODD = st.sampled_from(
    [None, True, 0, -1, 10**30, 1.5, 1e308, "", "x", "../../etc/passwd", "\ud800", [], {}, [[]], {"a": {}}, ["create"], ["delete"], "Compartment/"]
)  # fmt: skip


def test_a_plan_is_read_back() -> None:
    assert encode(decode(encode(PLAN).encode(), "p")) == encode(PLAN)
    assert encode(decode(written(DOCUMENT), "p")) == encode(PLAN)


def test_a_plan_that_says_something_else_has_no_seal() -> None:
    other = sealed(msgspec.structs.replace(PLAN, seal="a" * 64, applyable=not PLAN.applyable))
    assert (other.seal, other.plan_digest != PLAN.plan_digest) == ("", True)


@given(st.sampled_from(paths(DOCUMENT)), ODD)
def test_any_odd_value_is_refused_or_read(path: tuple[Any, ...], odd: Any) -> None:
    try:
        text = written(changed(DOCUMENT, path, odd))
    except (UnicodeEncodeError, msgspec.ValidationError):
        text = json.dumps(changed(DOCUMENT, path, odd)).encode()
    with contextlib.suppress(Refused):  # anything else that is raised is a fault
        assert isinstance(decode(text, "p"), Plan)


@given(st.sampled_from([p for p in paths(DOCUMENT) if p]))
def test_an_unknown_field_is_refused(path: tuple[Any, ...]) -> None:
    value = DOCUMENT
    for key in path:
        value = value[key]
    free = {
        "after",
        "before",
        "after_unknown",
        "unfinished",
        "compartments",
        "types",
        "rename",
        "constants",
        "map",
    }
    if isinstance(value, dict) and path[-1] not in free and "definition" not in path[:-1]:
        with pytest.raises(Refused):
            decode(written(changed(DOCUMENT, path, {**value, "more": 1})), "p")


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_refused(text: bytes) -> None:
    with pytest.raises(Refused):
        decode(text, "p")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("loads", 0, "definition", "max_bytes"), 0, "max_bytes"),
        (("loads", 0, "definition", "max_bytes"), 100_000_000, "max_bytes"),
        (("loads", 0, "definition", "source"), "other", "another source"),
        (("loads", 0, "definition", "workspace"), "other", "another source"),
        (("loads", 0, "definition", "more"), "x", "unknown field"),
        (("loads", 0, "definition", "allow"), "101 %", "allow"),
        (("loads", 0, "definition", "files"), "data", "definition"),
        (("loads", 0, "generation"), 0, "generation"),
        (("loads", 0, "lines"), -1, "count"),
        (("loads", 0, "datamart"), "retail-de", "address"),
        (("loads", 0, "actions"), ["delete"], "actions"),
        (("loads", 0, "wave"), "canary", "no wave"),
        (("resource_changes", 0, "kind"), "Activation", "address"),
        (("resource_changes", 0, "change", "actions"), ["delete"], "actions"),
        (("resource_changes", 0, "change", "after"), None, "after"),
        (("resource_changes", 0, "change", "after", "token"), 5, "token"),
        (("resource_changes", 1, "change", "after", "default"), 1, "default"),
        (("resource_changes", 1, "address"), "Activation/loyalty", "address"),
        (("resource_changes", 1, "requires"), ["Compartment/other"], "requires"),
        (("resource_changes", 1, "address"), "Compartment/loyalty", "twice"),
        (("created_at",), "yesterday", "created_at"),
        (("created_at",), "2026-01-02T03:04:05", "created_at"),
    ],
)
def test_each_rule(path: tuple[Any, ...], value: Any, words: str) -> None:
    parent = DOCUMENT
    for key in path[:-1]:
        parent = parent[key]
    document = changed(
        DOCUMENT, path[:-1], {**parent, path[-1]: value} if isinstance(parent, dict) else value
    )
    with pytest.raises(Refused, match=words):
        decode(written(document), "p")


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": 1, "a": 1}', "[" * 100_000, '{"format_version": "1.0", "x": Infinity}']
)
def test_json_that_is_none(text: str) -> None:
    with pytest.raises(Refused, match="not valid JSON"):
        decode(text.encode(), "p")
