"""A change -> the request that carries it out: what a plan shows, what is sent and what the journal notes. Pure.

kind             action    request
Compartment      create    POST  /v1/user_account_compartments                   organisation_id, token, name
Compartment      update    PUT   /v1/user_account_compartments/{id}              the fields that differ, no others (G10)
Activation       create    POST  /v1/datamarts/{dm}/compartments                 datamart_id, compartment_id, default if true
Activation       update    PUT   /v1/datamarts/{dm}/compartments/{row}           default: true, never false (contract 4.3);
                                                                                 a create whose row is there already, too
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
        case "Activation", ("create" | "update",) if row:
            return Request("PUT", paths.activation(after["datamart_id"], row), {"default": True})
        case "Activation", ("create",):
            fields = ("datamart_id", "compartment_id", *(("default",) if after.get("default") else ()))
            return Request("POST", paths.activations(after["datamart_id"]), _only(after, *fields))
        case "Activation", ("delete",) if row:
            return Request("DELETE", paths.activation(str(before["datamart_id"]), row))
        case "DocumentImport", ("delete",) if row:
            return Request("DELETE", paths.document_import(str(before["datamart_id"]), row))
    return None


def refers_to_new(change: ResourceChange) -> bool:
    """True if a change names a compartment that the plan creates: its id is not known yet."""
    after = change.change.after or {}
    return "compartment_id" in after and after["compartment_id"] is None


def referring_to(change: ResourceChange, compartment_id: str) -> ResourceChange:
    """The change with the id of the compartment that it refers to."""
    after = {**(change.change.after or {}), "compartment_id": compartment_id}
    return replace(change, change=replace(change.change, after=after))


def with_request(change: ResourceChange) -> ResourceChange:
    """The change with the text of its request, as a plan shows it."""
    request = request_of(change)
    return replace(change, request=None if request is None else str(request))


def needed(request: Request | None) -> Request:
    """The request of a change that has one."""
    assert request is not None  # noqa: S101 - the caller's case
    return request


def _only(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {k: fields[k] for k in names}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {k: after[k] for k in after if before.get(k) != after[k]}
