"""What all routes share: the store, the wrappers of contract 1.4 to 1.6, and the switches in force."""

import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.sandbox.processing import Processor
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.strict_json import read_json
from reconciler.sandbox.switches import Switches

_MOST = 10**12
# Fields and notes that no client knows; contract 6.2 says to expect more than is listed.
_UNKNOWN = {"links": None, "revision": 3, "audit": {"by": "77", "tags": []}}


class ApiError(Exception):
    """An answer with the error fields of contract 1.6."""

    def __init__(self, status: int, error: str, code: str | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.code = status, error, code


class Api:
    """Routes over a store; groups of them are subclasses."""

    store: Store
    processor: Processor
    switches: Switches
    uploads: Path

    def _ok(self, data: Row, *, created: bool = False) -> Response:
        """The single wrapper (contract 1.4); which 2xx a creation answers is unknown (1.6)."""
        if self.switches.shape == "plain":
            return JSONResponse({"status": "ok", "data": data})
        return JSONResponse(
            {"data": {**_UNKNOWN, **data}, "status": "ok", "warnings": []}, 201 if created else 200
        )

    def _page(self, request: Request, rows: list[Row], *, whole: bool = False) -> Response:
        """The list wrappers (contract 1.4, 1.5); `whole` is a list that is not paginated."""
        s = self.switches
        first = number(request, "first_result", 0)
        limit = number(request, "max_results", s.page_default)
        limit = min(limit, s.page_cap) if s.page_cap else limit
        if whole:
            return JSONResponse({"status": "ok", "count": len(rows), "data": rows})
        page = rows[first : first + limit]
        total = {"total": len(rows)} if s.total == "with" else {}
        if s.shape == "odd":
            odd = [{**_UNKNOWN, **row} for row in page]
            return JSONResponse(
                {"count": len(page), **total, "first_result": first, "status": "ok", "data": odd, "hints": {}}
            )
        body = {"status": "ok", "count": len(page), "first_result": first, "max_results": limit, "data": page}
        return JSONResponse(body | total)

    def _listed(self, request: Request, kind: str, parent: str) -> list[Row]:
        return self.store.listed(kind, parent, first_page=number(request, "first_result", 0) == 0)

    def _found(self, kind: str, identity: str, parent: str | None = None) -> Row:
        row = self.store.get(kind, identity, parent)
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return row

    def _datamart(self, request: Request) -> Row:
        return self._found("datamart", request.path_params["dm"])

    def _removable(self) -> None:
        if self.switches.removal != "works":
            raise ApiError(405, "Method Not Allowed")


async def read_body(request: Request) -> Row:
    """The JSON object of a request.

    Raises:
        ApiError: it is none.
    """
    try:
        parsed = read_json(await request.body())
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        parsed = None
    except ValueError as e:
        raise ApiError(400, f"the body: {e}") from None
    if isinstance(parsed, dict):
        return parsed
    raise ApiError(400, "the body is not a JSON object")


def number(request: Request, key: str, default: int) -> int:
    """A whole number of the query.

    Raises:
        ApiError: it is none.
    """
    value = request.query_params.get(key, "")
    if value and not (value.isascii() and value.isdigit()):
        raise ApiError(400, f"{key} must be a whole number")
    return min(int(value[:20]), _MOST) if value else default


def identity(value: Any, key: str) -> str:
    """An id in a body, as text or as a number (contract 1.8).

    Raises:
        ApiError: it is none.
    """
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text.isascii() and text.isdigit():
        return text
    raise ApiError(400, f"{key} is required, and is an id")
