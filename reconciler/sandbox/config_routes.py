"""Datamarts, compartments and activations (contract 2 to 4)."""

from starlette.requests import Request
from starlette.responses import Response

from reconciler.sandbox.api import Api, ApiError, ok, read_body
from reconciler.sandbox.store import Row


class ConfigRoutes(Api):
    """What a plan's changes are made on."""

    def list_datamarts(self, request: Request) -> Response:
        """Archived ones are listed unless `archived=false`."""
        rows = self.store.all("datamart", request.query_params.get("organisation_id", ""))
        if request.query_params.get("archived") == "false":
            rows = [r for r in rows if not r["archived"]]
        return self._page(request, rows)

    def get_datamart(self, request: Request) -> Response:
        """One datamart."""
        return ok(self._datamart(request))

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
        body = await read_body(request)
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
        body = await read_body(request)
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

    def list_processings(self, request: Request) -> Response:
        """Consent activities that hang on a selection (contract 4.2, 4.4)."""
        owner = self._found("activation", request.path_params["id"], request.path_params["dm"])
        return self._page(request, self._listed(request, "processing", owner["id"]))

    async def create_processing(self, request: Request) -> Response:
        """Hang one on a selection."""
        owner = self._found("activation", request.path_params["id"], request.path_params["dm"])
        body = await read_body(request)
        row = {"processing_id": body.get("processing_id"), "processing_name": body.get("processing_name")}
        return ok(self.store.add("processing", owner["id"], row))

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
        body = await read_body(request)
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
        body = await read_body(request)
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
