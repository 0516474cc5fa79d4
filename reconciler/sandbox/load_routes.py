"""Document imports and executions (contract 5, 6)."""

import json
import re
import time
import uuid
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from reconciler.sandbox.api import Api, ApiError, read_body
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.store import Row
from reconciler.sandbox.uploads import receive

DOCUMENT_TYPES = (
    "USER_ACTIVITY",
    "USER_PROFILE",
    "USER_CHOICE",
    "USER_SEGMENT",
    "USER_IDENTIFIERS_ASSOCIATION_DECLARATIONS",
    "USER_IDENTIFIERS_DISSOCIATION_DECLARATIONS",
    "USER_IDENTIFIERS_DELETION",
    "USER_POINTS_DELETION",
    "USER_DEVICE_POINTS_DELETION",
    "USER_DEVICE_POINT_DELETION",
)
MIME_TYPES = ("APPLICATION_X_NDJSON", "TEXT_CSV")
PRIORITIES = ("LOW", "MEDIUM", "HIGH")


class LoadRoutes(Api):
    """What loads are sent to."""

    # -- document imports (contract 5) ----------------------------------------------------------------------------

    def list_imports(self, request: Request) -> Response:
        """Document imports; `keywords` searches names."""
        rows = self._listed(request, "import", self._datamart(request)["id"])
        if keywords := request.query_params.get("keywords"):
            rows = [r for r in rows if keywords.lower() in r["name"].lower()]
        return self._page(request, rows)

    def _import(self, request: Request) -> Row:
        return self._found("import", request.path_params["id"], request.path_params["dm"])

    def get_import(self, request: Request) -> Response:
        """One import."""
        return self._ok(self._import(request))

    async def create_import(self, request: Request) -> Response:
        """Create; a repeated name is a switch."""
        datamart = self._datamart(request)
        body = await read_body(request)
        name, kind = body.get("name"), body.get("document_type")
        if not isinstance(name, str) or not name or kind not in DOCUMENT_TYPES:
            raise ApiError(400, "name and a known document_type are required")
        mime, priority = body.get("mime_type", MIME_TYPES[0]), body.get("priority", "MEDIUM")
        if (
            mime not in MIME_TYPES
            or (mime == "TEXT_CSV" and kind != "USER_SEGMENT")
            or priority not in PRIORITIES
        ):
            raise ApiError(400, "mime_type or priority cannot be; TEXT_CSV is for USER_SEGMENT only")
        encoding = body.get("encoding", "utf-8")
        if encoding != "utf-8":
            raise ApiError(400, "encoding is utf-8")
        taken = self.switches.duplicate_import == "error" and any(
            r["name"] == name for r in self.store.all("import", datamart["id"])
        )
        if taken:
            raise ApiError(409, "an import with this name exists")
        row = {
            "datafarm_key": datamart.get("datafarm"),
            "datamart_id": datamart["id"],
            "document_type": kind,
            "mime_type": mime,
            "encoding": encoding,
            "name": name,
            "priority": priority,
        }
        return self._ok(self.store.add("import", datamart["id"], row), created=True)

    async def update_import(self, request: Request) -> Response:
        """Change name or priority; what else the platform lets change is unknown (contract 5.2)."""
        row, body = self._import(request), await read_body(request)
        changes: Row = {k: body[k] for k in ("name", "priority") if k in body}
        if not isinstance(changes.get("name", "x"), str) or changes.get("priority", "LOW") not in PRIORITIES:
            raise ApiError(400, "name is text, and priority one of LOW, MEDIUM, HIGH")
        self.store.update("import", row["id"], changes, lagging=True)
        return self._ok({**row, **changes})

    def delete_import(self, request: Request) -> Response:
        """Delete; the deleted resource comes back."""
        row = self._import(request)
        self.store.remove("import", row["id"])
        return self._ok(row)

    # -- executions (contract 6) ----------------------------------------------------------------------------------

    def execution_row(self, row: Row) -> Row:
        """An execution as the platform shows it (contract 6.2)."""

        def nested(value: str) -> str | int:
            return int(value) if self.switches.numeric_ids == "on" else value

        result = row.get("result") or {}
        parameters = {
            "datamart_id": nested(row["datamart_id"]),
            "document_import_id": nested(row["import_id"]),
            "document_type": row["document_type"],
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
        rows = self._listed(request, "execution", self._import(request)["id"])
        return self._page(request, [self.execution_row(r) for r in reversed(rows)])

    def _execution(self, request: Request) -> Row:
        self._import(request)
        return self._found("execution", request.path_params["execution"], request.path_params["id"])

    def get_execution(self, request: Request) -> Response:
        """One execution."""
        return self._ok(self.execution_row(self._execution(request)))

    async def create_execution(self, request: Request) -> Response:
        """Raw or multipart upload (contract 6.1); bodies that are no command lines are refused at once."""
        owner, datamart = self._import(request), self._datamart(request)
        kept = self.switches.profiles == "kept"
        target = self.uploads / f"{uuid.uuid4()}.ndjson" if kept else None
        try:
            body, name = await receive(request, owner["mime_type"], target)
            body.check(owner["document_type"], owner["mime_type"])
        except BaseException:
            if target is not None:
                target.unlink(missing_ok=True)
            raise
        row = {
            "status": "PENDING",
            "created": time.time(),
            "organisation_id": datamart["organisation_id"],
            "datamart_id": datamart["id"],
            "import_id": owner["id"],
            "document_type": owner["document_type"],
            "upload": str(target) if target else None,
            "lines": body.lines,
            "bytes": body.size,
            "sha256": body.sha256,
            "input_file_name": name,
            **_fate(getattr(request.state, "fault", None)),
        }
        made = self.store.add("execution", owner["id"], row)
        self.processor.poke()
        return self._ok(self.execution_row(made), created=True)

    async def cancel(self, request: Request) -> Response:
        """CANCEL, only while PENDING (contract 6.4)."""
        row = self._execution(request)
        body = await read_body(request)
        with self.store.lock:
            row = self._found("execution", row["id"])
            if body.get("action") != "CANCEL" or row["status"] != "PENDING":
                raise ApiError(400, "only a PENDING execution can be canceled")
            self.store.update("execution", row["id"], {"status": "CANCELED"})
        return self._ok(self.execution_row({**row, "status": "CANCELED"}))

    def data_file(self, request: Request) -> Response:
        """An error file, one JSON object a line; the real format is unknown (contract 6.4)."""
        uri = unquote(request.query_params.get("uri", ""))
        m = re.fullmatch(r"mics://data_file/tenants/([0-9]+)/([0-9]{1,18})_errors\.ndjson", uri)
        row = self.store.get("execution", m[2]) if m else None
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return PlainTextResponse("".join(json.dumps(e) + "\n" for e in self.store.failures(row["id"])))


def _fate(fault: Fault | None) -> dict[str, Any]:
    """What a fault has in store for the execution that its request makes."""
    match fault.do if fault else None:
        case "stuck":
            return {"fate": "STUCK"}
        case "ended":
            return {"fate": fault.status if fault else None}
        case "consent_drop":
            return {"drop_share": fault.share if fault else None}
        case _:
            return {}
