"""Read a collection to its last page, defensively (contract 1.5).

Advance by what was received, not by what was asked for; drop repeated rows by id; a `total` must be reached; without
one, only an empty page ends the list, because a short page proves nothing when the server clamps silently.
"""

from typing import Any

from reconciler.api.client import Params, Reader
from reconciler.errors import ReadFailed

PAGE = 500
MAX_PAGES = 100_000


def read_all(reader: Reader, path: str, params: Params | None = None) -> list[dict[str, Any]]:
    """All rows of a collection, ids as strings.

    Raises:
        ReadFailed: an error, an odd wrapper, or a list that ends before its total. Never an absence (G6).
    """
    rows: dict[str, dict[str, Any]] = {}
    received = 0
    for _ in range(MAX_PAGES):
        wrapper = reader.get(path, {**(params or {}), "first_result": received, "max_results": PAGE})
        page, total = _check(path, wrapper)
        new = {row["id"]: row for row in page if row["id"] not in rows}
        rows |= new
        received += len(page)
        if total is not None and len(rows) >= total:
            return list(rows.values())
        if not page:
            if total is None:
                return list(rows.values())
            raise ReadFailed(f"GET {path}: the list ended after {len(rows)} of {total} rows")
        if not new:
            if total is None and _ignores_paging(wrapper, received - len(page)):
                return list(rows.values())
            raise ReadFailed(
                f"GET {path}: pages repeat; {len(rows)} of {'unknown' if total is None else total} rows seen"
            )
    raise ReadFailed(f"GET {path}: more than {MAX_PAGES} pages")


def _ignores_paging(wrapper: dict[str, Any], asked: int) -> bool:
    """An older list that is not paginated answers every offset with everything; it then does not echo the offset."""
    return wrapper.get("first_result") != asked


def _check(path: str, wrapper: dict[str, Any]) -> tuple[list[dict[str, Any]], int | None]:
    data = wrapper.get("data")
    if not isinstance(data, list):
        raise ReadFailed(f"GET {path}: 'data' is not a list")
    count, total = wrapper.get("count"), wrapper.get("total")
    if count is not None and count != len(data):
        raise ReadFailed(f"GET {path}: the wrapper says {count} rows, the page has {len(data)}")
    if total is not None and (not isinstance(total, int) or isinstance(total, bool) or total < len(data)):
        raise ReadFailed(f"GET {path}: the wrapper's total is {total!r}, the page has {len(data)} rows")
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
