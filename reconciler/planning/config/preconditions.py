"""Would this action still do what was reviewed? (G2). Pure: one change and the rows seen now -> a verdict.

Only the fields a change reads decide it; an unrelated change elsewhere stales nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Activation, Compartment, Import
from reconciler.planning.config.changes import shape
from reconciler.planning.loads.generations import number


class Readiness(StrEnum):
    """READY: as reviewed. DONE: already as it should be. CHANGED: neither."""

    READY = "ready"
    DONE = "done"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict, the row found, and why it moved."""

    readiness: Readiness
    row_id: str | None = None
    why: str = ""


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
