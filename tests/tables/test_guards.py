"""Guards at, below and above each limit."""

import msgspec
import pytest

from reconciler.model.diagnostic import Severity, error, warning
from reconciler.model.plan import Change, Delta, LoadChange, Override, ResourceChange
from reconciler.planning.plan import guards
from reconciler.settings import Guards

LIMITS = Guards(
    max_update_percent=30,
    max_delete_percent=20,
    from_=10,
    max_delete_lines_percent=30,
    from_lines=1000,
    max_shrink_percent=50,
)


def change(address: str, action: str) -> ResourceChange:
    row = {"name": "x"}
    before, after = None if action == "create" else row, None if action == "delete" else row
    return ResourceChange(
        address=address,
        kind=address.partition("/")[0],
        change=Change(actions=(action,), before=before, after=after),
        reason="",
    )


def changes(acting: int, of: int, action: str, where: str = "retail-fr") -> list[ResourceChange]:
    return [change(f"Activation/c{n}@{where}", action if n < acting else "no-op") for n in range(of)]


def load(upserts: int, deletes: int, before: int, *actions: str) -> LoadChange:
    return LoadChange(
        address="ProfileSource/crm@retail-fr",
        datamart="retail-fr",
        datamart_id="1509",
        generation=2,
        source_digest="s",
        load_digest="l",
        chunks=1,
        lines=upserts + deletes,
        bytes=1,
        upserts=upserts,
        deletes=deletes,
        rejected=0,
        replay_safe=True,
        unfinished={},
        actions=actions or ("execute",),
        reason="",
        previous_lines=before,
    )


@pytest.mark.parametrize(
    ("action", "acting", "of", "trips"),
    [
        # 30 % of updates, from ten resources on
        ("update", 3, 10, False),
        ("update", 4, 10, True),
        ("update", 9, 9, False),
        ("update", 30, 100, False),
        ("update", 31, 100, True),
        ("update", 0, 10, False),
        # 20 % of deletions
        ("delete", 2, 10, False),
        ("delete", 3, 10, True),
        ("delete", 9, 9, False),
        ("delete", 20, 100, False),
        ("delete", 21, 100, True),
        # what is new crosses no limit
        ("create", 50, 50, False),
        ("no-op", 50, 50, False),
    ],
)
def test_percentages_of_a_kind(action: str, acting: int, of: int, trips: bool) -> None:
    found = guards.check(changes(acting, of, action), [], LIMITS)
    assert [(f.code, f.address) for f in found] == (
        [("guard-changes", "Activation"), ("guard-changes", "Activation@retail-fr")] if trips else []
    )
    for finding in found:
        assert f"{acting} of {of} resources" in finding.message
        assert f"max_{action}_percent" in (finding.help or "")


def test_created_resources_are_no_part_of_what_is_there() -> None:
    new = [change(f"Activation/n{n}@retail-fr", "create") for n in range(90)]
    assert guards.check([*changes(3, 9, "update"), *new], [], LIMITS) == []
    assert guards.check([*changes(4, 10, "update"), *new], [], LIMITS) != []


@pytest.mark.parametrize(
    ("field", "action", "most", "acting", "trips"),
    [
        ("max_updates", "update", 2, 2, False),
        ("max_updates", "update", 2, 3, True),
        ("max_updates", "update", 0, 1, True),
        ("max_updates", "update", None, 9, False),
        ("max_deletes", "delete", 2, 2, False),
        ("max_deletes", "delete", 2, 3, True),
        ("max_deletes", "delete", 0, 1, True),
        ("max_deletes", "update", 0, 3, False),
        ("max_updates", "delete", 0, 3, False),
    ],
)
def test_counts(field: str, action: str, most: int | None, acting: int, trips: bool) -> None:
    limits = Guards(**{field: most})
    found = guards.check(changes(acting, 9, action), [], limits)
    assert [f.address for f in found] == (["Activation", "Activation@retail-fr"] if trips else [])
    assert all(f"more than {most}" in f.message for f in found)


def test_each_datamart_is_a_scope_of_its_own() -> None:
    quiet = changes(0, 90, "update", "retail-de")
    found = guards.check([*changes(4, 10, "update"), *quiet], [], LIMITS)
    assert [f.address for f in found] == ["Activation@retail-fr"]


def test_old_imports_are_not_counted() -> None:
    assert (
        guards.check([change(f"DocumentImport/{n}@retail-fr", "delete") for n in range(50)], [], LIMITS) == []
    )


