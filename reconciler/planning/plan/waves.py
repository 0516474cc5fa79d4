"""A plan in waves: which action is in which, the part of the plan that one wave carries out, and its gates. Pure."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import TypeVar

from msgspec.structs import replace

from reconciler.kinds.counts import few, many
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange, Plan, ResourceChange, Unchanged
from reconciler.model.rollout import Gates, Rollout, Wave
from reconciler.planning.digests import sealed

Entry = TypeVar("Entry", ResourceChange, LoadChange)
# What gates count as failed: it is not as it should be, and it was tried.
FAILED = frozenset({Status.FAILED, Status.UNKNOWN, Status.CANCELED, Status.DUPLICATED})


def in_waves(
    config: Sequence[ResourceChange], loads: Sequence[LoadChange], rollout: Rollout
) -> tuple[list[ResourceChange], list[LoadChange]]:
    """Say of each action which wave it is in. Compartments are the organisation's: they come before all waves."""
    waves = rollout.wave_of()
    return (
        [
            c if c.change.actions == ("no-op",) else replace(c, wave=waves.get(datamart_of(c.address)))
            for c in config
        ],
        [x if x.actions == ("no-op",) else replace(x, wave=waves.get(x.datamart)) for x in loads],
    )


def datamart_of(address: str) -> str:
    """The datamart's name in an address; empty for what belongs to the organisation."""
    return address.partition("@")[2]


def acting(plan: Plan, wave: str | None) -> list[str]:
    """Addresses of a wave's actions; of None, those that are in no wave."""
    changes = [c.address for c in plan.resource_changes if c.change.actions != ("no-op",) and c.wave == wave]
    return changes + [x.address for x in plan.loads if x.actions != ("no-op",) and x.wave == wave]


def first_wave(plan: Plan) -> str | None:
    """The wave that carries out what is in no wave, too: the first that has something to do, else the first."""
    names = [w.name for w in plan.rollout.waves] if plan.rollout is not None else []
    busy = {c.wave for c in plan.resource_changes if c.change.actions != ("no-op",)}
    busy |= {x.wave for x in plan.loads if x.actions != ("no-op",)}
    return next((name for name in names if name in busy), names[0] if names else None)


def carried_out(plan: Plan, wave: str) -> list[str]:
    """Addresses of all actions that a wave carries out."""
    return [*(acting(plan, None) if wave == first_wave(plan) else []), *acting(plan, wave)]


def part(plan: Plan, wave: str, *, datamarts: Sequence[str] | None = None, first: bool) -> Plan:
    """What one wave carries out, sealed as a plan of its own.

    Args:
        plan: the whole.
        wave: its name.
        datamarts: only these of the wave.
        first: no wave with changes came before: what is in no wave is done now. Later it is there already, and only looked at
            where the wave needs it.
    """
    changes = [c for c in plan.resource_changes if c.wave == wave and _among(c.address, datamarts)]
    loads = [x for x in plan.loads if x.wave == wave and _among(x.address, datamarts)]
    needed = {r for c in changes for r in c.requires} | {r for x in loads for r in x.requires}
    before = [
        c
        for c in plan.resource_changes
        if c.wave is None and (first or c.address in needed) and c.change.actions != ("no-op",)
    ]
    idle = [c for c in plan.resource_changes if c.change.actions == ("no-op",) and c.kind == "Compartment"]
    # A load that only has to be told of is told of once, with the first wave.
    told = [x for x in plan.loads if x.actions == ("no-op",)] if first else []
    there = Unchanged(compartments=plan.unchanged.compartments)
    mine, loading = (*before, *idle, *changes), (*loads, *told)
    known = {*(c.address for c in mine), *(x.address for x in loading)}
    return sealed(
        replace(
            plan,
            resource_changes=tuple(_among_these(c, known) for c in mine),
            unchanged=there,
            loads=tuple(_among_these(x, known) for x in loading),
        )
    )


def _among_these(entry: Entry, known: Set[str]) -> Entry:
    """What requires nothing that other waves do: it is done, or the entry has nothing to wait for."""
    left = tuple(address for address in entry.requires if address in known)
    return entry if left == entry.requires else replace(entry, requires=left)


def begun(plan: Plan, done: Set[str | None]) -> Plan:
    """The plan with the actions of these waves, None are those before all waves; of others, what is there untouched."""
    changes = []
    for change in plan.resource_changes:
        if change.wave in done:
            changes.append(change)
        elif (seen := change.change.before) is not None:
            left = replace(change.change, actions=("no-op",), after=seen)
            changes.append(replace(change, change=left, former_default=None))
    return replace(
        plan, resource_changes=tuple(changes), loads=tuple(x for x in plan.loads if x.wave in done)
    )


def _among(address: str, datamarts: Sequence[str] | None) -> bool:
    return datamarts is None or datamart_of(address) in datamarts


def batches(wave: Wave, busy: Sequence[str]) -> list[tuple[str, ...]]:
    """The wave's datamarts that have something to do, as many at once as it allows."""
    names = [d for d in wave.datamarts if d in busy]
    size = wave.max_parallel_datamarts or max(1, len(names))
    return [tuple(names[i : i + size]) for i in range(0, len(names), size)]


def closed(gates: Gates, outcomes: Sequence[Outcome], trips: int) -> str | None:
    """Why a wave's outcomes close its gate; None if they do not."""
    failed = [o.address for o in outcomes if o.status in FAILED]
    if len(failed) > gates.max_failed_executions:
        return f"{len(failed)} failed or unknown ({few(failed, 3)}); allowed: {gates.max_failed_executions}"
    bad = sum(o.counts.get("failed", 0) for o in outcomes)
    lines = bad + sum(o.counts.get("succeeded", 0) for o in outcomes)
    if gates.max_failed_lines is not None and bad > gates.max_failed_lines:
        return f"{many(bad, 'command')} failed; allowed: {gates.max_failed_lines:,}"
    percent = gates.max_failed_lines_percent
    if percent is not None and lines and bad * 100 > percent * lines:
        return (
            f"{bad:,} of {many(lines, 'command')} failed ({bad * 100 / lines:.1f} %); allowed: {percent:g} %"
        )
    if gates.max_guard_trips is not None and trips > gates.max_guard_trips:
        return (
            f"{trips} guards were overridden on the datamarts of this wave; allowed: {gates.max_guard_trips}"
        )
    return None


def by_commands(why: str) -> bool:
    """Whether commands that failed closed a gate, from the reason that `closed` gave: they count for good, whatever is sent since."""
    return re.search(r"\bcommands? failed\b", why) is not None


def trips(plan: Plan, wave: Wave) -> int:
    """Guards that somebody allowed to be crossed on the wave's datamarts."""
    names = set(wave.datamarts)
    return sum(datamart_of(o.scope) in names for o in plan.overrides)


def moved_specs(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """How the specs differ from those of a plan, by address."""
    changed = [f"{a} changed" for a in sorted(then.keys() & now.keys()) if then[a] != now[a]]
    gone = [f"{a} was removed" for a in sorted(then.keys() - now.keys())]
    return changed + gone + [f"{a} is new" for a in sorted(now.keys() - then.keys())]
