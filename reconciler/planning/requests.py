"""A change -> the request that carries it out: what a plan shows, what is sent and what the journal notes. Pure.

kind             action    request
Compartment      create    POST  /v1/user_account_compartments                   organisation_id, token, name
Compartment      update    PUT   /v1/user_account_compartments/{id}              the fields that differ, no others (G10)
Activation       create    POST  /v1/datamarts/{dm}/compartments                 datamart_id, compartment_id, default if true
Activation       update    PUT   /v1/datamarts/{dm}/compartments/{row}           default: true, never false (contract 4.3)
Activation       delete    DELETE /v1/datamarts/{dm}/compartments/{row}
DocumentImport   delete    DELETE /v1/datamarts/{dm}/document_imports/{id}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from reconciler.kinds import paths
from reconciler.model.plan import ResourceChange


@dataclass(frozen=True, slots=True)
class Request:
    """One write: method, path and JSON body. Its text is what plans show and the journal notes."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def request_of(change: ResourceChange, row_id: str | None = None) -> Request | None:
    """The request that carries out a change; None for one that needs none, or whose row has no id yet.

    Args:
        change: as planned.
        row_id: of the row as it is now; the planned one if it is left out.
    """
    before, after = change.change.before or {}, change.change.after or {}
    row = row_id or change.remote_id
    match change.kind, change.change.actions:
        case "Compartment", ("create",):
            return Request("POST", paths.compartments(), _only(after, "organisation_id", "token", "name"))
        case "Compartment", ("update",) if row:
            return Request("PUT", paths.compartment(row), _differing(before, after))
        case "Activation", ("create",):
            return activation_request(after, after.get("compartment_id"))
        case "Activation", ("update",) if row:
            return promotion(after["datamart_id"], row)
        case "Activation", ("delete",) if row:
            return Request("DELETE", paths.activation(str(before["datamart_id"]), row))
        case "DocumentImport", ("delete",) if row:
            return Request("DELETE", paths.document_import(str(before["datamart_id"]), row))
    return None


def with_request(change: ResourceChange) -> ResourceChange:
    """The change with the text of its request, as a plan shows it."""
    request = request_of(change)
    return replace(change, request=None if request is None else str(request))


def activation_request(after: Mapping[str, Any], compartment_id: str | None) -> Request:
    """Activate a compartment; its id comes from the plan, or from the run that created it."""
    body = {"datamart_id": after["datamart_id"], "compartment_id": compartment_id}
    body |= {"default": True} if after.get("default") else {}
    return Request("POST", paths.activations(after["datamart_id"]), body)


def needed(request: Request | None) -> Request:
    """The request of a change that has one."""
    assert request is not None  # noqa: S101 - the caller's case
    return request


def promotion(datamart_id: str, row_id: str) -> Request:
    """Make an activation the default of its datamart; the one before is demoted by the platform (contract 4.3)."""
    return Request("PUT", paths.activation(datamart_id, row_id), {"default": True})


def _only(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {k: fields[k] for k in names}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {k: after[k] for k in after if before.get(k) != after[k]}