@pytest.mark.parametrize(
    ("upserts", "deletes", "trips"),
    [
        (700, 300, False),
        (699, 301, True),
        (0, 999, False),  # below from_lines
        (0, 1000, True),
        (1000, 0, False),
    ],
)
def test_lines_that_delete(upserts: int, deletes: int, trips: bool) -> None:
    found = guards.check([], [load(upserts, deletes, 0)], LIMITS)
    assert [f.code for f in found] == (["guard-delete-lines"] if trips else [])
    assert guards.check([], [load(upserts, deletes, 0, "no-op")], LIMITS) == []


@pytest.mark.parametrize(
    ("lines", "before", "trips"),
    [
        (500, 1000, False),
        (499, 1000, True),
        (1, 999, False),  # below from_lines
        (0, 1000, True),
        (1000, 1000, False),
        (2000, 1000, False),
        (10, 0, False),
    ],
)
def test_a_snapshot_that_shrinks(lines: int, before: int, trips: bool) -> None:
    found = guards.check([], [load(lines, 0, before)], LIMITS)
    assert [f.code for f in found] == (["guard-shrink"] if trips else [])
    assert guards.check([], [load(lines, 0, before, "no-op")], LIMITS) == []


def test_an_override_reaches_its_own_guard_and_scope_only() -> None:
    address = "ProfileSource/crm@retail-fr"
    mine = Override(guard="guard-shrink", scope=address, who="ada", why="moved")
    limits = guards.for_load(LIMITS, [mine], address)
    assert (limits.max_shrink_percent, limits.max_delete_lines_percent) == (100.0, 30)
    other = Override(guard="guard-delete-lines", scope=address, who="ada", why="moved")
    limits = guards.for_load(LIMITS, [other], address)
    assert (limits.max_shrink_percent, limits.max_delete_lines_percent) == (50, 100.0)
    assert guards.for_load(LIMITS, [mine, other], "ProfileSource/crm@retail-de") == LIMITS

    found = guards.check([], [load(10, 0, 1000)], LIMITS)
    (told,) = guards.allowed(found, [mine])
    assert (told.severity.value, told.help, told.note) == ("warning", None, "allowed by ada: moved")
    elsewhere = Override(guard="guard-shrink", scope="ProfileSource/crm@retail-de", who="ada", why="moved")
    result = guards.allowed(found, [elsewhere])
    assert [(f.code, f.severity.value) for f in result] == [
        ("guard-shrink", "error"),
        ("override-unused", "warning"),
    ]


def test_refusals_and_errors_have_different_exit_codes() -> None:
    refusal = guards.check([], [load(10, 0, 1000)], LIMITS)
    assert guards.refused(refusal)
    assert guards.refused([])
    assert guards.refused([*refusal, warning("small-source", "x")])
    assert not guards.refused([*refusal, error("unknown-datamart", "x")])


def delta(added: int, changed: int, unchanged: int, *, gone: int = 0, all_rows: bool = False) -> LoadChange:
    counts = Delta(
        base=1, added=added, changed=changed, unchanged=unchanged, gone=gone, retried=0,
        known=changed + unchanged + gone, deleted=gone, all_rows=all_rows,
    )  # fmt: skip
    sent = added + changed + (unchanged if all_rows else 0)
    return msgspec.structs.replace(load(sent, gone, counts.known), delta=counts)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        # half of the rows are new or changed, from a thousand on
        (delta(200, 300, 500), []),
        (delta(200, 301, 499), ["guard-delta"]),
        (delta(200, 799, 0), []),
        (delta(200, 301, 499, all_rows=True), []),
        # identities that are deleted, of all rows and them
        (delta(0, 0, 700, gone=300), []),
        (delta(0, 0, 699, gone=301), ["guard-delete-lines"]),
        (delta(0, 0, 499, gone=501), ["guard-delete-lines", "guard-shrink"]),
        (delta(0, 0, 700, gone=300, all_rows=True), []),
        (delta(0, 0, 699, gone=301, all_rows=True), ["guard-delete-lines"]),
        (delta(0, 0, 0, gone=1000), ["guard-delete-lines", "guard-shrink"]),
        (delta(0, 0, 0, gone=999), []),
    ],
)
def test_deltas(change: LoadChange, codes: list[str]) -> None:
    found = guards.check([], [change], LIMITS)
    assert [f.code for f in found] == codes
    allowed = [Override(guard=c, scope=change.address, who="ada", why="known") for c in codes]
    assert not [f for f in guards.allowed(found, allowed) if f.severity is Severity.ERROR]
    limits = guards.for_load(LIMITS, allowed, change.address)
    assert guards.check([], [change], limits) == []
