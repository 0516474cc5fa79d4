"""Would this action still do what was reviewed? (G2). Pure: one change and the rows seen now -> a verdict.

Only the fields a change reads decide it; an unrelated change elsewhere stales nothing. `judge` is the table of all kinds: it looks
for the change's row among those of its collection, as the row's identity says (design 6), and asks the function below of its kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.model.listing import Listed
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Activation, Compartment, Import, token_key
from reconciler.planning.config import lookup
from reconciler.planning.config.changes import shape
from reconciler.planning.loads.generations import number


class Readiness(StrEnum):
    """READY: as reviewed. DONE: already as it should be. CHANGED: neither."""

    READY = "ready"
    DONE = "done"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict, the row found, and why it moved.

    Attributes:
        row_id: READY with one: that row is changed or removed; without one: it is still to be created.
        twins: ids of the rows that share a key that only one may have.
    """

    readiness: Readiness
    row_id: str | None = None
    why: str = ""
    twins: tuple[str, ...] = ()


def judge(change: ResourceChange, rows: Listed[Any], organisation_id: str) -> Verdict:
    """Check a change of any kind.

    Args:
        change: with the ids of what it refers to.
        rows: all of its collection, as they are now.
        organisation_id: whose compartments.
    """
    shape = change.change.before or change.change.after or {}
    match change.kind, change.change.actions:
        case "Compartment", _:
            return _one_compartment(change, rows, organisation_id)
        case "Activation", ("delete",):
            return removal(rows.by("compartment_id", shape["compartment_id"]))
        case "Activation", _:
            identity = str(shape["compartment_id"])
            return activation(change, lookup.activation(rows.by("compartment_id", identity), identity)[0])
        case "DocumentImport", _:
            return document_import(change, next(iter(rows.by("id", change.remote_id)), None))
        case _:
            raise AssertionError(f"{change.address}: no rule for {change.kind}")


def _one_compartment(change: ResourceChange, rows: Listed[Compartment], organisation_id: str) -> Verdict:
    identity, token = change.remote_id, (change.change.after or {}).get("token")
    near = rows.by("id", identity) if identity else rows.by("token", token)
    found = lookup.compartment(near, organisation_id, token, identity)
    if isinstance(found, lookup.Ambiguous):
        why = f"the token is used by the compartments {' and '.join(found.ids)}"
        return Verdict(Readiness.CHANGED, None, why, found.ids)
    alike = rows.by("token_key", token_key(str(token))) if found is None and identity is None else ()
    if like := lookup.similar(alike, organisation_id, str(token)):
        return Verdict(Readiness.CHANGED, like.id, lookup.similar_words(like, str(token)))
    return compartment(change, found)


def document_import(change: ResourceChange, row: Import | None) -> Verdict:
    """Check a deletion: the import is still the one that was planned to go."""
    before = change.change.before or {}
    if row is None:
        return Verdict(Readiness.DONE)
    if row.name != before.get("name"):
        return Verdict(Readiness.CHANGED, row.id, "the id now belongs to an import with another name")
    return Verdict(Readiness.READY, row.id)


def removal(rows: Sequence[Activation]) -> Verdict:
    """Check the removal of an activation: READY with the row to remove; a datamart's default stays (contract 4.3).

    Args:
        rows: those of the compartment on the datamart, as they are now.
    """
    if not rows:
        return Verdict(Readiness.DONE)
    if default := next((r for r in rows if r.default), None):
        return Verdict(
            Readiness.CHANGED,
            default.id,
            "the activation is the default of its datamart now; a default is never removed",
        )
    return Verdict(Readiness.READY, min(rows, key=lambda r: number(r.id)).id)


def compartment(change: ResourceChange, row: Compartment | None) -> Verdict:
    """Check a compartment's create, update or no-op."""
    before, after = change.change.before, change.change.after or {}
    if row is None:
        if before is None:
            return Verdict(Readiness.READY)
        return Verdict(Readiness.CHANGED, None, "the compartment no longer exists")
    # Which compartment it is, is never taken from the id alone.
    managed = (
        ("token", "name")
        if before is None
        else ("token", *(k for k in after if before.get(k) != after.get(k)))
    )
    seen = shape(row)
    if before is not None and seen["organisation_id"] != before.get(
        "organisation_id", seen["organisation_id"]
    ):
        return Verdict(Readiness.CHANGED, row.id, "the compartment belongs to another organisation")
    if all(seen[k] == after[k] for k in managed):
        return Verdict(Readiness.DONE, row.id)
    if before is not None and all(seen[k] == before.get(k) for k in managed):
        return Verdict(Readiness.READY, row.id)
    moved = next(k for k in managed if seen[k] != after[k])
    was = "no such compartment" if before is None else f"{moved} {before.get(moved)!r}"
    return Verdict(
        Readiness.CHANGED, row.id, f"planned from {was}, the platform now has {moved} {seen[moved]!r}"
    )


def activation(change: ResourceChange, row: Activation | None) -> Verdict:
    """Check an activation's create, update or no-op. READY with a row id means: promote that row."""
    before, after = change.change.before, change.change.after or {}
    wants_default = after.get("default") is True
    if row is None:
        if before is None:
            return Verdict(Readiness.READY)
        return Verdict(Readiness.CHANGED, None, "the activation no longer exists")
    if row.default or not wants_default:
        return Verdict(Readiness.DONE, row.id)
    # The row is there without being the default: the platform may have created it by itself (contract 3.4).
    return Verdict(Readiness.READY, row.id)
