"""Compartments and activations: desired and observed -> changes. Pure.

Both sides are reshaped to the fields the spec manages, then compared; what is not declared never enters the
comparison, so it cannot be touched (G10). A listing that failed stops what depends on it (G6).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from reconciler.kinds.counts import many
from reconciler.model.desired import Desired, DesiredActivation, DesiredCompartment
from reconciler.model.diagnostic import Diagnostic, Severity, error, warning
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.plan import Change, ResourceChange, UnchangedCompartment
from reconciler.model.remote import Activation, Compartment, Observed, owned, token_key
from reconciler.model.unchanged import Gathering
from reconciler.planning.config import lookup, matching
from reconciler.planning.config.diff import changed_fields
from reconciler.planning.config.token_changes import token_change
from reconciler.planning.requests import with_request


@dataclass(slots=True)
class ConfigPlan:
    """Changes and findings so far.

    Attributes:
        changes: what acts, and what stays although it is not as declared.
        same: what is as declared.
        ids: remote id by compartment key; None while it is to be created; absent if nothing is known.
        tokens: by compartment key, of those that exist, are found by their token and not by a pinned id, and keep it.
        blocked: addresses that could not be planned.
    """

    changes: list[ResourceChange] = field(default_factory=list)
    same: Gathering = field(default_factory=Gathering)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    ids: dict[str, str | None] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    errored: bool = False


def plan_compartment(
    want: DesiredCompartment,
    observed: Observed,
    organisation_id: str,
    plan: ConfigPlan,
    known: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add the change of one compartment.

    Args:
        want: the declared compartment.
        observed: listings of the platform.
        organisation_id: the organisation of the workspace.
        plan: gets the change and its findings.
        known: which compartment each address was at the last apply, where a ledger knows.
    """
    address = want.address
    listing = matching.listing_of(want, observed)
    if isinstance(listing, Unlisted):
        plan.blocked.add(address)
        plan.errored = True
        return
    row = matching.compartment(want, listing, organisation_id, known)
    match row:
        case lookup.Ambiguous(ids=ids):
            _block(
                plan,
                address,
                error(
                    "ambiguous-token",
                    f"{_used_by(want, listing)} by the compartments {' and '.join(ids)}",
                    want.span,
                    help="choose one of them with spec.id",
                    address=address,
                ),
            )
        case None if want.id:
            _block(
                plan,
                address,
                error(
                    "pin-not-found",
                    f"there is no compartment with the id {want.id}",
                    want.span,
                    address=address,
                ),
            )
        case None if want.tombstone:
            plan.ids[want.key] = None  # nothing is there to be removed from anywhere
        case None if like := lookup.similar(
            listing.by("token_key", token_key(want.token or "")), organisation_id, want.token or ""
        ):
            _block(
                plan,
                address,
                error(
                    "similar-token",
                    lookup.similar_words(like, want.token or ""),
                    want.span,
                    help=f"write the token as the platform has it; or add `previously: {json.dumps([like.token], ensure_ascii=False)}` "
                    "and `allow_token_change: true`, to change its token; or choose one that differs by more",
                    address=address,
                ),
            )
        case None:
            plan.ids[want.key] = None
            after = {"organisation_id": organisation_id, "token": want.token, "name": want.name or want.token}
            plan.changes.append(
                _change(want, "create", None, after, f"no compartment has the token '{want.token}'")
            )
        case Compartment():
            plan.diagnostics += _left_behind(want, row, listing, organisation_id)
            _existing_compartment(want, row, observed, organisation_id, plan)


def declared_twice(desired: Desired, plan: ConfigPlan) -> list[Diagnostic]:
    """Two documents that mean one compartment, by its pin, its token or `previously`: neither is planned."""
    first: dict[str, DesiredCompartment] = {}
    found: list[Diagnostic] = []
    for want in desired.compartments.values():
        identity = plan.ids.get(want.key)
        if identity is None or (other := first.setdefault(identity, want)) is want:
            continue
        words = f"{other.address} and {want.address} both mean the compartment {identity}"
        advice = "keep one of the two documents, or correct `id`, `token` or `previously` of one"
        secondary = ((other.span, "the other document"),)
        found.append(
            error(
                "compartment-twice", words, want.span, secondary=secondary, help=advice, address=want.address
            )
        )
    return found


def _used_by(want: DesiredCompartment, listing: Listed[Compartment]) -> str:
    if listing.by("token", want.token):
        return f"the token '{want.token}' is used"
    return "the tokens that `previously` names are used"


def _left_behind(
    want: DesiredCompartment, row: Compartment, listing: Listed[Compartment], organisation_id: str
) -> list[Diagnostic]:
    rows = matching.left_behind(want, row, listing, organisation_id)
    if not rows:
        return []
    shown = " and ".join(f"{r.id} ('{r.token}')" for r in rows)
    words = f"`previously` names the compartment {shown}, but the compartment {row.id} has the token '{row.token}'"
    advice = (
        "these are two compartments: declare the other one in a document of its own, or remove `previously`"
    )
    return [warning("previously-two", words, want.span, help=advice, address=want.address)]


