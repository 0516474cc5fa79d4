"""Which load a delta is made against, and which index is of a load: rows of the table in `planning/loads/delta.py`."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.source import SourceDefinition, Update
from reconciler.planning.digests import load_digest
from reconciler.planning.loads.delta import (
    Sends,
    base_of,
    grows,
    index_name,
    index_of,
    is_delta_of,
    is_of_all_rows,
    newest,
    prefix,
    scope,
)
from reconciler.planning.loads.generations import Generation

SOURCE = SourceDefinition(
    workspace="shop", source="crm", files=("a.csv",), format="csv", compartments={"loyalty": "7"}
)


def load(
    number: int, digest: str = "a" * 12, *, sealed: bool = True, ids: tuple[str, ...] = ("1",)
) -> Generation:
    key = LoadKey("shop", "crm", number, digest)
    chunks = {ChunkName(key, 1000, 1, 1, "c" * 12, 1): ids}
    return Generation(key, SealName(key, 5, 0) if sealed else None, chunks)


G1, G2, G3 = load(1), load(2, "b" * 12), load(3, "c" * 12)
OPEN = load(3, "c" * 12, sealed=False)


@pytest.mark.parametrize(
    ("found", "executed", "top", "finished"),
    [
        ([], [], None, None),
        ([G1], [], G1, G1),
        ([G1, G2], [], G2, G2),
        ([G1, OPEN], [], G1, G1),  # without an execution it does not count
        ([G1, OPEN], [OPEN.key], OPEN, G1),
        ([OPEN], [OPEN.key], OPEN, None),
        (
            [G1, OPEN, load(3, "d" * 12, sealed=False)],
            [OPEN.key, LoadKey("shop", "crm", 3, "d" * 12)],
            None,
            None,
        ),
    ],
)
def test_the_loads_that_decide(
    found: list[Generation], executed: list[LoadKey], top: Generation | None, finished: Generation | None
) -> None:
    made = newest(found, executed)
    assert (made.top, made.finished) == (top, finished)


def digest(base: str = "") -> str:
    return (load_digest("s", SOURCE.compartments, base) or "")[:12]


def test_a_delta_is_no_load_of_all_rows() -> None:
    whole, delta = load(2, digest()), load(2, digest(base_of(G1, Sends.CHANGED)))
    assert is_of_all_rows(whole, "s", SOURCE)
    assert not is_of_all_rows(delta, "s", SOURCE)
    assert is_delta_of(delta, [G1, delta], "s", SOURCE)
    assert not is_delta_of(whole, [G1, whole], "s", SOURCE)
    assert not is_delta_of(delta, [replace(G1, seal=None), delta], "s", SOURCE)
    assert not is_delta_of(delta, [load(1, "e" * 12), delta], "s", SOURCE)
    assert not is_delta_of(delta, [G1, delta], "t", SOURCE)


def name(**changed: Any) -> str:
    given: dict[str, Any] = {
        "about": scope("https://x", "1185", "1509", "shop"),
        "key": G1.key,
        "seal": SealName(G1.key, 5, 0),
        "imports": {"one": ["1", "2"]},
    }
    return index_name(**(given | changed))


def test_an_index_is_of_one_load_as_it_is_on_the_platform() -> None:
    other = LoadKey("shop", "crm", 1, "b" * 12)
    names = [
        name(),
        name(about=scope("https://y", "1185", "1509", "shop")),
        name(about=scope("https://x", "1190", "1509", "shop")),
        name(about=scope("https://x", "1185", "1510", "shop")),
        name(about=scope("https://x", "1185", "1509", "other")),
        name(key=other),
        name(seal=SealName(G1.key, 4, 1)),
        name(imports={"one": ["1"]}),
        name(imports={"one": ["1", "3"]}),
        name(imports={"two": ["1", "2"]}),
        name(key=replace(G1.key, source="crm-old")),
    ]
    assert len(set(names)) == len(names)
    assert name(imports={"one": ["2", "1"]}) == names[0]
    assert names[0].startswith(prefix(scope("https://x", "1185", "1509", "shop"), "crm") + "g1.")


def test_a_listing_names_the_index_that_the_run_wrote() -> None:
    about = scope("https://x", "1185", "1509", "shop")
    (chunk,) = G1.chunks
    assert index_of(about, G1) == index_name(about, G1.key, SealName(G1.key, 5, 0), {str(chunk): ("1",)})


@pytest.mark.parametrize(
    ("source", "safe", "may_grow"),
    [
        (SOURCE, False, False),
        (replace(SOURCE, update=Update(merge_objects=True)), False, True),
        (replace(SOURCE, update=Update(merge_objects=True, force_replace=True)), True, False),
        (replace(SOURCE, format="commands"), False, True),
        (replace(SOURCE, format="commands"), True, False),
    ],
)
def test_lists_grow_where_objects_are_merged(source: SourceDefinition, safe: bool, may_grow: bool) -> None:
    assert grows(source, replay_safe=safe) is may_grow
