"""The emulated API as an ASGI application: routes of contract 2 to 6 and 8, each naming its section.

Not emulated: authentication beyond one header, users and roles, priorities, labels, other document types' effects,
consent, quarantine, segments, and everything the contract does not list.
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
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.sandbox import faults
from reconciler.sandbox.api import ApiError, ok, read_body
from reconciler.sandbox.config_routes import ConfigRoutes
from reconciler.sandbox.load_routes import LoadRoutes
from reconciler.sandbox.processing import Processor
from reconciler.sandbox.readback_routes import ReadbackRoutes
from reconciler.sandbox.store import Store
from reconciler.sandbox.switches import Switches

Handler = Callable[[Request], Awaitable[Response]]


class Sandbox(ConfigRoutes, LoadRoutes, ReadbackRoutes):
    """All routes, behind authentication, faults and the record."""

    def __init__(self, store: Store, switches: Switches | None = None) -> None:
        self.store = store
        self.processor = Processor(store)
        self.faults: list[faults.Fault] = []
        self.last_request = time.monotonic()
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

    def app(self) -> Starlette:
        """The application."""
        dm, imp = "/v1/datamarts/{dm}", "/v1/datamarts/{dm}/document_imports"
        table: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("GET", "/v1/datamarts", self.list_datamarts),
            ("GET", dm, self.get_datamart),
            ("GET", "/v1/user_account_compartments", self.list_compartments),
            ("POST", "/v1/user_account_compartments", self.create_compartment),
            ("GET", "/v1/user_account_compartments/{id}", self.get_compartment),
            ("PUT", "/v1/user_account_compartments/{id}", self.update_compartment),
            ("GET", dm + "/compartments", self.list_activations),
            ("POST", dm + "/compartments", self.create_activation),
            ("GET", dm + "/compartments/{id}", self.get_activation),
            ("PUT", dm + "/compartments/{id}", self.update_activation),
            ("GET", dm + "/compartments/{id}/processing_selections", self.list_processings),
            ("POST", dm + "/compartments/{id}/processing_selections", self.create_processing),
            ("GET", dm + "/user_account_compartments", self.flat_compartments),
            ("GET", imp, self.list_imports),
            ("POST", imp, self.create_import),
            ("GET", imp + "/{id}", self.get_import),
            ("DELETE", imp + "/{id}", self.delete_import),
            ("GET", imp + "/{id}/executions", self.list_executions),
            ("POST", imp + "/{id}/executions", self.create_execution),
            ("GET", imp + "/{id}/executions/{execution}", self.get_execution),
            ("POST", imp + "/{id}/executions/{execution}/action", self.cancel),
            ("GET", "/v1/data_file/data", self.data_file),
            ("GET", dm + "/user_identifiers/{selector:path}", self.identifiers),
            ("GET", dm + "/user_points/{point}/user_profiles", self.profiles),
            ("GET", "/_sandbox/requests", self.requests),
            ("POST", "/_sandbox/control", self.control),
            ("GET", "/_sandbox/health", self.health),
        ]
        routes = []
        for method, path, handler in table:
            routes += [
                Route(p, self._guarded(handler), methods=[method])
                for p in ((path, path + "/") if path.startswith("/v1") else (path,))
            ]
        routes.append(
            Route(
                "/{rest:path}",
                self._guarded(self._not_found),
                methods=["GET", "POST", "PUT", "DELETE", "PATCH"],
            )
        )
        return Starlette(routes=routes)

    def _guarded(self, handler: Callable[[Request], Any]) -> Handler:
        async def endpoint(request: Request) -> Response:
            path = request.url.path
            self.last_request = time.monotonic()
            fault = None if path.startswith("/_sandbox") else await self._fault(request)
            if fault and fault.do == "drop_before":
                return self._dropped(request)
            if fault and fault.do != "drop_after" and fault.do != "truncate" and fault.do != "error_in_2xx":
                return self._recorded(request, _faulty(fault))
            try:
                if path.startswith("/v1"):
                    self._authenticate(request)
                result = handler(request)
                response = await result if isinstance(result, Awaitable) else result
            except ApiError as e:
                body = {"status": "error", "error": e.error, "error_id": str(uuid.uuid4())}
                response = JSONResponse(body | ({"error_code": e.code} if e.code else {}), e.status)
            except ClientDisconnect:
                return self._dropped(request)
            if fault and fault.do == "drop_after":
                return self._dropped(request)
            if fault:
                response = _faulty(fault, response)
            return self._recorded(request, response)

        return endpoint

    async def _fault(self, request: Request) -> faults.Fault | None:
        """What is to go wrong with this request, once it has waited as long as it should."""
        fault = next((f for f in self.faults if f.acts_on(request.method, request.url.path)), None)
        delayed = fault is not None and fault.do == "delay"
        wait = self.switches.latency_seconds + (fault.seconds if fault and delayed else 0.0)
        if wait:
            await asyncio.sleep(wait)
        return None if delayed else fault

    def _recorded(self, request: Request, response: Response) -> Response:
        if not request.url.path.startswith("/_sandbox"):
            self.store.record(request.method, request.url.path, response.status_code)
        return response

    def _dropped(self, request: Request) -> Response:
        self.store.record(request.method, request.url.path, 0)
        # uvicorn hands its own cycle's bound method as `receive`; its transport is the only way to cut the line.
        transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
        return Response(status_code=500)

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if not given or (self.switches.token and given.removeprefix("Bearer ") != self.switches.token):
            raise ApiError(401, "Unauthorized", "UNAUTHORIZED")

    def _not_found(self, request: Request) -> Response:
        known = re.fullmatch(
            r"/v1/(user_account_compartments/[^/]+|datamarts/[^/]+/(compartments/[^/]+|document_imports/[^/]+))/?",
            request.url.path,
        )
        raise ApiError(405, "Method Not Allowed") if known else ApiError(404, "Resource Not Found")

    def health(self, _request: Request) -> Response:
        """Alive."""
        return ok({"sandbox": True})

    def requests(self, _request: Request) -> Response:
        """The record of requests."""
        return ok(self.store.requests())

    async def control(self, request: Request) -> Response:
        """Set switches, faults, and how the next executions end; a JSON body only a program would send."""
        if request.headers.get("Content-Type") != "application/json":
            raise ApiError(415, "send application/json")
        body = await read_body(request)
        try:
            self.switches = self.switches.with_values(body.get("switches", {}))
            if "faults" in body:
                self.faults = faults.read(body["faults"])
        except (ValueError, TypeError) as e:
            raise ApiError(400, str(e)) from None
        self.processor.outcomes += body.get("outcomes", [])
        return ok({})


def _faulty(fault: faults.Fault, response: Response | None = None) -> Response:
    match fault.do:
        case "error_in_2xx":
            return JSONResponse(
                {"status": "error", "error": "internal error", "error_id": str(uuid.uuid4())}, 200
            )
        case "html":
            return Response(
                "<html><body>Bad Gateway</body></html>",
                fault.status,
                media_type="text/html",
                headers=fault.headers,
            )
        case "truncate":
            whole = bytes(response.body) if response else b""
            return Response(
                whole[: len(whole) // 2],
                response.status_code if response else 200,
                media_type="application/json",
            )
        case _:
            body = (
                fault.body
                if fault.body is not None
                else {"status": "error", "error": "injected", "error_id": str(uuid.uuid4())}
            )
            return JSONResponse(body, fault.status, headers=fault.headers)