def _existing_compartment(
    want: DesiredCompartment, row: Compartment, observed: Observed, organisation_id: str, plan: ConfigPlan
) -> None:
    address = want.address
    if row.archived:
        _block(
            plan,
            address,
            error(
                "archived-compartment",
                f"the compartment {row.id} ('{row.token}') is archived",
                want.span,
                help="restore it in the console, or choose another token",
                address=address,
            ),
        )
        return
    if moves := want.token is not None and row.token != want.token:
        said = token_change(want, row, observed.compartments, organisation_id)
        if said.severity is Severity.ERROR:
            _block(plan, address, said)
            return
        plan.diagnostics.append(said)
    plan.ids[want.key] = row.id
    if want.id is None and not moves:
        plan.tokens[want.key] = row.token
    shared = not owned(row, organisation_id)
    before = shape(row)
    after = before | ({"name": want.name} if want.name is not None else {})
    after |= {"token": want.token} if moves else {}
    fields = changed_fields(before, after)
    if fields and shared:
        plan.diagnostics.append(
            warning(
                "shared-compartment",
                f"the compartment {row.id} belongs to another organisation, so it cannot be renamed",
                want.span,
                address=address,
            )
        )
        fields = {}
    if fields:
        why = f"the platform has another {' and another '.join(fields)}"
        plan.changes.append(_change(want, "update", before, after, why, remote_id=row.id))
    else:
        plan.same.compartment(
            want.key,
            UnchangedCompartment(
                id=row.id, organisation_id=row.organisation_id, token=row.token, name=row.name
            ),
        )


def plan_activation(want: DesiredActivation, observed: Observed, plan: ConfigPlan) -> None:
    """Add the change of one activation; the compartments were planned before."""
    address = want.address
    listing = observed.activations.get(want.datamart_id)
    if want.compartment not in plan.ids or not isinstance(listing, Listed):
        plan.blocked.add(address)
        plan.errored = plan.errored or isinstance(listing, Unlisted)
        return
    compartment_id = plan.ids[want.compartment]
    after: dict[str, Any] = {"datamart_id": want.datamart_id, "compartment_id": compartment_id}
    if want.default:
        after["default"] = True
    rows = () if compartment_id is None else listing.by("compartment_id", compartment_id)
    row = rows[0] if len(rows) == 1 else lookup.activation(rows, compartment_id or "")[0]
    if len(rows) > 1:
        words = f"{want.compartment} has {many(len(rows), 'activation row')} on {want.datamart}"
        plan.diagnostics.append(warning("duplicate-activation", words, want.span, address=address))
    if row is not None and row.default >= want.default:
        assert compartment_id is not None  # noqa: S101 - it has a row
        plan.same.activation(
            want.compartment, compartment_id, want.datamart, want.datamart_id, default=row.default
        )
        return
    requires, unknown = (f"Compartment/{want.compartment}",), None
    if row is not None:
        action, before, remote_id = "update", {**after, "default": False}, row.id
        why = f"to be the default on {want.datamart}"
    else:
        action, before, remote_id = "create", None, None
        why = f"not active on {want.datamart}"
    if compartment_id is None:
        why, unknown = "the compartment does not exist yet", {"compartment_id": True}
    former = _former_default(listing.rows, observed, compartment_id) if want.default else None
    if former is not None:
        token = f"'{former['token']}' " if former["token"] is not None else ""
        why += f"; compartment {token}(id {former['compartment_id']}) stops being the default"
    change = _change(want, action, before, after, why, requires, unknown, remote_id=remote_id)
    plan.changes.append(replace(change, former_default=former, token=plan.tokens.get(want.compartment)))


def _former_default(
    rows: Sequence[Activation], observed: Observed, compartment_id: str | None
) -> dict[str, str | None] | None:
    """The compartment that stops being a datamart's default when this one becomes it."""
    former = next((a.compartment_id for a in rows if a.default and a.compartment_id != compartment_id), None)
    if former is None:
        return None
    listings = (observed.compartments, observed.pinned.get(former))
    found = [row for x in listings if isinstance(x, Listed) for row in x.by("id", former)]
    return {"compartment_id": former, "token": found[0].token if found else None}


def shape(row: Compartment) -> dict[str, Any]:
    """A compartment row in the shape of the plan."""
    return {"organisation_id": row.organisation_id, "token": row.token, "name": row.name}


def _block(plan: ConfigPlan, address: str, diagnostic: Diagnostic) -> None:
    plan.blocked.add(address)
    plan.diagnostics.append(diagnostic)


def _change(
    want: DesiredCompartment | DesiredActivation,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str,
    requires: tuple[str, ...] = (),
    after_unknown: dict[str, bool] | None = None,
    *,
    remote_id: str | None = None,
) -> ResourceChange:
    span = want.span
    change = ResourceChange(
        address=want.address,
        kind="Compartment" if isinstance(want, DesiredCompartment) else "Activation",
        change=Change(actions=(action,), before=before, after=after, after_unknown=after_unknown or {}),
        reason=reason,
        requires=requires,
        remote_id=remote_id,
        origin=f"{span.path}:{span.line}",
    )
    return with_request(change)
