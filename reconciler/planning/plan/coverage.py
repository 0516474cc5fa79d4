"""Which compartment is active on which datamart, and which will be: from a plan alone. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.plan import Plan


class Cover(StrEnum):
    """ACTIVE; DEFAULT, the datamart's default, too; NOW and REMOVED, by this plan; LATER, in a later wave; MISSING."""

    ACTIVE = "active"
    DEFAULT = "default"
    NOW = "now"
    LATER = "later"
    REMOVED = "removed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Coverage:
    """The matrix.

    Attributes:
        datamarts: columns, in the order of the waves.
        cells: by compartment, a row in the order of `datamarts`.
        shared: compartments of another organisation.
        waves: the wave of each datamart, where there are waves.
    """

    datamarts: tuple[str, ...]
    cells: dict[str, tuple[Cover, ...]]
    shared: frozenset[str]
    waves: dict[str, str]


def coverage(plan: Plan) -> Coverage:
    """What a plan finds and does: of the compartments and datamarts that it speaks of."""
    first = None
    waves: dict[str, str] = {}
    if plan.rollout is not None:
        waves = plan.rollout.wave_of()
        acting = {c.wave for c in plan.resource_changes if c.wave} | {x.wave for x in plan.loads if x.wave}
        first = next((w.name for w in plan.rollout.waves if w.name in acting), None)
    found: dict[tuple[str, str], Cover] = {}
    names: dict[str, None] = dict.fromkeys(waves)
    rows: dict[str, None] = {}
    shared = set()
    for change in plan.resource_changes:
        kind, _, rest = change.address.partition("/")
        if kind == "Compartment":
            rows[rest] = None
            seen = change.change.before or change.change.after or {}
            if seen.get("organisation_id") not in (plan.organisation_id, "", None):
                shared.add(rest)
        elif kind == "Activation":
            compartment, _, datamart = rest.partition("@")
            rows[compartment] = names[datamart] = None
            found[compartment, datamart] = _cover(
                change.change.actions, change.change.after or {}, change.wave, first
            )
    columns = tuple(names if waves else sorted(names))
    cells = {row: tuple(found.get((row, d), Cover.MISSING) for d in columns) for row in sorted(rows)}
    return Coverage(columns, cells, frozenset(shared), waves)


def shortened(found: Coverage, most: int) -> tuple[Coverage, int]:
    """So many compartments at most, those that the plan does something about before others; and how many are left out."""
    if len(found.cells) <= most:
        return found, 0
    moving = {Cover.NOW, Cover.LATER, Cover.REMOVED}
    acting = [row for row, covers in found.cells.items() if not moving.isdisjoint(covers)]
    others = [row for row in found.cells if row not in set(acting)]
    kept = set([*acting, *others][:most])
    cells = {row: covers for row, covers in found.cells.items() if row in kept}
    return replace(found, cells=cells), len(found.cells) - len(cells)


def after(found: Coverage, outcomes: Sequence[Outcome], passed: Collection[str]) -> Coverage:
    """The matrix once a plan was carried out, as far as it was; `passed` are the waves that have passed."""
    ended = {o.address: o.status for o in outcomes}

    def cell(row: str, datamart: str, cover: Cover) -> Cover:
        status = ended.get(f"Activation/{row}@{datamart}")
        if cover is Cover.REMOVED:
            gone = found.waves.get(datamart) in passed if status is None else status in GOOD
            return Cover.MISSING if gone else Cover.ACTIVE
        if cover not in (Cover.NOW, Cover.LATER):
            return cover
        if status is None:
            return Cover.ACTIVE if found.waves.get(datamart) in passed else cover
        if status in GOOD:
            return Cover.ACTIVE
        return Cover.LATER if status is Status.SKIPPED and found.waves else Cover.MISSING

    cells = {
        row: tuple(cell(row, d, c) for d, c in zip(found.datamarts, covers, strict=True))
        for row, covers in found.cells.items()
    }
    return replace(found, cells=cells)


def _cover(actions: tuple[str, ...], after: dict[str, object], wave: str | None, first: str | None) -> Cover:
    if actions == ("delete",):
        return Cover.REMOVED
    if actions == ("create",):
        return Cover.LATER if wave is not None and wave != first else Cover.NOW
    return Cover.DEFAULT if after.get("default") is True else Cover.ACTIVE
