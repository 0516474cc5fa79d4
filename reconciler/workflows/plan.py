"""Specs, remote and sources -> `Plan`. Sends nothing but GET, writes nothing, needs no ledger (G1)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache

from reconciler.api.client import Reader
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.control.observe import observe
from reconciler.model.address import Address
from reconciler.model.desired import Desired, DesiredLoad
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.load import UploadNotes
from reconciler.model.plan import LoadChange, Override, Plan, ResourceChange, Unmanaged
from reconciler.model.remote import Observed
from reconciler.model.removal import RefusedRemoval
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.config.removals import Pruning
from reconciler.planning.config.unmanaged import unmanaged
from reconciler.planning.loads.changes import (
    Overrides,
)
from reconciler.planning.loads.elsewhere import elsewhere_findings, from_elsewhere
from reconciler.planning.loads.generations import generations
from reconciler.planning.loads.retention import proposed, superseded_imports
from reconciler.planning.plan.planner import (
    Occasion,
    Scope,
    acting_addresses,
    assemble,
    plan_config,
    prune_requires,
)
from reconciler.spec.severities import ruled
from reconciler.workflows.check import Checked
from reconciler.workflows.consent import Consents
from reconciler.workflows.datamart_schemas import gather
from reconciler.workflows.late import Look, look_again
from reconciler.workflows.planned_loads import LoadPlanner
from reconciler.workflows.selection import in_scope, pruned, require_selected


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked this plan to be.

    Attributes:
        overrides: by load address.
        allowed: guards that may be crossed.
        ci: the `CI` variable is set.
        settled: gives what people said of chunks on a datamart.
        prune: scopes where activations that nobody declares are to go.
        known: remote ids of compartments at the last apply, by address, as the ledger has them.
        refused: of an address, kind, datamart id and remote id, that the platform refused the removal before.
        newest_load: the highest number of the loads of a source that the ledger knows; None where it knows none.
        watched: addresses of loads that ended a short time ago: their executions are looked at once more.
        looked: is told the address of each of them whose executions could be read.
    """

    scope: Scope = field(default_factory=Scope)
    overrides: Mapping[str, Overrides] = field(default_factory=dict)
    allowed: Sequence[Override] = ()
    created_at: str = ""
    ci: bool = False
    uploads: Callable[[str], UploadNotes] = lambda _: UploadNotes()
    prune: frozenset[str] = frozenset()
    known: Mapping[str, str] = field(default_factory=dict)
    refused: Callable[[str, str, str, str], RefusedRemoval | None] = lambda *_: None
    newest_load: Callable[[DesiredLoad], int | None] = lambda _: None
    watched: Collection[str] = ()
    looked: Callable[[str], None] = lambda _: None


def make_plan(
    checked: Checked, reader: Reader, io: Executor, scans: Scans, sent: SentIndexes, request: Request
) -> Plan:
    """Observe, diff, scan, order, guard.

    Args:
        checked: the checked workspace.
        reader: sends GET requests.
        io: threads for small requests.
        scans: reads sources, each once.
        sent: what sources sent before, of those that send only what changed.
        request: what the flags of `plan` ask for.

    Raises:
        SpecError: the specs have findings.
        Unauthorized: the remote does not accept the token.
        ReconcilerError: a flag selects nothing.
    """
    desired, settings, scope = checked.desired(), checked.settings, request.scope
    require_selected(desired, checked, scope, request.overrides)
    loads = {
        a: load
        for a, load in desired.loads.items()
        if scope.only != "config" and in_scope(scope, checked, load.address)
    }
    ids = {identity for identity, _ in desired.datamarts.values()}
    observed = observe(
        reader,
        settings.organisation_id,
        io,
        activations=sorted(
            {a.datamart_id for a in (*desired.activations.values(), *desired.removals.values())}
            | {load.datamart_id for load in loads.values()} & ids
            | pruned(desired, request.prune)
            | (ids if scope.whole_config else set())
        ),
        imports=sorted({load.datamart_id for load in loads.values()}),
        pins=[c.id for c in desired.compartments.values() if c.id],
    )
    _stop_if_unauthorized(observed)

    def within(address: str) -> bool:
        return scope.complete or (scope.only != "loads" and in_scope(scope, checked, Address.parse(address)))

    config = plan_config(
        desired,
        observed,
        settings.organisation_id,
        Pruning(request.prune, within, request.refused),
        request.known,
    )
    changes = config.changes if scope.complete else [c for c in config.changes if within(c.address)]
    diagnostics = [
        *checked.diagnostics,
        *config.diagnostics,
        *_paused(desired, checked),
        *_ledger_warning(request, settings.ledger),
    ]
    schemas = gather(scans.root, loads.values(), reader, io)
    scans.schemas = schemas.by_source(loads.values())
    diagnostics += schemas.findings
    planner = LoadPlanner(
        observed=observed,
        config=config,
        changes=_activations(changes),
        addresses=frozenset(c.address for c in changes),
        consents=Consents(reader),
        reader=reader,
        io=io,
        scans=scans,
        sent=sent,
        declared={name for load in desired.loads.values() for name in load.definition.former},
        notes=cache(request.uploads),
        schemas=schemas,
    )
    planned: list[LoadChange] = []
    retired: list[ResourceChange] = []
    errored = config.errored
    for load in loads.values():
        found = planner.plan(load, request.overrides.get(str(load.address), Overrides()))
        imports = observed.imports.get(load.datamart_id)
        if isinstance(imports, Listed):
            going, told = proposed(load, superseded_imports(load, imports.rows), request.refused)
            retired += going
            diagnostics += told
            if (newest := request.newest_load(load)) is not None:
                foreign = from_elsewhere(generations(imports.rows, load.definition.former), newest)
                diagnostics += elsewhere_findings(str(load.address), foreign)
        diagnostics += found.findings
        if str(load.address) in request.watched:
            diagnostics += _late(
                load, look_again(load.datamart_id, load.definition.former, imports, reader, io), request
            )
        errored = errored or found.read_failed
        planned += [found.change] if found.change else []
    every = [*changes, *retired]
    kept, kept_loads = prune_requires(every, planned, acting_addresses(every))
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
            unmanaged=_unmanaged(desired, observed, config, checked, scope),
            prune=request.prune,
            listed_datamarts=_listed(observed) if scope.whole_config else (),
            labels=checked.specs.live,
            limits=scope.flags,
        ),
        errored=errored,
        complete=scope.complete,
        rollout=desired.rollout,
    )


def _activations(changes: Iterable[ResourceChange]) -> dict[str, list[ResourceChange]]:
    """Changes of activations, by datamart id."""
    found: dict[str, list[ResourceChange]] = defaultdict(list)
    for change in changes:
        if change.kind == "Activation":
            found[str((change.change.after or change.change.before or {})["datamart_id"])].append(change)
    return found


def _late(load: DesiredLoad, look: Look, request: Request) -> list[Diagnostic]:
    """Findings about what came after the seal of a load."""
    if look.whole:
        request.looked(str(load.address))
    return [x.finding(str(load.address)) for x in look.found]


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


def _ledger_warning(request: Request, ledger: str | Mapping[str, str]) -> list[Diagnostic]:
    if request.ci and isinstance(ledger, str) and ledger.startswith("sqlite:"):
        return [
            warning(
                "ledger-local",
                "CI is set and the ledger is SQLite: two runners on two machines do not share this lock",
                help="let one runner apply at a time, or share a ledger: postgresql://…",
            )
        ]
    return []
