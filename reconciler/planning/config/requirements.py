"""What a load requires of the platform: a live datamart, and each of its compartments there, as planned, and active. Pure.

One function for `plan`, `apply --check` and `apply`, which asks right before the load acts.
"""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.model.address import Address
from reconciler.model.remote import Activation, Compartment, Datamart
from reconciler.planning.config import lookup


@dataclass(frozen=True, slots=True)
class Required:
    """What a load names.

    Attributes:
        datamart: its name in the specs.
        ids: remote id by compartment key; None while it is to be created.
        tokens: token by compartment key, of those that are found by their token and not by a pinned id.
        coming: addresses that the plan is about; they are looked at by themselves.
    """

    datamart: str
    datamart_id: str
    ids: Mapping[str, str | None]
    tokens: Mapping[str, str]
    coming: Container[str] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows as they are now; `active` are those of the datamart."""

    organisation_id: str
    datamarts: Collection[Datamart]
    compartments: Collection[Compartment]
    active: Collection[Activation]


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that does not hold, and why.

    Attributes:
        about: the kind of what is not as required.
        key: the compartment; empty for the datamart.
    """

    about: Literal["Datamart", "Compartment", "Activation"]
    why: str
    key: str = ""


def unmet(need: Required, seen: Seen) -> list[Unmet]:
    """What does not hold; nothing else is looked at where the datamart is not one to load into."""
    row = next((d for d in seen.datamarts if d.id == need.datamart_id), None)
    if row is None:
        return [Unmet("Datamart", f"the datamart {need.datamart_id} is not in the organisation")]
    if row.archived:
        return [Unmet("Datamart", f"the datamart {row.id} ('{row.name}') is archived")]
    if row.type == "CROSS_DATAMART":
        words = f"{need.datamart} is a cross-datamart; profiles cannot be loaded into a cross-datamart"
        return [Unmet("Datamart", words)]
    return [found for key in need.ids if (found := _compartment(key, need, seen)) is not None]


def _compartment(key: str, need: Required, seen: Seen) -> Unmet | None:
    identity, token = need.ids[key], need.tokens.get(key)
    if f"Compartment/{key}" not in need.coming and identity is not None:
        row = next((c for c in seen.compartments if c.id == identity), None)
        if row is not None and row.archived:
            return Unmet("Compartment", f"the compartment {identity} ('{key}') is archived", key)
        if token is not None and (
            why := moved(identity, key, token, seen.compartments, seen.organisation_id)
        ):
            return Unmet("Compartment", why, key)
    activation = str(Address("Activation", key, need.datamart))
    if activation in need.coming or any(a.compartment_id == identity for a in seen.active):
        return None
    return Unmet("Activation", f"'{key}' is not active on {need.datamart}", key)


def moved(
    identity: str, key: str, token: str, compartments: Collection[Compartment], organisation_id: str
) -> str | None:
    """Why a compartment that was found by its token is not the one of this id any more; None if it is.

    Args:
        identity: remote id, as planned.
        key: its name in the specs.
        token: by which it was found.
        compartments: rows as they are now.
        organisation_id: the organisation of the workspace.
    """
    row = next((c for c in compartments if c.id == identity), None)
    if row is None:
        return f"the compartment {identity} ('{key}') does not exist any more"
    if row.token != token:
        return f"the compartment {identity} ('{key}') has the token {row.token!r}, planned was {token!r}"
    found = lookup.compartment(compartments, organisation_id, token, None)
    if isinstance(found, lookup.Ambiguous):
        return f"the token '{token}' is used by the compartments {' and '.join(found.ids)}"
    if found is None:
        return f"the compartment {identity} ('{key}') is not one of organisation {organisation_id}"
    return None
