"""A list that changes while it is read never loses a row that was there throughout; and every list ends."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.api import pages
from reconciler.api.pages import CollectionReading
from reconciler.errors import ReadFailed

Change = tuple[str, float]  # insert or delete, and where: 0 the beginning, 1 the end


@dataclass
class Remote:
    """A list that changes before each page but the first; what remains of it throughout is known.

    Attributes:
        cap: rows of a page at most; 0 is unlimited.
        paged: False answers every offset with everything.
    """

    rows: list[int]
    cap: int
    total: bool
    echo: bool
    paged: bool
    changes: list[list[Change]]
    asked: int = 0
    names: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000))

    def __post_init__(self) -> None:
        self.throughout = set(self.rows)

    def answer(self, first: int) -> tuple[dict[str, Any], int]:
        if self.asked and self.asked <= len(self.changes):
            for what, where in self.changes[self.asked - 1]:
                self.change(what, where)
        self.asked += 1
        assert self.asked < 2_000, "this list would be read for ever"
        start, size = (first, self.cap or len(self.rows)) if self.paged else (0, len(self.rows))
        page = self.rows[start : start + min(size, 500)]
        wrapper: dict[str, Any] = {"status": "ok", "count": len(page), "data": [{"id": n} for n in page]}
        if self.total:
            wrapper["total"] = len(self.rows)
        if self.echo:
            wrapper["first_result"] = first
        return wrapper, 100

    def change(self, what: str, where: float) -> None:
        place = int(where * len(self.rows))
        if what == "insert":
            self.rows.insert(place, next(self.names))
        elif self.rows:
            self.throughout.discard(self.rows.pop(min(place, len(self.rows) - 1)))


REMOTES = st.builds(
    Remote,
    rows=st.integers(0, 14).map(lambda n: list(range(n))),
    cap=st.sampled_from([0, 1, 2, 3, 5, 20, 500]),
    total=st.booleans(),
    echo=st.booleans(),
    paged=st.sampled_from([True, True, True, False]),
    changes=st.lists(
        st.lists(st.tuples(st.sampled_from(["insert", "delete"]), st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])), max_size=3),
        max_size=12,
    ),
)  # fmt: skip


def read(remote: Remote) -> list[Any]:
    return CollectionReading("/x", remote.answer, lambda row: int(row["id"]), lambda: 0.0).read()


@settings(max_examples=settings().max_examples * 5)
@given(REMOTES)
@example(Remote([1, 2, 3, 4], 2, True, True, True, [[("delete", 0.0), ("insert", 1.0)]]))
@example(Remote([1, 2, 3, 4], 2, False, True, True, [[("delete", 0.0)]]))
@example(Remote([1, 2], 1, False, True, True, [[("delete", 0.0)]]))
@example(Remote([1, 2], 1, False, True, True, [[], [], [], [], [("delete", 0.0)]]))  # while it is read again
def test_a_row_that_was_there_throughout_is_never_missing(remote: Remote) -> None:
    if not remote.paged and (remote.echo and not remote.total):
        remote.echo = False  # such a remote tells nobody that it does not page
    try:
        found = read(remote)
    except ReadFailed:
        assert remote.changes, "a list that holds still can be read"
    else:
        assert len(set(found)) == len(found)
        assert remote.throughout <= set(found)


@given(REMOTES)
def test_a_list_that_holds_still_is_read_whole_and_in_order(remote: Remote) -> None:
    remote.changes = []
    if not remote.paged:
        remote.echo = False
    assert read(remote) == remote.rows


@pytest.mark.parametrize("front", [True, False])
def test_a_list_that_grows_all_the_while_is_read_without_beginning_anew(front: bool) -> None:
    """Many runs at once create what others list; their lists must not fail for it."""
    remote = Remote(list(range(400)), 20, True, True, True, [[("insert", 0.0 if front else 1.0)]] * 25)
    assert set(range(400)) <= set(read(remote))
    assert remote.asked < 30


def counting(size: int, rows: Callable[[int], list[Any]]) -> Callable[[int], tuple[dict[str, Any], int]]:
    return lambda first: ({"status": "ok", "data": [{"id": n} for n in rows(first)]}, size)


ENDLESS = {
    "rows": counting(10, lambda first: list(range(first, first + 500))),
    "pages of two": counting(10, lambda first: [first, first + 1]),
    "pages of one": counting(10, lambda first: [first]),
    "the same page": counting(10, lambda _: [1, 2, 3]),
    "bytes": counting(1 << 20, lambda first: [first, first + 1]),
}


BOUND = {
    "rows": "more than 5,000 rows",
    "pages of two": "more than 200 pages",
    "pages of one": "more than 200 pages",
    "the same page": "it was read 5 times",
    "bytes": "more than 67,108,864 bytes",
}


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("total", [None, 1 << 60])
def test_every_list_ends(what: str, total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_PAGES", 200)
    monkeypatch.setattr(pages, "MAX_ROWS", 5_000)

    asked = itertools.count(1)

    def answer(first: int) -> tuple[dict[str, Any], int]:
        assert next(asked) <= pages.MAX_PAGES, "this list would be read for ever"
        wrapper, size = ENDLESS[what](first)
        return {**wrapper, "first_result": first, **({"total": total} if total else {})}, size

    with pytest.raises(ReadFailed, match=BOUND[what]):
        CollectionReading("/x", answer, lambda row: row["id"]).read()


def test_a_list_ends_in_time() -> None:
    clock = iter(range(0, 10_000, 50))
    with pytest.raises(ReadFailed, match="did not end within 600 s"):
        CollectionReading("/x", ENDLESS["rows"], lambda row: row["id"], lambda: float(next(clock))).read()
