"""Two states -> `Plan`. Pure; `reconciler.workflows.plan` gathers what goes in."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from reconciler import __version__
from reconciler.kinds.counts import many
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, error, has_errors
from reconciler.model.listing import Listing, Unlisted
from reconciler.model.plan import (
    FORMAT_VERSION,
    ORDER,
    Budget,
    LoadChange,
    Override,
    Plan,
    ResourceChange,
    Summary,
    Unchanged,
    Unmanaged,
)
from reconciler.model.remote import Observed
from reconciler.model.rollout import Rollout
from reconciler.model.unchanged import NOTHING, count
from reconciler.planning.config.activations import plan_activations
from reconciler.planning.config.changes import ConfigPlan, declared_twice, plan_compartment
from reconciler.planning.config.datamarts import datamart_findings, foreign
from reconciler.planning.config.look_alikes import look_alikes
from reconciler.planning.config.removals import Pruning, plan_removals
from reconciler.planning.digests import sealed
from reconciler.planning.plan import guards
from reconciler.planning.plan.waves import in_waves
from reconciler.settings import Settings

# Per chunk: its import, its execution, and on average two looks at it; per load: listings and the seal.
_PER_CHUNK, _PER_LOAD, _PER_CHANGE = 4, 6, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What stands in a plan beside its actions.

    Attributes:
        created_at: in UTC.
        allowed: guards that may be crossed.
        latency: seconds that a request took on average.
        unmanaged: what exists and no spec declares.
        prune: scopes of `--prune`.
        listed_datamarts: ids of those whose activations were all read, where no flag limits compartments or activations.
        labels: of the datamarts that the specs name, by name.
        limits: flags that narrowed the plan.
        unchanged: compartments and activations that are as declared.
    """

    created_at: str
    allowed: Sequence[Override] = ()
    latency: float | None = None
    unmanaged: Sequence[Unmanaged] = ()
    prune: Collection[str] = ()
    listed_datamarts: Collection[str] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: Sequence[str] = ()
    unchanged: Unchanged = NOTHING


def plan_config(
    desired: Desired,
    observed: Observed,
    organisation_id: str,
    pruning: Pruning,
    known: Mapping[str, str] = MappingProxyType({}),
) -> ConfigPlan:
    """Compartments and activations.

    Args:
        desired: what the specs declare.
        observed: listings of the platform.
        organisation_id: the organisation of the workspace.
        pruning: scopes of `--prune`.
        known: remote ids of compartments at the last apply, by address.
    """
    plan = ConfigPlan()
    plan.diagnostics += _failed_reads(desired, observed)
    plan.errored = bool(plan.diagnostics)
    findings, unusable = datamart_findings(desired.datamarts, desired.ignored, observed, organisation_id)
    plan.diagnostics += findings
    if foreign(observed.datamarts, organisation_id):
        plan.blocked |= {*desired.compartments, *desired.activations, *desired.removals}
        return plan
    for compartment in desired.compartments.values():
        plan_compartment(compartment, observed, organisation_id, plan, known)
    plan.diagnostics += [
        *declared_twice(desired, plan),
        *look_alikes(desired, observed, plan.changes, plan.ids, organisation_id),
    ]
    plan_activations(desired.activations, observed, plan, unusable)
    plan_removals(desired, observed, plan, pruning)
    return plan


def _failed_reads(desired: Desired, observed: Observed) -> list[Diagnostic]:
    """One finding for each reason for which listings failed: a platform that does not answer is one error."""
    listings: list[tuple[str, Listing[Any] | None]] = [
        ("list datamarts", observed.datamarts),
        ("list compartments", observed.compartments),
        *(
            (f"list the activations of {n}", observed.activations.get(i))
            for n, (i, _) in desired.datamarts.items()
        ),
        *((f"read compartment {pin}", pinned) for pin, pinned in observed.pinned.items()),
    ]
    failed: dict[tuple[str, str | None], list[str]] = {}
    for what, listing in listings:
        if isinstance(listing, Unlisted):
            failed.setdefault((listing.reason, listing.help), []).append(what)
    return [
        error("read-failed", f"could not {whats[0]}{_others(len(whats) - 1)}: {reason}", help=help_)
        for (reason, help_), whats in failed.items()
    ]


def _others(count: int) -> str:
    return f" (and {many(count, 'other read')})" if count else ""


