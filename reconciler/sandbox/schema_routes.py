"""The versions of a datamart's schema, read only (contract 16.2, 16.3, 16.8)."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.sandbox.api import Api, ApiError
from reconciler.sandbox.live_schema import indexed, live_schema
from reconciler.sandbox.schema_text import Field, Type, types
from reconciler.sandbox.store import Row

SHOWN = ("id", "datamart_id", "status", "creation_date", "publication_date")
PROFILES = 1000


class SchemaRoutes(Api):
    """What says which fields are indexed."""

    def list_schemas(self, request: Request) -> Response:
        """All versions; the order and how they are paged are a switch."""
        rows, s = self._versions(request), self.switches
        if s.schema_list == "paged":
            found = self._page(request, rows)
            body = json.loads(bytes(found.body))
            body.pop("total", None)
            return JSONResponse(body)
        return self._page(request, rows, whole=True)

    def get_schema(self, request: Request) -> Response:
        """One version."""
        return self._ok({k: v for k, v in self._schema(request).items() if k in SHOWN})

    def schema_text(self, request: Request) -> Response:
        """The text of one version."""
        text = self._text(request)
        match self.switches.schema_text:
            case "json_wrapper":
                return JSONResponse({"status": "ok", "data": text})
            case "json_string":
                return JSONResponse(text)
            case "octet_stream":
                return Response(text.encode(), media_type="application/octet-stream")
            case "charset":
                return Response(text.encode(), headers={"Content-Type": "text/plain;charset=UTF-8"})
            case _:
                return Response(text.encode(), headers={"Content-Type": "text/plain"})

    def object_types(self, request: Request) -> Response:
        """Object types and interfaces; enums are not among them."""
        rows = [
            {k: v for k, v in row.items() if k not in ("fields", "directives")} for row in self._deep(request)
        ]
        return self._page(request, rows, whole=True)

    def object_types_deep(self, request: Request) -> Response:
        """The same, with fields, directives and arguments."""
        return self._page(request, self._deep(request), whole=True)

    def indexed(self, request: Request) -> Response:
        """The sandbox's own view: which profiles of a datamart would be indexed, and why not."""
        datamart = request.query_params.get("datamart", "")
        schema = live_schema(self.store, datamart)
        with self.store.lock:
            sql = "SELECT compartment, account, body FROM profiles WHERE datamart=? ORDER BY 1, 2 LIMIT ?"
            rows = self.store.db.execute(sql, (datamart, PROFILES)).fetchall()
        found = []
        for compartment, account, body in rows:
            verdict, why = indexed(schema, json.loads(body), self.switches)
            found.append(
                {"compartment_id": compartment, "user_account_id": account, "indexed": verdict, "why": why}
            )
        return JSONResponse({"status": "ok", "data": found})

    # -- versions -------------------------------------------------------------------------------------------------

    def _versions(self, request: Request) -> list[Row]:
        rows = [
            {k: v for k, v in row.items() if k in SHOWN}
            for row in reversed(self.store.all("schema", self._datamart(request)["id"]))
        ]
        match self.switches.schema_list:
            case "live_only":
                return [r for r in rows if r["status"] == "LIVE"]
            case "empty":
                return []
            case "no_live":
                return [r for r in rows if r["status"] != "LIVE"]
            case "two_live":
                return [{**r, "status": "LIVE"} if r["status"] == "ARCHIVED" else r for r in rows]
            case "published":
                return [{**r, "status": "PUBLISHED"} for r in rows]
            case _:
                return rows

    def _schema(self, request: Request) -> Row:
        return self._found("schema", request.path_params["schema"], self._datamart(request)["id"])

    def _text(self, request: Request) -> str:
        row = self._schema(request)
        text = str(row["text"])
        if row["status"] != "LIVE":
            return text
        match self.switches.schema_content:
            case "truncated":
                return text[: len(text) // 2].rstrip("}")
            case "empty_type":
                return text + "\ntype Nothing {}\n"
            case "unknown_directive":
                return text + '\ntype Another @Unheard(of:"this") { id:ID! @Mixin }\n'
            case "mirror":
                renamed = 'type Customer @Mirror(object_type:"UserProfile")'
                return text.replace("type UserProfile", renamed)
            case "replaced":
                return text.replace("type UserProfile {", "type UserProfile {\n  added_later: String", 1)
            case _:
                return text

    def _deep(self, request: Request) -> list[Row]:
        row = self._schema(request)
        try:
            found = types(self._text(request))
        except ValueError as e:
            raise ApiError(400, str(e)) from None
        return [_type_row(n, t, row["id"]) for n, t in enumerate(found, 1) if t.kind != "ENUM"]


def _type_row(number: int, t: Type, schema: str) -> Row:
    identity = f"{schema}{number:03d}"
    return {
        "id": identity,
        "runtime_schema_id": schema,
        "type": t.kind,
        "name": t.name,
        "fields": [_field_row(n, f, identity, schema) for n, f in enumerate(t.fields, 1)],
        "directives": _directive_rows(t.directives, identity),
    }


def _field_row(number: int, field: Field, owner: str, schema: str) -> Row:
    identity = f"{owner}{number:03d}"
    return {
        "id": identity,
        "object_like_type_id": owner,
        "runtime_schema_id": schema,
        "name": field.name,
        "field_type": field.type,
        "directives": _directive_rows(field.directives, identity),
    }


def _directive_rows(directives: Any, owner: str) -> list[Row]:
    return [
        {
            "id": f"{owner}{n:02d}",
            "name": name,
            "arguments": [{"name": key, "value": literal} for key, literal in arguments],
        }
        for n, (name, arguments) in enumerate(directives, 1)
    ]
