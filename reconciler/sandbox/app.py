"""The emulated API as an ASGI application: operations of contract 2 to 6, 8 and 16, faults, a record, and a page to look at.

docs/sandbox.md says what is not emulated.
"""

import asyncio
import re
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from reconciler import __version__
from reconciler.sandbox import faults, pages
from reconciler.sandbox.api import ApiError, number, read_body
from reconciler.sandbox.config_routes import ConfigRoutes
from reconciler.sandbox.guard import LoopbackOnly
from reconciler.sandbox.load_routes import LoadRoutes
from reconciler.sandbox.openapi import document
from reconciler.sandbox.operations import OPERATIONS
from reconciler.sandbox.processing import Processor
from reconciler.sandbox.readback_routes import ReadbackRoutes
from reconciler.sandbox.schema_routes import SchemaRoutes
from reconciler.sandbox.seed import plant_missing
from reconciler.sandbox.store import Lag, Store, lag
from reconciler.sandbox.switches import Switches

Handler = Callable[[Request], Awaitable[Response]]
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


class Sandbox(ConfigRoutes, LoadRoutes, ReadbackRoutes, SchemaRoutes):
    """All operations, behind authentication, faults and the record."""

    def __init__(self, store: Store, switches: Switches | None = None) -> None:
        self.store = store
        self.processor = Processor(store)
        self.faults = faults.Script()
        self.last_request = time.monotonic()
        self.ending = False
        self.uploads = (store.folder or Path(tempfile.mkdtemp(prefix="sandbox-"))) / "uploads"
        self.uploads.mkdir(parents=True, exist_ok=True)
        self.switches = switches or Switches()

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        return self._switches

    @switches.setter
    def switches(self, value: Switches) -> None:
        self._switches = self.processor.switches = value

    def app(self) -> Callable[..., Awaitable[None]]:
        """The application."""
        routes = [
            Route(o.path, self._guarded(getattr(self, o.handler)), methods=[o.method]) for o in OPERATIONS
        ]
        routes += [
            Route("/", self._seen(self.page), methods=["GET"]),
            Route("/openapi.json", self._seen(self.openapi), methods=["GET"]),
            Route("/_sandbox/health", self._seen(self.health), methods=["GET"]),
            Route("/_sandbox/requests", self._seen(self.requests), methods=["GET"]),
            Route("/_sandbox/indexed", self._seen(self.indexed), methods=["GET"]),
            Route("/_sandbox/control", self._seen(self.settings), methods=["GET"]),
            Route("/_sandbox/control", self._seen(self.control), methods=["POST"]),
            Route("/_sandbox/plant", self._seen(self.plant), methods=["POST"]),
            Route("/_sandbox/status", self._seen(self.status), methods=["GET"]),
            Route("/_sandbox/stop", self._seen(self.stop), methods=["POST"]),
            Route("/{rest:path}", self._guarded(self._not_found), methods=_METHODS),
        ]
        inner = Starlette(routes=routes, exception_handlers={HTTPException: _refused})

        async def app(scope: Any, receive: Any, send: Any) -> None:
            # The platform's own client writes a slash before the query here and there (contract 3.3).
            if len(scope["path"]) > 1 and scope["path"].endswith("/"):
                scope = {**scope, "path": scope["path"].rstrip("/")}
            await inner(scope, receive, send)

        return LoopbackOnly(app)

    # -- every request --------------------------------------------------------------------------------------------

    def _seen(self, handler: Callable[[Request], Any]) -> Handler:
        """What is the sandbox's own: no faults, no record."""

        async def endpoint(request: Request) -> Response:
            self.last_request = time.monotonic()
            return await self._answered(handler, request)

        return endpoint

    def _guarded(self, handler: Callable[[Request], Any]) -> Handler:
        async def endpoint(request: Request) -> Response:
            self.last_request = begun = time.monotonic()
            fault = self.faults.on(request.method, request.url.path)
            request.state.fault, request.state.begun = fault, begun
            do = fault.do if fault else ""
            s = self.switches
            lag.set(
                Lag(fault.reads, fault.seconds)
                if fault and do == "list_lag"
                else Lag(s.lag_reads, s.lag_seconds)
            )
            if wait := s.latency_seconds + (fault.seconds if fault and do == "delay" else 0.0):
                await asyncio.sleep(wait)
            if do == "drop_before":
                return self._dropped(request)
            if fault and do in ("status", "html"):
                return self._recorded(request, _faulty(fault))
            inner = request
            if fault and do == "throttle":
                inner = Request(request.scope, _throttled(request.receive, fault.bytes_per_second))
            try:
                response = await self._answered(handler, inner, authenticate=True)
            except ClientDisconnect:
                return self._dropped(request)
            if do == "drop_after":
                return self._dropped(request)
            if fault and do in ("truncate", "error_in_2xx", "status_after"):
                response = _faulty(fault, response)
            return self._recorded(request, response)

        return endpoint

    async def _answered(
        self, handler: Callable[[Request], Any], request: Request, *, authenticate: bool = False
    ) -> Response:
        try:
            if authenticate:
                self._authenticate(request)
            result = handler(request)
            response: Response = await result if isinstance(result, Awaitable) else result
        except ApiError as e:
            body = {"status": "error", "error": e.error, "error_id": str(uuid.uuid4())}
            return JSONResponse(body | ({"error_code": e.code} if e.code else {}), e.status)
        return response

    def _recorded(self, request: Request, response: Response) -> Response:
        self._record(request, response.status_code)
        return response

    def _record(self, request: Request, status: int) -> None:
        fault, took = request.state.fault, time.monotonic() - request.state.begun
        self.store.record(request.method, request.url.path, status, fault.do if fault else "", took * 1000)

    def _dropped(self, request: Request) -> Response:
        self._record(request, 0)
        # uvicorn hands its own cycle's bound method as `receive`; its transport is the only way to cut the line.
        transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
        return Response(status_code=500)

    def _authenticate(self, request: Request) -> None:
        """Bare tokens, `api:` ones and `Bearer` (contract 1.2)."""
        given = request.headers.get("Authorization", "")
        if not given or (self.switches.token and given.removeprefix("Bearer ") != self.switches.token):
            raise ApiError(401, "Unauthorized", "UNAUTHORIZED")

    def _not_found(self, request: Request) -> Response:
        patterns = (re.sub(r"{[^}]+}", "[^/]+", o.path) for o in OPERATIONS)
        known = any(re.fullmatch(p, request.url.path) for p in patterns)
        raise ApiError(405, "Method Not Allowed") if known else ApiError(404, "Resource Not Found")

    # -- the sandbox's own ---------------------------------------------------------------------------------------

    def page(self, request: Request) -> Response:
        """All there is, to look at."""
        return pages.overview(self.store, self.switches, self.execution_row, request.query_params)

    def openapi(self, request: Request) -> Response:
        """The document."""
        return JSONResponse(document(__version__, str(request.base_url).rstrip("/")))

    def health(self, _request: Request) -> Response:
        """Alive."""
        return JSONResponse({"status": "ok", "data": {"sandbox": True}})

    def requests(self, request: Request) -> Response:
        """The record of requests, after the one with the number `after`."""
        return JSONResponse({"status": "ok", "data": self.store.requests(number(request, "after", 0))})

    def settings(self, _request: Request) -> Response:
        """The switches, and how often each fault acted."""
        rules = [
            {"do": f.do, "method": f.method, "path": f.path, "seen": f.seen, "acted": f.acted}
            for f in self.faults.rules
        ]
        switches = {**self.switches.values(), "token": "(one)" if self.switches.token else "(any)"}
        return JSONResponse({"status": "ok", "data": {"switches": switches, "faults": rules}})

    async def plant(self, request: Request) -> Response:
        """Add the objects of a seed that are not there."""
        body = await _told(request)
        try:
            plant_missing(self.store, body)
        except ValueError as e:
            raise ApiError(400, str(e)) from None
        return JSONResponse({"status": "ok", "data": {}})

    def status(self, _request: Request) -> Response:
        """How many objects of each kind there are, and the switches that were changed."""
        usual = Switches().values()
        switched = {k: v for k, v in self.switches.values().items() if k != "token" and v != usual[k]}
        return JSONResponse({"status": "ok", "data": {"holds": self.store.counts(), "switched": switched}})

    async def stop(self, request: Request) -> Response:
        """End the process that serves, once this is answered."""
        await _told(request)
        self.ending = True
        return JSONResponse({"status": "ok", "data": {}})

    async def control(self, request: Request) -> Response:
        """Set switches, faults, and how the next executions end; a JSON body only a program would send."""
        body = await _told(request)
        try:
            switches = self.switches.with_values(body.get("switches", {}))
            script = faults.read(body["faults"]) if "faults" in body else self.faults
            outcomes = [str(word) for word in body.get("outcomes", [])]
        except (ValueError, TypeError, AttributeError) as e:
            raise ApiError(400, str(e)) from None
        self.switches, self.faults = switches, script
        self.processor.outcomes += outcomes
        if body.get("unstick"):
            self.processor.unstick()
        return self.settings(request)


