"""Reading profiles back (contract 8)."""

import json
import time

from starlette.requests import Request
from starlette.responses import Response

from reconciler.sandbox.api import Api, ApiError
from reconciler.sandbox.store import Row


class ReadbackRoutes(Api):
    """What was stored, by identifier."""

    def identifiers(self, request: Request) -> Response:
        """Every identifier of the user point that a selector names; slash between the two account parts."""
        datamart = self._datamart(request)["id"]
        point = self._point(datamart, request.path_params["selector"].split("/"))
        with self.store.lock:
            rows = self.store.db.execute(
                "SELECT body FROM identifiers WHERE datamart=? AND point=?", (datamart, point)
            ).fetchall()
        found = [json.loads(body) for (body,) in rows]
        for row in found:
            if self.switches.numeric_ids == "on" and str(row.get("compartment_id", "")).isdigit():
                row["compartment_id"] = int(row["compartment_id"])
        found.append({"type": "USER_POINT", "user_point_id": point, "creation_ts": 0})
        return self._page(request, found, whole=True)

    def profiles(self, request: Request) -> Response:
        """Profiles of a user point; a comma between the two account parts here."""
        return self._page(request, self._profiles(request), whole=True)

    def one_profile(self, request: Request) -> Response:
        """The anonymous profile of a compartment, or an account's."""
        parts = _parts(request.path_params["selector"].split("/"))
        wanted = (parts.get("compartment_id", ""), parts.get("user_account_id", ""))
        for row in self._profiles(request):
            if (str(row.get("$compartment_id", "")), str(row.get("$user_account_id", ""))) == wanted:
                return self._ok(row)
        raise ApiError(404, "Resource Not Found")

    def _profiles(self, request: Request) -> list[Row]:
        datamart = self._datamart(request)["id"]
        point = self._point(datamart, request.path_params["point"].split(","))
        s, key = self.switches, (datamart, point)
        with self.store.lock:
            self.store.db.execute("UPDATE profiles SET reads=reads+1 WHERE datamart=? AND point=?", key)
            rows = self.store.db.execute(
                "SELECT body, shown, (reads<=? OR ?-written<?) FROM profiles WHERE datamart=? AND point=?",
                (s.profile_lag_reads, time.time(), s.profile_lag_seconds, *key),
            ).fetchall()
        return [json.loads(shown if fresh else body) for body, shown, fresh in rows if not fresh or shown]

    def _point(self, datamart: str, selector: list[str]) -> str:
        parts = _parts(selector)
        identifier: Row = {}
        if "user_account_id" in parts:
            rows = self.store.all("activation", datamart)
            default = next((str(a["compartment_id"]) for a in rows if a["default"]), "")
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
                (datamart, json.dumps(identifier, sort_keys=True), parts.get("user_point_id", selector[0])),
            ).fetchone()
        if row is None:
            raise ApiError(404, "Resource Not Found")
        return str(row[0])


def _parts(selector: list[str]) -> dict[str, str]:
    return {key: value for key, equals, value in (part.partition("=") for part in selector) if equals}
