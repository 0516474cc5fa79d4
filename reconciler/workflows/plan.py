"""Specs, remote and sources -> `Plan`. Sends nothing but GET, writes nothing, needs no ledger (G1)."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.api.client import Reader
from reconciler.control.observe import observe
from reconciler.model.address import Address
from reconciler.model.asked import Scope
from reconciler.model.desired import Desired, DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity, warning
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.plan import Plan, Unmanaged
from reconciler.model.remote import Observed
from reconciler.model.unchanged import within as unchanged_within
from reconciler.origin import LocalSandbox
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.config.dropped import dropped
from reconciler.planning.config.removals import Pruning
from reconciler.planning.config.unmanaged import unmanaged
from reconciler.planning.plan.planner import (
    Occasion,
    acting_addresses,
    assemble,
    plan_config,
    prune_requires,
)
from reconciler.settings import Settings
from reconciler.spec.severities import ruled
from reconciler.workflows.check import Checked
from reconciler.workflows.request import PlannedConfig, PlannedLoads, Request
from reconciler.workflows.selection import in_scope, pruned, require_selected

if TYPE_CHECKING:
    from reconciler.workflows.plan_loads import Sources


def make_plan(
    checked: Checked, reader: Reader, io: Executor, sources: Callable[[], "Sources"], request: Request
) -> Plan:
    """Observe, diff, scan, order, guard.

    Args:
        checked: the checked workspace.
        reader: sends GET requests.
        io: threads for small requests.
        sources: gives what reads sources; asked only where there are any.
        request: what the flags of `plan` ask for.

    Raises:
        SpecError: the specs have findings.
        Unauthorized: the remote does not accept the token.
        ReconcilerError: a flag selects nothing.
    """
    desired, settings, scope = checked.desired(), checked.settings, request.scope
    require_selected(desired, checked, scope, request.overrides, request.prune)
    loads = [
        load
        for load in desired.loads.values()
        if scope.only != "config" and in_scope(scope, checked, load.address)
    ]
    observed = _observed(desired, loads, settings.organisation_id, reader, io, request)

    def within(address: str) -> bool:
        return scope.complete or (scope.only != "loads" and in_scope(scope, checked, Address.parse(address)))

    pruning = Pruning(request.prune, within, request.refused)
    config = plan_config(desired, observed, settings.organisation_id, pruning, request.known)
    planned = _limited(config, within, complete=scope.complete)
    found = PlannedLoads()
    if loads:
        # Loading what reads sources takes as long as a plan without any.
        from reconciler.workflows.plan_loads import plan_loads

        found = plan_loads(
            loads,
            sources(),
            reader,
            io,
            request,
            observed=observed,
            config=planned,
            declared={name for load in desired.loads.values() for name in load.definition.former},
        )
    beside = _unmanaged(desired, observed, config, checked, scope)
    diagnostics = [
        *checked.diagnostics,
        *_of_sandbox(config.diagnostics, settings),
        *dropped(beside, request.known, desired.compartments),
        *_paused(desired, checked),
        *_ledger_warning(request),
        *found.findings,
    ]
    every = [*planned.changes, *found.retired]
    kept, kept_loads = prune_requires(every, found.changes, acting_addresses(every))
    return assemble(
        kept,
        kept_loads,
        ruled(diagnostics, settings.rules),
        settings,
        checked.spec_digest(),
        Occasion(
            created_at=request.created_at,
            allowed=request.allowed,
            latency=reader.pace.mean,
            unmanaged=beside,
            prune=request.prune,
            listed_datamarts=_listed(observed) if scope.whole_config else (),
            labels=checked.specs.live,
            limits=scope.flags,
            unchanged=planned.unchanged,
        ),
        errored=config.errored or found.errored,
        complete=scope.complete,
        rollout=desired.rollout,
    )


def _observed(
    desired: Desired,
    loads: Sequence[DesiredLoad],
    organisation_id: str,
    reader: Reader,
    io: Executor,
    request: Request,
) -> Observed:
    """What the platform has of all that the plan may speak of.

    Args:
        desired: says which activations are compared.
        loads: those that the plan is about.
        organisation_id: whose.
        reader: sends GET requests.
        io: threads for small requests.
        request: what else is looked at.

    Raises:
        Unauthorized: the remote does not accept the token.
    """
    ids = {identity for identity, _ in desired.datamarts.values()}
    loaded = {load.datamart_id for load in loads}
    declared = desired.activations
    observed = observe(
        reader,
        organisation_id,
        io,
        activations=sorted(
            {a.datamart_id for a in desired.removals.values()}
            | {declared.datamarts[n] for names in declared.groups() for n in names}
            | loaded & ids
            | pruned(desired, request.prune)
            | (ids if request.scope.whole_config else set())
        ),
        imports=sorted(loaded),
        pins=[c.id for c in desired.compartments.values() if c.id],
    )
    _stop_if_unauthorized(observed)
    return observed


def _limited(config: ConfigPlan, within: Callable[[str], bool], *, complete: bool) -> PlannedConfig:
    """What a plan says of compartments and activations, where flags limit it to some."""
    unchanged = config.same.made()
    if complete:
        return PlannedConfig(config, config.changes, unchanged)
    changes = [c for c in config.changes if within(c.address)]
    return PlannedConfig(config, changes, unchanged_within(unchanged, within))


def _unmanaged(
    desired: Desired, observed: Observed, config: ConfigPlan, checked: Checked, scope: Scope
) -> list[Unmanaged]:
    """What no spec declares; a plan that flags limit to some resources does not speak of others."""
    if not scope.whole_config:
        return []
    settings = checked.settings
    return list(unmanaged(desired, observed, config.ids, settings.organisation_id, settings.ignore))


def _listed(observed: Observed) -> list[str]:
    if not isinstance(observed.compartments, Listed):
        return []
    return [identity for identity, rows in observed.activations.items() if isinstance(rows, Listed)]


def _of_sandbox(findings: Sequence[Diagnostic], settings: Settings) -> list[Diagnostic]:
    """What is to be done where datamarts that no spec names are those of specs as they were before."""
    if not isinstance(settings.endpoint, LocalSandbox):
        return list(findings)
    advice = (
        "the sandbox has some from the start, and keeps those that specs named before, which "
        "`reconciler sandbox reset` removes; declare the others with ignore: and a reason"
    )
    return [replace(d, help=advice) if d.code == "datamart-not-declared" else d for d in findings]


def _stop_if_unauthorized(observed: Observed) -> None:
    for listing in (
        observed.datamarts,
        observed.compartments,
        *observed.activations.values(),
        *observed.imports.values(),
    ):
        if isinstance(listing, Unlisted) and listing.unauthorized:
            listing.require()


def _paused(desired: Desired, checked: Checked) -> list[Diagnostic]:
    if desired.rollout is None or not desired.rollout.paused:
        return []
    span = checked.specs.rollouts[desired.rollout.name].span("spec", "paused")
    advice = "remove `paused` from the spec to continue, and make a new plan"
    return [
        warning(
            "rollout-paused", "the rollout is paused in its spec; apply refuses this plan", span, help=advice
        )
    ]


def _ledger_warning(request: Request) -> list[Diagnostic]:
    if request.ledger == "local":
        return [
            warning(
                "ledger-local",
                "CI is set and the ledger is SQLite: two runners on two machines do not share this lock",
                help="let one runner apply at a time, or share a ledger: postgresql://…",
            )
        ]
    if request.ledger:
        return [
            Diagnostic(
                "ledger-local",
                Severity.NOTE,
                f"{request.ledger}; this plan was made without a ledger, and apply fails without it",
                help="set it where you apply: postgresql://…, the same for all who apply; for one machine alone, sqlite:PATH",
            )
        ]
    return []
