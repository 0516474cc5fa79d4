"""The emulated API as an ASGI application: routes of contract 2 to 6 and 8, each naming its section.

Not emulated: authentication beyond one header, users and roles, priorities, labels, other document types' effects,
consent, quarantine, segments, and everything the contract does not list.
"""

import contextlib
import json
import re
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.sandbox import faults
from reconciler.sandbox.processing import Processor
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import Switches

MAX_UPLOAD = 100 * 1024 * 1024
Handler = Callable[[Request], Awaitable[Response]]


class ApiError(Exception):
    """An answer with the error fields of contract 1.6."""

    def __init__(self, status: int, error: str, code: str | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.code = status, error, code


def ok(data: Any) -> Response:
    """The single wrapper (contract 1.4)."""
    return JSONResponse({"status": "ok", "data": data})


class Sandbox:
    """Routes over a store."""

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
            fault = None
            if not path.startswith("/_sandbox"):
                fault = next((f for f in self.faults if f.acts_on(request.method, path)), None)
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

    # -- lists ------------------------------------------------------------------------------------------------------

    def _page(self, request: Request, rows: list[Row]) -> Response:
        """The list wrappers (contract 1.4, 1.5)."""
        s = self.switches
        first = _whole(request, "first_result", 0)
        wanted = _whole(request, "max_results", s.page_default)
        limit = min(wanted, s.page_cap) if s.page_cap else wanted
        page = rows[first : first + limit]
        body = {"status": "ok", "count": len(page), "first_result": first, "max_results": limit, "data": page}
        return JSONResponse(body | ({"total": len(rows)} if s.total == "with" else {}))

    def _listed(self, request: Request, kind: str, parent: str) -> list[Row]:
        first = _whole(request, "first_result", 0) == 0
        return self.store.listed(
            kind,
            parent,
            lag_reads=self.switches.lag_reads,
            lag_seconds=self.switches.lag_seconds,
            first_page=first,
        )

    # -- datamarts (contract 2) ---------------------------------------------------------------------------------------

    def list_datamarts(self, request: Request) -> Response:
        """Archived ones are listed unless `archived=false`."""
        rows = self.store.all("datamart", request.query_params.get("organisation_id", ""))
        if request.query_params.get("archived") == "false":
            rows = [r for r in rows if not r["archived"]]
        return self._page(request, rows)

    def get_datamart(self, request: Request) -> Response:
        """One datamart."""
        return ok(self._datamart(request))

    def _datamart(self, request: Request) -> Row:
        return self._found("datamart", request.path_params["dm"])

    def _found(self, kind: str, identity: str, parent: str | None = None) -> Row:
        row = self.store.get(kind, identity, parent)
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return row

    # -- compartments (contract 3) --------------------------------------------------------------------------------------

    def list_compartments(self, request: Request) -> Response:
        """Compartments of an organisation."""
        return self._page(
            request, self._listed(request, "compartment", request.query_params.get("organisation_id", ""))
        )

    def get_compartment(self, request: Request) -> Response:
        """One compartment, as it is now."""
        return ok(self._found("compartment", request.path_params["id"]))

    async def create_compartment(self, request: Request) -> Response:
        """Create; a repeated token is a switch."""
        body = await _body(request)
        organisation, token, name = (body.get(k) for k in ("organisation_id", "token", "name"))
        if not organisation or not token or not isinstance(token, str):
            raise ApiError(400, "organisation_id and token are required")
        existing = [r for r in self.store.all("compartment", str(organisation)) if r["token"] == token]
        if existing and self.switches.duplicate_token != "accepted":  # noqa: S105 - a setting
            raise ApiError(
                409 if self.switches.duplicate_token == "error409" else 400,  # noqa: S105 - a setting
                "a compartment with this token exists",
            )
        row = self.store.add(
            "compartment",
            str(organisation),
            {"organisation_id": str(organisation), "name": name, "token": token, "archived": False},
        )
        live = [
            d
            for d in self.store.all("datamart", str(organisation))
            if not d["archived"] and d["type"] == "DATAMART"
        ]
        if self.switches.auto_activate == "on" and len(live) == 1:
            self.store.add(
                "activation",
                live[0]["id"],
                {"datamart_id": live[0]["id"], "compartment_id": row["id"], "default": False},
            )
        return ok(row)

    async def update_compartment(self, request: Request) -> Response:
        """A partial update (contract 1.3)."""
        row = self._found("compartment", request.path_params["id"])
        body = await _body(request)
        changes: Row = {k: body[k] for k in ("name", "token") if k in body}
        self.store.update("compartment", row["id"], changes, lagging=True)
        return ok({**row, **changes})

    def flat_compartments(self, request: Request) -> Response:
        """The flattened view, by compartment id (contract 3.2)."""
        rows = [self._activation_row(a) for a in self.store.all("activation", self._datamart(request)["id"])]
        return self._page(
            request,
            [
                {"id": r["compartment_id"], "token": r["token"], "default": r["default"], "name": r["name"]}
                for r in rows
            ],
        )

    # -- activations (contract 4) ---------------------------------------------------------------------------------------

    def _activation_row(self, row: Row) -> Row:
        compartment = self.store.get("compartment", str(row["compartment_id"])) or {}
        return {**row, "token": compartment.get("token"), "name": compartment.get("name")}

    def list_activations(self, request: Request) -> Response:
        """Selection rows of a datamart."""
        datamart = self._datamart(request)
        rows = [self._activation_row(r) for r in self._listed(request, "activation", datamart["id"])]
        if datamart["type"] == "CROSS_DATAMART":
            rows = []
        if request.query_params.get("default") == "true":
            rows = [r for r in rows if r["default"]]
        return self._page(request, rows)

    def get_activation(self, request: Request) -> Response:
        """One selection row, by its own id."""
        return ok(
            self._activation_row(
                self._found("activation", request.path_params["id"], request.path_params["dm"])
            )
        )

    async def create_activation(self, request: Request) -> Response:
        """Activate a compartment; a repeated one is a switch."""
        datamart = self._datamart(request)
        body = await _body(request)
        compartment = self._found("compartment", str(body.get("compartment_id", "")))
        existing = [
            a
            for a in self.store.all("activation", datamart["id"])
            if str(a["compartment_id"]) == compartment["id"]
        ]
        if existing and self.switches.duplicate_activation == "error":
            raise ApiError(409, "this compartment is active on this datamart already")
        if existing and self.switches.duplicate_activation == "existing":
            return ok(self._activation_row(existing[0]))
        default = body.get("default") is True
        row = self.store.add(
            "activation",
            datamart["id"],
            {"datamart_id": datamart["id"], "compartment_id": compartment["id"], "default": False},
        )
        if default:
            self._promote(datamart["id"], row["id"], lagging=False)
        return ok(self._activation_row({**row, "default": default}))

    async def update_activation(self, request: Request) -> Response:
        """Promote; the previous default is one no more (contract 4.3)."""
        row = self._found("activation", request.path_params["id"], request.path_params["dm"])
        body = await _body(request)
        if body.get("default") is False and row["default"]:
            raise ApiError(400, "a datamart needs a default compartment")
        if body.get("default") is True:
            self._promote(row["datamart_id"], row["id"], lagging=True)
        return ok(self._activation_row(self._found("activation", row["id"])))

    def _promote(self, datamart_id: str, identity: str, *, lagging: bool) -> None:
        for other in self.store.all("activation", datamart_id):
            if other["default"] != (other["id"] == identity):
                self.store.update(
                    "activation", other["id"], {"default": other["id"] == identity}, lagging=lagging
                )

    # -- imports (contract 5) -------------------------------------------------------------------------------------------

    def list_imports(self, request: Request) -> Response:
        """Document imports; `keywords` searches names."""
        rows = self._listed(request, "import", self._datamart(request)["id"])
        if keywords := request.query_params.get("keywords"):
            rows = [r for r in rows if keywords.lower() in r["name"].lower()]
        return self._page(request, rows)

    def get_import(self, request: Request) -> Response:
        """One import."""
        return ok(self._found("import", request.path_params["id"], request.path_params["dm"]))

    async def create_import(self, request: Request) -> Response:
        """Create; a repeated name is a switch."""
        datamart = self._datamart(request)
        body = await _body(request)
        name, kind = body.get("name"), body.get("document_type")
        if not isinstance(name, str) or not name or not isinstance(kind, str):
            raise ApiError(400, "name and document_type are required")
        if self.switches.duplicate_import == "error" and any(
            r["name"] == name for r in self.store.all("import", datamart["id"])
        ):
            raise ApiError(409, "an import with this name exists")
        row = {
            "datafarm_key": datamart.get("datafarm"),
            "datamart_id": datamart["id"],
            "document_type": kind,
            "mime_type": body.get("mime_type"),
            "encoding": body.get("encoding", "utf-8"),
            "name": name,
            "priority": body.get("priority", "MEDIUM"),
        }
        return ok(self.store.add("import", datamart["id"], row))

    def delete_import(self, request: Request) -> Response:
        """Delete; the deleted resource comes back."""
        row = self._found("import", request.path_params["id"], request.path_params["dm"])
        self.store.remove("import", row["id"])
        return ok(row)

    # -- executions (contract 6) ----------------------------------------------------------------------------------------

    def _execution_row(self, row: Row) -> Row:
        def number(value: str) -> str | int:
            return int(value) if self.switches.numeric_ids == "on" else value

        result = row.get("result") or {}
        parameters = {
            "datamart_id": number(row["datamart_id"]),
            "document_import_id": number(row["import_id"]),
            "document_type": "USER_PROFILE",
            "file_uri": f"mics://data_file/tenants/{row['organisation_id']}/{row['id']}_in.ndjson",
            "total_success": result.get("total_success"),
            "total_failure": result.get("total_failure"),
        }
        return {
            "id": row["id"],
            "status": row["status"],
            "creation_date": int(row["created"] * 1000),
            "start_date": row.get("start_date"),
            "duration": row.get("duration"),
            "organisation_id": row["organisation_id"],
            "user_id": "77",
            "num_tasks": 1,
            "completed_tasks": row.get("completed_tasks", 0),
            "erroneous_tasks": 0,
            "parameters": parameters,
            "result": row.get("result"),
            "error": row.get("error"),
            "job_type": "DOCUMENT_IMPORT",
            "external_model_name": "PUBLIC_DOCUMENT_IMPORT",
            "debug": None,
        }

    def list_executions(self, request: Request) -> Response:
        """Newest first (contract 6.4)."""
        owner = self._found("import", request.path_params["id"], request.path_params["dm"])
        rows = self._listed(request, "execution", owner["id"])
        return self._page(request, [self._execution_row(r) for r in reversed(rows)])

    def _execution(self, request: Request) -> Row:
        self._found("import", request.path_params["id"], request.path_params["dm"])
        return self._found("execution", request.path_params["execution"], request.path_params["id"])

    def get_execution(self, request: Request) -> Response:
        """One execution."""
        return ok(self._execution_row(self._execution(request)))

    async def create_execution(self, request: Request) -> Response:
        """Raw or multipart upload (contract 6.1); bodies that are no command lines are refused at once."""
        owner = self._found("import", request.path_params["id"], request.path_params["dm"])
        datamart = self._datamart(request)
        target = self.uploads / f"{uuid.uuid4()}.ndjson"
        try:
            name = await self._receive(request, target)
            await run_in_threadpool(_check_upload, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        row = self.store.add(
            "execution",
            owner["id"],
            {
                "status": "PENDING",
                "created": time.time(),
                "organisation_id": datamart["organisation_id"],
                "datamart_id": datamart["id"],
                "import_id": owner["id"],
                "upload": str(target),
                "input_file_name": name,
            },
        )
        self.processor.poke()
        return ok(self._execution_row(row))

    async def _receive(self, request: Request, target: Path) -> str | None:
        kind = request.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            async with request.form() as form:
                part = form.get("file")
                if part is None or isinstance(part, str):
                    raise ApiError(400, "the part 'file' is missing")
                target.write_bytes(await part.read())
                return part.filename
        if not kind.startswith(("application/x-ndjson", "text/csv")):
            raise ApiError(400, f"Content-Type {kind[:50]} is not that of the import")
        expected = int(request.headers.get("Content-Length", "-1"))
        size = 0
        with target.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > MAX_UPLOAD:
                    raise ApiError(413, "the file is too large")
                file.write(block)
        if expected not in (-1, size):
            raise ClientDisconnect
        return None

    async def cancel(self, request: Request) -> Response:
        """CANCEL, only while PENDING (contract 6.4)."""
        row = self._execution(request)
        body = await _body(request)
        with self.store.lock:
            row = self._found("execution", row["id"])
            if body.get("action") != "CANCEL" or row["status"] != "PENDING":
                raise ApiError(400, "only a PENDING execution can be canceled")
            self.store.update("execution", row["id"], {"status": "CANCELED"})
        return ok(self._execution_row({**row, "status": "CANCELED"}))

    def data_file(self, request: Request) -> Response:
        """An error file, one JSON object a line; the real format is unknown (contract 6.4)."""
        uri = unquote(request.query_params.get("uri", ""))
        m = re.fullmatch(r"mics://data_file/tenants/([0-9]+)/([0-9]+)_errors\.ndjson", uri)
        row = self.store.get("execution", m[2]) if m else None
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return PlainTextResponse("".join(json.dumps(e) + "\n" for e in row.get("errors", [])))

    # -- reading back (contract 8) ----------------------------------------------------------------------------------------

    def identifiers(self, request: Request) -> Response:
        """Every identifier of the user point that a selector names; slash between the two account parts."""
        datamart = self._datamart(request)["id"]
        point = self._point(datamart, request.path_params["selector"])
        with self.store.lock:
            rows = self.store.db.execute(
                "SELECT body FROM identifiers WHERE datamart=? AND point=?", (datamart, point)
            ).fetchall()
        found = [json.loads(body) for (body,) in rows]
        for row in found:
            if self.switches.numeric_ids == "on" and str(row.get("compartment_id", "")).isdigit():
                row["compartment_id"] = int(row["compartment_id"])
        found.append({"type": "USER_POINT", "user_point_id": point, "creation_ts": 0})
        return JSONResponse({"status": "ok", "count": len(found), "data": found})

    def _point(self, datamart: str, selector: str) -> str:
        parts = dict(p.split("=", 1) for p in selector.split("/") if "=" in p)
        identifier: Row = {}
        if "user_account_id" in parts:
            default = next(
                (str(a["compartment_id"]) for a in self.store.all("activation", datamart) if a["default"]), ""
            )
            identifier = {
                "type": "USER_ACCOUNT",
                "user_account_id": parts["user_account_id"],
                "compartment_id": parts.get("compartment_id", default),
            }
        elif "email_hash" in parts:
            identifier = {"type": "USER_EMAIL", "hash": parts["email_hash"]}
        elif "user_agent_id" in parts:
            identifier = {"type": "USER_AGENT", "vector_id": parts["user_agent_id"]}
        with self.store.lock:
            row = self.store.db.execute(
                "SELECT point FROM identifiers WHERE datamart=? AND (identifier=? OR point=?)",
                (datamart, json.dumps(identifier, sort_keys=True), selector),
            ).fetchone()
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return str(row[0])

    def profiles(self, request: Request) -> Response:
        """Profiles of a user point, by its id."""
        datamart = self._datamart(request)["id"]
        point = self._point(datamart, request.path_params["point"].removeprefix("user_point_id="))
        with self.store.lock:
            rows = self.store.db.execute(
                "SELECT body FROM profiles WHERE datamart=? AND point=?", (datamart, point)
            ).fetchall()
        found = [json.loads(body) for (body,) in rows]
        return JSONResponse({"status": "ok", "count": len(found), "data": found})

    # -- the emulator's own -----------------------------------------------------------------------------------------------

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
        body = await _body(request)
        try:
            self.switches = self.switches.with_values(body.get("switches", {}))
            if "faults" in body:
                self.faults = faults.read(body["faults"])
        except (ValueError, TypeError) as e:
            raise ApiError(400, str(e)) from None
        self.processor.outcomes += body.get("outcomes", [])
        return ok({})


def _check_upload(target: Path) -> None:
    """The first line must be a command line (contract 6.1); how much more the platform checks is unknown."""
    with target.open("rb") as file:
        first = file.readline(MAX_UPLOAD)
    try:
        command = json.loads(first)
    except ValueError:
        raise ApiError(400, "the file does not hold command lines", "INVALID_FILE") from None
    if not isinstance(command, dict) or "operation" not in command:
        raise ApiError(400, "the file does not hold command lines", "INVALID_FILE")


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


async def _body(request: Request) -> Row:
    with contextlib.suppress(ValueError):
        parsed = json.loads(await request.body())
        if isinstance(parsed, dict):
            return parsed
    raise ApiError(400, "the body is not a JSON object")


def _whole(request: Request, key: str, default: int) -> int:
    value = request.query_params.get(key, "")
    if value and not value.isdigit():
        raise ApiError(400, f"{key} must be a whole number")
    return int(value) if value else default