async def _told(request: Request) -> dict[str, Any]:
    """The JSON body of a request that only a program would send."""
    if request.headers.get("Content-Type") != "application/json":
        raise ApiError(415, "send application/json")
    return await read_body(request)


def _refused(_request: Request, error: Exception) -> Response:
    """What no route takes, such as a path with a line break, is refused in the same words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse(
        {"status": "error", "error": "Resource Not Found", "error_id": str(uuid.uuid4())}, status
    )


def _throttled(receive: Receive, bytes_per_second: float) -> Receive:
    async def slowly() -> Message:
        message = await receive()
        if bytes_per_second:
            await asyncio.sleep(len(message.get("body", b"")) / bytes_per_second)
        return message

    return slowly


def _faulty(fault: faults.Fault, response: Response | None = None) -> Response:
    error = {"status": "error", "error": "injected", "error_id": str(uuid.uuid4())}
    status = int(fault.status)
    match fault.do:
        case "error_in_2xx":
            return JSONResponse({**error, "error": "internal error"}, 200)
        case "html":
            page = "<html><body>Bad Gateway</body></html>"
            return Response(page, status, media_type="text/html", headers=fault.headers)
        case "truncate":
            whole, code = (bytes(response.body), response.status_code) if response else (b"", 200)
            return Response(whole[: len(whole) // 2], code, media_type="application/json")
        case _:
            body = error if fault.body is None else fault.body
            return JSONResponse(body, status, headers=fault.headers)
