"""Find the remote row that a desired resource is (design 6, "Keys"). Pure.

Compartment: organisation and token. Activation: datamart and compartment; of duplicate rows the lowest id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.remote import Activation, Compartment, owned, token_key
from reconciler.planning.loads.generations import number


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """More than one row has the key; nothing is chosen."""

    ids: tuple[str, ...]


def compartment(
    rows: Iterable[Compartment], organisation_id: str, token: str | None, pin: str | None
) -> Compartment | Ambiguous | None:
    """The compartment with this pinned id, else the organisation's one with this token, else None.

    Args:
        rows: of a complete listing.
        organisation_id: the organisation of the workspace.
        token: declared token.
        pin: declared id (`spec.id`).
    """
    if pin is not None:
        return next((r for r in rows if r.id == pin), None)
    # Rows of other organisations are shared compartments: never ours by token (contract 3.5).
    found = [r for r in rows if r.token == token and owned(r, organisation_id)]
    if len(found) > 1:
        return ambiguous(found)
    return found[0] if found else None


def ambiguous(rows: Iterable[Compartment]) -> Ambiguous:
    """Several rows for one key, by id."""
    return Ambiguous(tuple(sorted((r.id for r in rows), key=number)))


def similar(rows: Iterable[Compartment], organisation_id: str, token: str) -> Compartment | None:
    """The organisation's compartment whose token differs from this one only by case or Unicode form, if there is one."""
    key = token_key(token)
    return next(
        (r for r in rows if r.token != token and r.token_key == key and owned(r, organisation_id)),
        None,
    )


def similar_words(row: Compartment, token: str) -> str:
    """Why a compartment with this token is not created beside that row."""
    return f"compartment {row.id} has the token {row.token!r}, which differs from {token!r} only by case or Unicode form"


def activation(rows: Sequence[Activation], compartment_id: str) -> tuple[Activation | None, int]:
    """The activation row of a compartment, and how many there are."""
    found = [r for r in rows if r.compartment_id == compartment_id]
    if len(found) == 1:
        return found[0], 1
    found.sort(key=lambda r: number(r.id))
    # A duplicate that is the default is the one that matters to the datamart.
    return (next((r for r in found if r.default), found[0]) if found else None), len(found)
