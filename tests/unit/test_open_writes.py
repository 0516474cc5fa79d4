"""Whom a write that may still be on its way concerns, and who closes it, as a table."""

import msgspec
import pytest

from reconciler.ledger.open_writes import EVERY_LOAD, EVERYTHING, OpenWrites, written
from reconciler.model.plan import Budget, Change, LoadChange, Plan, ResourceChange, Summary

COMPARTMENT, OTHER, ACTIVATION = "compartment:a", "compartment:b", "activation:a@1509"
LOAD, SIBLING, ELSEWHERE = "load:shop/a@1509", "load:shop/b@1509", "load:shop/a@1510"
ANOTHERS = "load:club/a@1509"  # of another workspace that shares the ledger
RETIRED = "import:77@1509"


@pytest.mark.parametrize(
    ("opened", "names", "expected"),
    [
        (COMPARTMENT, [COMPARTMENT], True),
        (COMPARTMENT, [ACTIVATION], True),  # the platform may activate a new compartment by itself
        (COMPARTMENT, [LOAD], False),
        (ACTIVATION, [OTHER], True),
        (LOAD, [LOAD], True),
        (LOAD, [SIBLING], False),
        (LOAD, [SIBLING, LOAD], True),  # it was renamed
        (LOAD, [ELSEWHERE], False),
        (LOAD, [ANOTHERS], False),
        (LOAD, [COMPARTMENT], False),
        (LOAD, [RETIRED], False),
        (RETIRED, [LOAD], False),
        (RETIRED, [RETIRED], True),
        (EVERYTHING, [COMPARTMENT], True),
        (EVERYTHING, [LOAD], True),
        (EVERY_LOAD, [LOAD], True),
        (EVERY_LOAD, [COMPARTMENT], False),
    ],
)
def test_an_open_write_concerns_what_is_looked_for_in_the_same_listing(
    opened: str, names: list[str], *, expected: bool
) -> None:
    assert OpenWrites({opened: 7}).concern(names) is expected


@pytest.mark.parametrize(
    ("opened", "looked", "names", "expected"),
    [
        (EVERYTHING, 6, [LOAD], True),
        (EVERYTHING, 7, [LOAD], False),
        (EVERY_LOAD, 6, [LOAD], True),
        (EVERY_LOAD, 8, [LOAD], False),
        (EVERY_LOAD, 8, [LOAD, SIBLING], True),  # it has looked, but not yet under the name of before
        (LOAD, 8, [LOAD], True),
    ],
)
def test_a_load_that_was_looked_at_since_is_not_concerned_by_unknown_runs(
    opened: str, looked: int, names: list[str], *, expected: bool
) -> None:
    assert OpenWrites({opened: 7}, {LOAD: looked}).concern(names) is expected


def test_a_run_that_lasts_long_enough_closes_all_but_loads() -> None:
    left = OpenWrites(
        dict.fromkeys((EVERYTHING, EVERY_LOAD, COMPARTMENT, ACTIVATION, RETIRED, LOAD, ANOTHERS), 1)
    )
    assert left.outlived() == {EVERYTHING, COMPARTMENT, ACTIVATION, RETIRED}


def load(address: str, datamart_id: str, *former: tuple[str, str]) -> LoadChange:
    return LoadChange(
        address=address, datamart="x", datamart_id=datamart_id, generation=1, source_digest="", load_digest=None, chunks=1,
        lines=1, bytes=1, upserts=1, deletes=0, rejected=0, replay_safe=True, unfinished={}, actions=("execute",), reason="",
        definition={"former": former},
    )  # fmt: skip


def change(address: str, kind: str, shape: dict[str, str | None], **more: str) -> ResourceChange:
    made = Change(actions=("create",), before=None, after=shape)
    return ResourceChange(address=address, kind=kind, change=made, reason="", **more)  # type: ignore[arg-type]


def test_what_is_written_is_known_by_what_the_platform_has_not_by_its_address() -> None:
    def keys(*changes: ResourceChange | LoadChange) -> list[str]:
        plan = Plan(
            format_version="2.0", tool_version="1", workspace="shop", organisation_id="1", endpoint="", environment=None,
            spec_digest="", complete=True, errored=False, applyable=True, summary=Summary(), budget=Budget(),
            resource_changes=tuple(c for c in changes if isinstance(c, ResourceChange)),
            loads=tuple(c for c in changes if isinstance(c, LoadChange)),
        )  # fmt: skip
        made = written(msgspec.json.decode(msgspec.json.encode(plan), type=Plan))
        return [made[c.address].key for c in changes]

    assert (
        keys(load("ProfileSource/a@retail-fr", "1509")) == keys(load("ProfileSource/a@fr", "1509")) == [LOAD]
    )
    one = change("Compartment/x", "Compartment", {"token": "a", "name": "A"})
    other = change("Compartment/y", "Compartment", {"token": "a", "name": "B"})
    assert keys(one) == keys(other) == [COMPARTMENT]
    active = {"datamart_id": "1509", "compartment_id": None}
    assert keys(one, change("Activation/x@fr", "Activation", active))[1] == ACTIVATION
    assert keys(change("Activation/z@de", "Activation", active, token="a")) == [ACTIVATION]
    gone = change("DocumentImport/77@fr", "DocumentImport", {"datamart_id": "1509"}, remote_id="77")
    assert keys(gone) == [RETIRED]


def test_a_load_is_looked_for_under_all_its_names() -> None:
    pairs = (("shop", "a"), ("shop", "b"))
    plan = Plan(
        format_version="2.0", tool_version="1", workspace="shop", organisation_id="1", endpoint="", environment=None,
        spec_digest="", complete=True, errored=False, applyable=True, summary=Summary(), budget=Budget(),
        resource_changes=(), loads=(load("ProfileSource/a@fr", "1509", *pairs),),
    )  # fmt: skip
    found = written(plan)["ProfileSource/a@fr"]
    assert (found.key, found.names) == (LOAD, {LOAD, SIBLING})
