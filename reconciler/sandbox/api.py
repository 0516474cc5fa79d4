"""What all routes share: the store, the wrappers of contract 1.4 to 1.6, and the switches in force."""

import contextlib
import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.sandbox.processing import Processor
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import Switches


class ApiError(Exception):
    """An answer with the error fields of contract 1.6."""

    def __init__(self, status: int, error: str, code: str | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.code = status, error, code


def ok(data: Any) -> Response:
    """The single wrapper (contract 1.4)."""
    return JSONResponse({"status": "ok", "data": data})


class Api:
    """Routes over a store; groups of them are subclasses."""

    store: Store
    processor: Processor
    switches: Switches
    uploads: Path

    def _page(self, request: Request, rows: list[Row]) -> Response:
        """The list wrappers (contract 1.4, 1.5)."""
        s = self.switches
        first = whole(request, "first_result", 0)
        wanted = whole(request, "max_results", s.page_default)
        limit = min(wanted, s.page_cap) if s.page_cap else wanted
        page = rows[first : first + limit]
        body = {"status": "ok", "count": len(page), "first_result": first, "max_results": limit, "data": page}
        return JSONResponse(body | ({"total": len(rows)} if s.total == "with" else {}))

    def _listed(self, request: Request, kind: str, parent: str) -> list[Row]:
        first = whole(request, "first_result", 0) == 0
        return self.store.listed(
            kind,
            parent,
            lag_reads=self.switches.lag_reads,
            lag_seconds=self.switches.lag_seconds,
            first_page=first,
        )

    def _found(self, kind: str, identity: str, parent: str | None = None) -> Row:
        row = self.store.get(kind, identity, parent)
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return row

    def _datamart(self, request: Request) -> Row:
        return self._found("datamart", request.path_params["dm"])


async def read_body(request: Request) -> Row:
    """The JSON object of a request.

    Raises:
        ApiError: it is none.
    """
    with contextlib.suppress(ValueError):
        parsed = json.loads(await request.body())
        if isinstance(parsed, dict):
            return parsed
    raise ApiError(400, "the body is not a JSON object")


def whole(request: Request, key: str, default: int) -> int:
    """A whole number of the query.

    Raises:
        ApiError: it is none.
    """
    value = request.query_params.get(key, "")
    if value and not value.isdigit():
        raise ApiError(400, f"{key} must be a whole number")
    return int(value) if value else default
