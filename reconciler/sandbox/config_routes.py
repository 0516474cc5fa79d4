"""Datamarts, compartments and activations (contract 2 to 4)."""

from starlette.requests import Request
from starlette.responses import Response

from reconciler.sandbox.api import Api, ApiError, identity, read_body
from reconciler.sandbox.store import Row


class ConfigRoutes(Api):
    """What a plan's changes are made on."""

    # -- datamarts (contract 2) -----------------------------------------------------------------------------------

    def list_datamarts(self, request: Request) -> Response:
        """Archived ones are listed unless `archived=false`."""
        rows = self.store.all("datamart", request.query_params.get("organisation_id", ""))
        if request.query_params.get("archived") == "false":
            rows = [r for r in rows if not r["archived"]]
        return self._page(request, rows)

    def get_datamart(self, request: Request) -> Response:
        """One datamart."""
        return self._ok(self._datamart(request))

    # -- compartments (contract 3) --------------------------------------------------------------------------------

    def list_compartments(self, request: Request) -> Response:
        """Compartments of an organisation."""
        organisation = request.query_params.get("organisation_id", "")
        return self._page(request, self._listed(request, "compartment", organisation))

    def get_compartment(self, request: Request) -> Response:
        """One compartment, as it is now."""
        return self._ok(self._found("compartment", request.path_params["id"]))

    async def create_compartment(self, request: Request) -> Response:
        """Create; a repeated token is a switch."""
        body = await read_body(request)
        organisation, token, name = (
            identity(body.get("organisation_id"), "organisation_id"),
            body.get("token"),
            body.get("name"),
        )
        if not token or not isinstance(token, str) or not isinstance(name, str | None):
            raise ApiError(400, "token is required, and is text, as name is")
        existing = [r for r in self.store.all("compartment", organisation) if r["token"] == token]
        if existing and self.switches.duplicate_token != "accepted":  # noqa: S105 - a setting
            status = 409 if self.switches.duplicate_token == "error409" else 400  # noqa: S105 - a setting
            raise ApiError(status, "a compartment with this token exists")
        fields = {"organisation_id": organisation, "name": name, "token": token, "archived": False}
        row = self.store.add("compartment", organisation, fields)
        live = [
            d
            for d in self.store.all("datamart", organisation)
            if not d["archived"] and d["type"] == "DATAMART"
        ]
        if self.switches.auto_activate == "on" and len(live) == 1:
            selection = {"datamart_id": live[0]["id"], "compartment_id": row["id"], "default": False}
            self.store.add("activation", live[0]["id"], selection)
        return self._ok(row, created=True)

    async def update_compartment(self, request: Request) -> Response:
        """A partial update (contract 1.3); archiving is a switch."""
        row = self._found("compartment", request.path_params["id"])
        body = await read_body(request)
        changes: Row = {k: body[k] for k in ("name", "token") if k in body}
        if not all(isinstance(v, str) for v in changes.values()):
            raise ApiError(400, "name and token are text")
        if "archived" in body and body["archived"] is not row["archived"]:
            self._removable()
            changes["archived"] = body["archived"] is True
        self.store.update("compartment", row["id"], changes, lagging=True)
        return self._ok({**row, **changes})

    def delete_compartment(self, request: Request) -> Response:
        """No client is known to do this; a switch (contract 3.3)."""
        row = self._found("compartment", request.path_params["id"])
        self._removable()
        self.store.remove("compartment", row["id"])
        return self._ok(row)

    def flat_compartments(self, request: Request) -> Response:
        """The flattened view, by compartment id (contract 3.2)."""
        rows = [self._activation_row(a) for a in self.store.all("activation", self._datamart(request)["id"])]
        flat = [
            {"id": r["compartment_id"], "token": r["token"], "default": r["default"], "name": r["name"]}
            for r in rows
        ]
        return self._page(request, flat)

    # -- activations (contract 4) ---------------------------------------------------------------------------------

    def _activation_row(self, row: Row) -> Row:
        compartment = self.store.get("compartment", str(row["compartment_id"])) or {}
        return {**row, "token": compartment.get("token"), "name": compartment.get("name")}

    def list_activations(self, request: Request) -> Response:
        """Selection rows of a datamart; those of a cross-datamart only with `with_source_datamarts=true` (contract 2)."""
        datamart = self._datamart(request)
        owners = [datamart["id"]]
        if datamart["type"] == "CROSS_DATAMART":
            wanted = request.query_params.get("with_source_datamarts") == "true"
            own = self.store.all("datamart", datamart["organisation_id"]) if wanted else []
            owners = [d["id"] for d in own if d["type"] == "DATAMART" and not d["archived"]]
        rows = [
            self._activation_row(r) for owner in owners for r in self._listed(request, "activation", owner)
        ]
        if request.query_params.get("default") == "true":
            rows = [r for r in rows if r["default"]]
        return self._page(request, rows)

    def _activation(self, request: Request) -> Row:
        return self._found("activation", request.path_params["id"], request.path_params["dm"])

    def get_activation(self, request: Request) -> Response:
        """One selection row, by its own id."""
        return self._ok(self._activation_row(self._activation(request)))

    async def create_activation(self, request: Request) -> Response:
        """Activate a compartment; a repeated one is a switch."""
        datamart = self._datamart(request)
        body = await read_body(request)
        compartment = self._found("compartment", identity(body.get("compartment_id"), "compartment_id"))
        rows = self.store.all("activation", datamart["id"])
        existing = [a for a in rows if str(a["compartment_id"]) == compartment["id"]]
        if existing and self.switches.duplicate_activation == "error":
            raise ApiError(409, "this compartment is active on this datamart already")
        if existing and self.switches.duplicate_activation == "existing":
            return self._ok(self._activation_row(existing[0]))
        default = body.get("default") is True
        fields = {"datamart_id": datamart["id"], "compartment_id": compartment["id"], "default": False}
        row = self.store.add("activation", datamart["id"], fields)
        if default:
            self._promote(datamart["id"], row["id"], lagging=False)
        return self._ok(self._activation_row({**row, "default": default}), created=True)

    async def update_activation(self, request: Request) -> Response:
        """Promote; the previous default is one no more (contract 4.3)."""
        row = self._activation(request)
        body = await read_body(request)
        if body.get("default") is False and row["default"]:
            raise ApiError(400, "a datamart needs a default compartment")
        if body.get("default") is True:
            self._promote(row["datamart_id"], row["id"], lagging=True)
        return self._ok(self._activation_row(self._found("activation", row["id"])))

    def delete_activation(self, request: Request) -> Response:
        """No client is known to do this; a switch (contract 4.2). The default one stays."""
        row = self._activation(request)
        self._removable()
        if row["default"]:
            raise ApiError(400, "a datamart needs a default compartment")
        self.store.remove("activation", row["id"])
        return self._ok(self._activation_row(row))

    def _promote(self, datamart_id: str, chosen: str, *, lagging: bool) -> None:
        for other in self.store.all("activation", datamart_id):
            default = other["id"] == chosen
            if other["default"] != default:
                self.store.update("activation", other["id"], {"default": default}, lagging=lagging)

    # -- consent activities of a selection (contract 4.2, 4.4) ----------------------------------------------------

    def list_processings(self, request: Request) -> Response:
        """Consent activities that hang on a selection."""
        return self._page(request, self._listed(request, "processing", self._activation(request)["id"]))

    async def create_processing(self, request: Request) -> Response:
        """Hang one on a selection."""
        owner, body = self._activation(request), await read_body(request)
        name = body.get("processing_name")
        if not isinstance(name, str | None):
            raise ApiError(400, "processing_name is text")
        row = {"processing_id": identity(body.get("processing_id"), "processing_id"), "processing_name": name}
        return self._ok(self.store.add("processing", owner["id"], row), created=True)

    def delete_processing(self, request: Request) -> Response:
        """Take one off."""
        row = self._found("processing", request.path_params["processing"], self._activation(request)["id"])
        self.store.remove("processing", row["id"])
        return self._ok(row)
