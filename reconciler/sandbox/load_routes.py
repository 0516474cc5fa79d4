"""Document imports and executions (contract 5, 6)."""

import hashlib
import json
import re
import time
import uuid
from pathlib import Path
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from reconciler.sandbox.api import Api, ApiError, ok, read_body
from reconciler.sandbox.store import Row

MAX_UPLOAD = 100 * 1024 * 1024


class LoadRoutes(Api):
    """What loads are sent to."""

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
        body = await read_body(request)
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
        digest = await run_in_threadpool(_digest, target)
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
                "sha256": digest,
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
        body = await read_body(request)
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


def _digest(target: Path) -> str:
    """What was received, for tests to compare."""
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
