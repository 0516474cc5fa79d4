"""Reading profiles back (contract 8)."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.sandbox.api import Api, ApiError
from reconciler.sandbox.store import Row


class ReadbackRoutes(Api):
    """What was stored, by identifier."""

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