def assemble(
    config: Sequence[ResourceChange],
    loads: Sequence[LoadChange],
    diagnostics: Sequence[Diagnostic],
    settings: Settings,
    spec_digest: str,
    occasion: Occasion,
    *,
    errored: bool,
    complete: bool,
    rollout: Rollout | None = None,
) -> Plan:
    """Order, guard, count and seal the plan with its digest; in a rollout, say which wave each action is in.

    Args:
        config: changes of compartments, activations and document imports; without what is as declared.
        loads: changes of loads.
        diagnostics: findings so far.
        settings: of the workspace.
        spec_digest: digest of all specs.
        occasion: time, latency and overrides of this run.
        errored: a read failed.
        complete: no flag limits the plan.
        rollout: waves, where the workspace has them.
    """
    unchanged = occasion.unchanged
    if rollout is not None:
        config, loads = in_waves(config, loads, rollout)
    # Twice sorted, since keys of one text each compare fastest, and the second finds them nearly in order.
    changes = tuple(sorted(sorted(config, key=attrgetter("address")), key=lambda c: ORDER[c.kind]))
    ordered = tuple(sorted(loads, key=lambda load: load.address))
    every = [
        *diagnostics,
        *guards.allowed(
            guards.check(changes, ordered, settings.guards, unchanged), occasion.allowed, ordered
        ),
    ]
    verbs = Counter(c.change.actions[0] for c in changes)
    execute = sum(load.actions != ("no-op",) for load in ordered)
    summary = Summary(
        create=verbs["create"],
        update=verbs["update"],
        delete=verbs["delete"],
        execute=execute,
        unchanged=verbs["no-op"] + count(unchanged) + len(ordered) - execute,
    )
    acting = [load for load in ordered if load.actions != ("no-op",)]
    writes = summary.create + summary.update + summary.delete
    requests = sum(load.chunks * _PER_CHUNK + _PER_LOAD for load in acting) + writes * _PER_CHANGE
    seconds = None if occasion.latency is None else requests * occasion.latency / settings.parallelism
    budget = Budget(
        requests=requests,
        bytes=sum(map(to_upload, acting)),
        seconds=None if seconds is None else round(seconds, 1),
    )
    plan = Plan(
        format_version=FORMAT_VERSION,
        tool_version=__version__,
        workspace=settings.workspace,
        organisation_id=settings.organisation_id,
        endpoint=str(settings.endpoint),
        environment=settings.environment,
        spec_digest=spec_digest,
        complete=complete,
        errored=errored,
        applyable=not has_errors(every) and not errored,
        resource_changes=changes,
        unchanged=unchanged,
        loads=ordered,
        summary=summary,
        budget=budget,
        diagnostics=tuple(every),
        overrides=tuple(occasion.allowed),
        rollout=rollout,
        unmanaged=tuple(occasion.unmanaged),
        prune=tuple(sorted(occasion.prune)),
        listed_datamarts=tuple(sorted(occasion.listed_datamarts)),
        labels={name: dict(own) for name, own in sorted(occasion.labels.items())},
        limits=tuple(occasion.limits),
        created_at=occasion.created_at,
    )
    return sealed(plan)


def to_upload(load: LoadChange) -> int:
    """Bytes that a load still has to send, about: chunks of one load have about one size, and what was sent is only looked at.

    Args:
        load: of a plan.
    """
    if load.actions != ("resume",) or not load.chunks:
        return load.bytes
    left = sum(n for state, n in load.unfinished.items() if state not in ("live", "unknown"))
    return round(load.bytes * min(left, load.chunks) / load.chunks)


def _kept(change: ResourceChange | LoadChange, present: set[str]) -> tuple[str, ...]:
    return tuple(r for r in change.requires if r in present)


def acting_addresses(changes: Sequence[ResourceChange]) -> set[str]:
    """Addresses of what changes."""
    return {c.address for c in changes if c.change.actions != ("no-op",)}


def prune_requires(
    changes: Sequence[ResourceChange], loads: Sequence[LoadChange], present: set[str]
) -> tuple[list[ResourceChange], list[LoadChange]]:
    """Keep only `requires` that name an action of this plan; what is there already is waited for by nobody.

    Args:
        changes: compartments, activations and imports.
        loads: of the plan.
        present: addresses of what the plan changes.
    """
    return (
        [c if present.issuperset(c.requires) else replace(c, requires=_kept(c, present)) for c in changes],
        [x if present.issuperset(x.requires) else replace(x, requires=_kept(x, present)) for x in loads],
    )
