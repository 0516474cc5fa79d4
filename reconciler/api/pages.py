"""Read a collection to its last page, defensively (contract 1.5).

The law: a row that is there from the first page to the last is never missing, as long as rows keep their order. Each page is
asked for one row early and must begin with the row that was seen last. Where it stands further on, rows came in before it, and
the total must have grown by as many; anything else means that rows went or moved, and the list is read from its beginning, a
few times at most. Where pages have one row there is nothing to look back at: the list is read twice, and must be the same.

A list ends when its total is reached, or, without one, when nothing comes after the row that was seen last: a short page proves
nothing when the server clamps silently. What does not fit together is an error, never an end (G6).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.errors import ReadFailed
from reconciler.kinds.counts import many

if TYPE_CHECKING:  # who only reads sources does not wait for what sends requests
    from reconciler.api.client import Params, Reader

PAGE = 500
TRIES = 5
BEYOND = 1_000_000_000
MAX_PAGES, MAX_ROWS, MAX_BYTES, MAX_S = 10_000, 200_000, 64 << 20, 600.0

Row = TypeVar("Row")
Rows = dict[str, Row]
Wrapper = Mapping[str, Any]
# From an offset: the wrapper, and how many bytes it came in.
Ask = Callable[[int], tuple[Wrapper, int]]


class _Changed(Exception):
    """The list is not what it was when it was begun; the message says what shows it."""


@dataclass(frozen=True, slots=True)
class _Page:
    ids: Sequence[str]
    rows: Sequence[dict[str, Any]]
    total: int | None
    echoed: (
        bool  # an older list that is not paginated answers every offset with everything, and does not echo it
    )


def read_all(reader: "Reader", path: str, params: "Params | None" = None) -> list[dict[str, Any]]:
    """All rows of a collection as they came, ids as strings; see `read_rows`.

    Raises:
        ReadFailed: see `read_rows`.
    """
    return read_rows(reader, path, dict, params)


def read_rows(
    reader: "Reader", path: str, parse: Callable[[dict[str, Any]], Row], params: "Params | None" = None
) -> list[Row]:
    """All rows of a collection. Of each only what `parse` makes of it is kept.

    Args:
        reader: asks for the pages.
        path: of the collection.
        parse: takes a row, its id as text.
        params: query parameters besides those of paging.

    Raises:
        ReadFailed: an error, an odd wrapper, a list that does not hold still, or one beyond all bounds. Never an absence (G6).
    """

    def ask(first: int) -> tuple[Wrapper, int]:
        return reader.get_sized(path, {**(params or {}), "first_result": first, "max_results": PAGE})

    return CollectionReading(path, ask, parse).read()


class CollectionReading:
    """One reading of a collection, and what of its bounds is used up."""

    def __init__(
        self,
        path: str,
        ask: Ask,
        parse: Callable[[dict[str, Any]], Any],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._ask, self._parse, self._now = path, ask, parse, now
        self._pages = self._bytes = 0
        self._begun = now()

    def read(self) -> list[Any]:
        """All rows.

        Raises:
            ReadFailed: see `read_rows`.
        """
        why = ""
        for _ in range(TRIES):
            try:
                return list(self._once().values())
            except _Changed as e:
                why = str(e)
        raise ReadFailed(f"GET {self._path}: {why}; it was read {TRIES} times", help="run again later")

    def _once(self) -> Rows[Any]:
        page = first = self._page(0)
        if len(page.ids) == 1 and page.total != 1:
            return self._twice()
        rows: Rows[Any] = {}
        self._take(rows, page.rows)
        received, total, unseen = len(page.ids), page.total, 0
        while page.ids and (total is None or received < total):
            last = page.ids[-1]
            page = self._page(received - 1)
            if self._unpaged(page, first.ids):
                return rows
            shift = _shift(page, last, total)
            new = page.rows[shift + 1 :]
            if not new and page.total is None:
                return rows
            if not self._take(rows, new):
                raise _Changed(f"the list ended after {len(rows)} of {page.total or 'its'} rows")
            received += shift + len(new)
            total, unseen = page.total, unseen + shift
        if total is not None and len(rows) + unseen < total:
            raise _Changed(f"the list ended after {len(rows)} of {total} rows")
        return rows

    def _twice(self) -> Rows[Any]:
        rows, again = self._one_by_one(), self._one_by_one()
        if list(rows) != list(again):
            raise _Changed("the list changed while it was read")
        return again

    def _one_by_one(self) -> Rows[Any]:
        rows: Rows[Any] = {}
        while (page := self._page(len(rows))).ids:
            if self._unpaged(page, list(rows)):
                break
            if self._take(rows, page.rows) != len(page.rows):
                raise _Changed(f"pages repeat; {len(rows)} of {page.total or 'its'} rows seen")
            if page.total is not None and len(rows) >= page.total:
                break
        if page.total is not None and len(rows) != page.total:
            raise _Changed(f"the list ended after {len(rows)} of {page.total} rows")
        return rows

    def _unpaged(self, page: _Page, all_ids: Sequence[str]) -> bool:
        """Whether the remote does not page: it answers even an offset beyond all bounds with everything."""
        alike = not page.echoed and page.total is None and page.ids == all_ids
        return alike and self._page(BEYOND).ids == all_ids

    def _take(self, rows: Rows[Any], page: Sequence[dict[str, Any]]) -> int:
        """Keep the rows that are new; how many these were."""
        before = len(rows)
        for row in page:
            if row["id"] not in rows:
                rows[row["id"]] = self._parse(row)
        if len(rows) > MAX_ROWS:
            raise ReadFailed(f"GET {self._path}: the list has more than {MAX_ROWS:,} rows")
        return len(rows) - before

    def _page(self, first: int) -> _Page:
        if self._pages >= MAX_PAGES:
            raise ReadFailed(f"GET {self._path}: the list has more than {MAX_PAGES:,} pages")
        if self._now() - self._begun > MAX_S:
            raise ReadFailed(f"GET {self._path}: the list did not end within {MAX_S:g} s")
        wrapper, size = self._ask(first)
        self._pages += 1
        self._bytes += size
        if self._bytes > MAX_BYTES:
            raise ReadFailed(f"GET {self._path}: the list has more than {MAX_BYTES:,} bytes")
        rows, total = _check(self._path, wrapper)
        return _Page([row["id"] for row in rows], rows, total, wrapper.get("first_result") == first)


def _shift(page: _Page, last: str, total: int | None) -> int:
    """Where the row that was seen last stands in a page that was asked for from it on: 0, unless rows came in before it."""
    grown = (page.total or 0) - (total or 0)
    if (page.total is None) != (total is None) or grown < 0 or last not in page.ids:
        raise _Changed("the list changed while it was read")
    shift = page.ids.index(last)
    if shift > grown:
        raise _Changed("the list changed while it was read")
    return shift


def _check(path: str, wrapper: Wrapper) -> tuple[list[dict[str, Any]], int | None]:
    data = wrapper.get("data")
    if not isinstance(data, list):
        raise ReadFailed(f"GET {path}: 'data' is not a list")
    count, total = wrapper.get("count"), wrapper.get("total")
    if count is not None and count != len(data):
        raise ReadFailed(
            f"GET {path}: the wrapper's count does not fit the page, which has {many(len(data), 'row')}"
        )
    if total is not None and (not isinstance(total, int) or isinstance(total, bool) or total < len(data)):
        raise ReadFailed(
            f"GET {path}: the wrapper's total does not fit the page, which has {many(len(data), 'row')}"
        )
    return [_row(path, row) for row in data], total


def _row(path: str, row: Any) -> dict[str, Any]:
    if (
        not isinstance(row, dict)
        or not isinstance(identity := row.get("id"), str | int)
        or isinstance(identity, bool)
        or identity == ""
    ):
        raise ReadFailed(f"GET {path}: a row has no id")
    return row if isinstance(identity, str) else {**row, "id": str(identity)}
