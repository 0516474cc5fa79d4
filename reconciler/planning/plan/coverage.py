"""Which compartment is active on which datamart, and which will be: from a plan alone. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.kinds.counts import many
from reconciler.model.outcome import GOOD, Outcome, Status
from reconciler.model.plan import Plan, ResourceChange
from reconciler.model.unchanged import active, compartments
from reconciler.planning.plan.waves import first_wave

_MAKING = (("create",), ("update",))
ALONE_MAX = 4  # compartments that no spec declares; of more, all have one row together
_WHOLE = ("--datamart ", "--only config")  # flags that leave nothing out of what is active on a datamart


class Cover(StrEnum):
    """DEFAULT and PROMOTED (will be it) are of datamarts' defaults; LATER is in a later wave; all others as they are named."""

    ACTIVE = "active"
    DEFAULT = "default"
    NOW = "now"
    LATER = "later"
    PROMOTED = "promoted"
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
        unmanaged: rows of compartments that no spec declares; there is one where such a compartment is a datamart's default.
        defaults: compartment and datamart, where an action of the plan makes the one the default of the other.
    """

    datamarts: tuple[str, ...]
    cells: dict[str, tuple[Cover, ...]]
    shared: frozenset[str]
    waves: dict[str, str]
    defaults: frozenset[tuple[str, str]] = frozenset()
    unmanaged: frozenset[str] = frozenset()


def coverage(plan: Plan) -> Coverage:
    """What a plan finds and does: of the compartments and datamarts that it speaks of."""
    first = None
    waves: dict[str, str] = {}
    if plan.rollout is not None:
        waves = plan.rollout.wave_of()
        first = first_wave(plan)
    found: dict[tuple[str, str], Cover] = {}
    names: dict[str, None] = dict.fromkeys(waves)
    rows: dict[str, None] = {}
    shared, defaults = set(), set()
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
            found[compartment, datamart] = _cover(change, first)
            if change.change.actions in _MAKING and (change.change.after or {}).get("default"):
                defaults.add((compartment, datamart))
    for key, kept in plan.unchanged.compartments.items():
        rows[key] = None
        if kept.organisation_id not in (plan.organisation_id, ""):
            shared.add(key)
    for key, datamart, default in active(plan.unchanged):
        rows[key] = names[datamart] = None
        found[key, datamart] = Cover.DEFAULT if default else Cover.ACTIVE
    beside = _beside(plan)
    names |= dict.fromkeys(datamart for _, datamart in beside)
    unmanaged = {row: None for row, _ in beside if row not in rows}
    rows |= unmanaged
    found |= {place: cover for place, cover in beside.items() if place not in found}
    columns = tuple(names if waves else sorted(names))
    cells = {row: tuple(found.get((row, d), Cover.MISSING) for d in columns) for row in sorted(rows)}
    return Coverage(columns, cells, frozenset(shared), waves, frozenset(defaults), frozenset(unmanaged))


def of_whole_datamarts(plan: Plan) -> bool:
    """Whether the plan has all that is active on each datamart it speaks of; else nothing can be called missing there."""
    return all(limit.startswith(_WHOLE) for limit in plan.limits)


def _beside(plan: Plan) -> dict[tuple[str, str], Cover]:
    """Activations that no spec declares: those of declared compartments, and the defaults of datamarts."""
    keys = {c.remote_id: c.address.partition("/")[2] for c in compartments(plan)}
    found = {}
    for u in plan.unmanaged:
        key = keys.get(u.compartment_id)
        if u.datamart is not None and (key is not None or u.default):
            row = key if key is not None else f"{u.token or 'no token'} #{u.compartment_id}"
            found[row, u.datamart] = Cover.DEFAULT if u.default else Cover.ACTIVE
    return found


def together(found: Coverage) -> Coverage:
    """The same with one row, the last, for all compartments that no spec declares, where they are more than a few.

    Each is the default of some datamart, and a datamart has one default: no cell is lost, and their names are among what is
    unmanaged.
    """
    alone = [row for row in found.cells if row in found.unmanaged]
    if len(alone) <= ALONE_MAX:
        return found
    joined = tuple(
        next((cover for cover in column if cover is not Cover.MISSING), Cover.MISSING)
        for column in zip(*(found.cells[row] for row in alone), strict=True)
    )
    name = many(len(alone), "other")
    cells = {row: covers for row, covers in found.cells.items() if row not in found.unmanaged}
    return replace(found, cells={**cells, name: joined}, unmanaged=frozenset({name}))


def shortened(found: Coverage, most: int) -> tuple[Coverage, int]:
    """So many compartments at most: those that the plan does something about, then those that specs declare, then others.

    And how many are left out.
    """
    found = together(found)
    if len(found.cells) <= most:
        return found, 0
    moving = {Cover.NOW, Cover.LATER, Cover.PROMOTED, Cover.REMOVED}
    acting = [row for row, covers in found.cells.items() if not moving.isdisjoint(covers)]
    others = sorted((row for row in found.cells if row not in set(acting)), key=found.unmanaged.__contains__)
    kept = set([*acting, *others][:most])
    cells = {row: covers for row, covers in found.cells.items() if row in kept}
    return replace(found, cells=cells), len(found.cells) - len(cells)


def after(
    found: Coverage,
    outcomes: Sequence[Outcome],
    passed: Collection[str],
    earlier: Mapping[str, bool] | None = None,
) -> Coverage:
    """The matrix once a plan was carried out, as far as it was.

    Args:
        found: the matrix of the plan.
        outcomes: of this run.
        passed: waves that were carried out by some run; an action that nothing else is known of was done.
        earlier: of actions that earlier runs tried, whether each succeeded.
    """
    ended = dict(earlier or {})
    ended |= {o.address: o.status in GOOD for o in outcomes if o.status is not Status.SKIPPED}
    tried = {o.address for o in outcomes}

    def done(row: str, datamart: str) -> bool | None:
        """Whether the cell's action was done; None where it was not tried yet."""
        address = f"Activation/{row}@{datamart}"
        if address in ended:
            return ended[address]
        if found.waves.get(datamart) in passed:
            return True
        return False if address in tried and not found.waves else None

    became = {datamart: row for row, datamart in found.defaults if done(row, datamart)}

    def cell(row: str, datamart: str, cover: Cover) -> Cover:
        is_done = done(row, datamart)
        match cover:
            case Cover.NOW | Cover.LATER if is_done:
                made = Cover.ACTIVE
            case Cover.NOW | Cover.LATER if is_done is False:
                return Cover.MISSING
            case Cover.NOW if f"Activation/{row}@{datamart}" in tried:
                return Cover.LATER
            case Cover.REMOVED:
                return Cover.MISSING if is_done else Cover.ACTIVE
            case Cover.PROMOTED:
                made = Cover.ACTIVE
            case _:
                made = cover
        if made in (Cover.ACTIVE, Cover.DEFAULT) and datamart in became:
            return Cover.DEFAULT if became[datamart] == row else Cover.ACTIVE
        return made

    cells = {
        row: tuple(cell(row, d, c) for d, c in zip(found.datamarts, covers, strict=True))
        for row, covers in found.cells.items()
    }
    return replace(found, cells=cells)


def _cover(change: ResourceChange, first: str | None) -> Cover:
    after = change.change.after or {}
    match change.change.actions:
        case ("delete",):
            return Cover.REMOVED
        case ("create",):
            return Cover.LATER if change.wave is not None and change.wave != first else Cover.NOW
        case ("update",):
            return Cover.PROMOTED
        case _:
            return Cover.DEFAULT if after.get("default") is True else Cover.ACTIVE
