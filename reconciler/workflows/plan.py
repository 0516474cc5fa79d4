"""Specs, remote and sources -> `Plan`. Sends nothing but GET, writes nothing, needs no ledger (G1)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from msgspec import structs

from reconciler.api.client import Reader
from reconciler.bulk.scan.source_scans import Scans
from reconciler.control.observe import observe, open_executions
from reconciler.errors import ReconcilerError
from reconciler.model.address import Address
from reconciler.model.desired import Desired, DesiredLoad
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.load import ManualVerdicts
from reconciler.model.plan import LoadChange, Override, Plan, ResourceChange, Unmanaged
from reconciler.model.remote import Activation, Observed
from reconciler.model.source import SourceDefinition
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.config.removals import Pruning
from reconciler.planning.config.requirements import Required, Seen, Unmet, unmet
from reconciler.planning.config.unmanaged import unmanaged
from reconciler.planning.loads.changes import (
    Overrides,
    RemoteLoads,
    content_of,
    definition_of,
    plan_load,
    plan_unread,
)
from reconciler.planning.loads.renamed import renamed
from reconciler.planning.loads.retention import superseded_imports
from reconciler.planning.loads.source_findings import activation_findings
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
from reconciler.workflows.consent import consent_findings
from reconciler.workflows.late import look_again
from reconciler.workflows.selection import in_scope, pruned, require_selected, require_there


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
        watched: addresses of loads that ended a short time ago: their executions are looked at once more.
    """

    scope: Scope = field(default_factory=Scope)
    overrides: Mapping[str, Overrides] = field(default_factory=dict)
    allowed: Sequence[Override] = ()
    created_at: str = ""
    ci: bool = False
    manual_verdicts: Callable[[str], ManualVerdicts] = lambda _: {}
    prune: frozenset[str] = frozenset()
    known: Mapping[str, str] = field(default_factory=dict)
    watched: Collection[str] = ()


def make_plan(checked: Checked, reader: Reader, io: Executor, scans: Scans, request: Request) -> Plan:
    """Observe, diff, scan, order, guard.

    Args:
        checked: the checked workspace.
        reader: sends GET requests.
        io: threads for small requests.
        scans: reads sources, each once.
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
        desired, observed, settings.organisation_id, Pruning(request.prune, within), request.known
    )
    changes = config.changes if scope.complete else [c for c in config.changes if within(c.address)]
    diagnostics = [
        *checked.diagnostics,
        *config.diagnostics,
        *_paused(desired, checked),
        *_ledger_warning(request, settings.ledger),
    ]
    planned: list[LoadChange] = []
    retired: list[ResourceChange] = []
    errored = config.errored
    declared = {name for load in desired.loads.values() for name in load.definition.former}
    for load in loads.values():
        change, findings, failed = _one_load(
            load, observed, config, changes, reader, io, scans, request, declared
        )
        imports = observed.imports.get(load.datamart_id)
        retired += superseded_imports(load, imports.rows) if isinstance(imports, Listed) else []
        diagnostics += findings
        diagnostics += look_again(load, imports, reader, io) if str(load.address) in request.watched else []
        errored = errored or failed
        planned += [_with_tokens(change, config)] if change else []
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
        ),
        errored=errored,
        complete=scope.complete,
        rollout=desired.rollout,
    )


def _unmanaged(
    desired: Desired, observed: Observed, config: ConfigPlan, checked: Checked, scope: Scope
) -> list[Unmanaged]:
    """What no spec declares; a plan that flags limit to some resources does not speak of others."""
    if not scope.whole_config:
        return []
    settings = checked.settings
    return list(unmanaged(desired, observed, config.ids, settings.organisation_id, settings.ignore))


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


def _one_load(
    load: DesiredLoad,
    observed: Observed,
    config: ConfigPlan,
    changes: Sequence[ResourceChange],
    reader: Reader,
    io: Executor,
    scans: Scans,
    request: Request,
    declared: Collection[tuple[str, str]],
) -> tuple[LoadChange | None, list[Diagnostic], bool]:
    """One load's change and findings; the third value is true if a read failed."""
    address = str(load.address)
    if load.suspended:
        return (
            None,
            [
                warning(
                    "load-suspended", "the source is suspended; nothing is loaded", load.span, address=address
                )
            ],
            False,
        )
    usable, blockers, failed = _blockers(load, observed, config, changes)
    if not usable:
        return None, blockers, failed
    definition = replace(
        load.definition, compartments={k: config.ids[k] for k in load.definition.compartments}
    )
    if load.missing_label:
        return (
            None,
            [
                error(
                    "source-placeholder",
                    f"{load.datamart} has no label '{load.missing_label}', which the source's files need",
                    load.label_span,
                    address=address,
                )
            ],
            False,
        )
    try:
        if scans.once_only(definition):
            return _unread(load, scans.pinned(definition), observed, request)
        scan = scans.get(definition)
    except ReconcilerError as e:
        return (
            None,
            [error("source-unreadable", str(e), load.label_span, address=address, help=e.help)],
            False,
        )
    executions = open_executions(
        reader,
        load.datamart_id,
        observed.imports[load.datamart_id],
        definition.former,
        io,
        content_of(scan, definition),
    )
    remote = RemoteLoads(
        observed.imports[load.datamart_id], executions, request.manual_verdicts(load.datamart_id)
    )
    unread = [x for x in (remote.imports, *executions.values()) if isinstance(x, Unlisted)]
    overrides = request.overrides.get(address, Overrides())
    change, findings = plan_load(load, scan, remote, config.ids, overrides)
    require_there(change, overrides)
    findings += [
        error(
            "read-failed",
            f"could not read the loads on {load.datamart}: {x.reason}",
            address=address,
            help=x.help,
        )
        for x in unread[:1]
    ]
    active = [i for k in definition.compartments if (i := config.ids[k]) is not None]
    planned = [
        str(c.change.after["compartment_id"])
        for c in changes
        if c.kind == "Activation" and c.change.after and c.change.after["datamart_id"] == load.datamart_id
    ]
    gone = {
        (c.change.before or {}).get("compartment_id")
        for c in changes
        if c.change.actions == ("delete",) and c.address.endswith(f"@{load.datamart}")
    }
    findings += activation_findings(
        load, scan, _without(observed.activations[load.datamart_id], gone), [*active, *planned]
    )
    content = content_of(scan, definition)
    if change is not None and change.actions == ("execute",) and change.generation == 1 and content:
        findings += renamed(load, content, remote.imports.require().rows, declared)
    if change is not None and change.actions != ("no-op",):
        named = {*active, *scan.compartments}
        findings += consent_findings(load, named, observed.activations[load.datamart_id], reader)
    return change, findings, bool(unread)


def _with_tokens(change: LoadChange, config: ConfigPlan) -> LoadChange:
    """A load that says by which tokens its compartments were found: apply requires them to be the same."""
    keys = definition_of(change).compartments
    return structs.replace(change, tokens={k: t for k, t in config.tokens.items() if k in keys})


def _without(listing: Listing[Activation], gone: Collection[str | None]) -> Listing[Activation]:
    """A listing as it will be once some compartments are not active any more."""
    if isinstance(listing, Unlisted) or not gone:
        return listing
    return Listed(tuple(r for r in listing.rows if r.compartment_id not in gone))


def _unread(
    load: DesiredLoad, definition: SourceDefinition, observed: Observed, request: Request
) -> tuple[LoadChange | None, list[Diagnostic], bool]:
    """A load whose source only apply reads."""
    address = str(load.address)
    imports = observed.imports[load.datamart_id]
    if isinstance(imports, Unlisted):
        words = f"could not read the loads on {load.datamart}: {imports.reason}"
        return None, [error("read-failed", words, address=address, help=imports.help)], True
    change = plan_unread(load, definition, imports, request.overrides.get(address, Overrides()))
    return change, [], False


def _blockers(
    load: DesiredLoad, observed: Observed, config: ConfigPlan, changes: Sequence[ResourceChange]
) -> tuple[bool, list[Diagnostic], bool]:
    """Whether a load can be planned at all; if not, why, and whether that is a failed read."""
    address = str(load.address)
    if isinstance(observed.datamarts, Unlisted):
        return False, [], True
    row = next((d for d in observed.datamarts.rows if d.id == load.datamart_id), None)
    if row is None or row.archived:
        return False, [], False  # reported with the datamart
    listing = observed.activations.get(load.datamart_id)
    if not isinstance(listing, Listed) or not isinstance(observed.compartments, Listed):
        return False, [], True
    unplanned = [k for k in load.definition.compartments if k not in config.ids]
    findings = [
        error(
            "compartment-unplanned",
            f"Compartment/{key} could not be planned, so this load cannot be planned",
            load.span,
            address=address,
        )
        for key in unplanned
    ]
    ids = {k: config.ids[k] for k in load.definition.compartments if k not in unplanned}
    need = Required(load.datamart, load.datamart_id, ids, {}, {c.address for c in changes})
    seen = Seen(row.organisation_id, observed.datamarts.rows, observed.compartments.rows, listing.rows)
    left_out = {c.address for c in config.changes}
    findings += [_unmet(found, load, left_out) for found in unmet(need, seen)]
    return not findings, findings, False


def _unmet(found: Unmet, load: DesiredLoad, left_out: Collection[str]) -> Diagnostic:
    address = str(load.address)
    if found.about == "Datamart":  # one that is archived or missing was reported with the datamart
        return error("cross-datamart", found.why, load.span, address=address)
    if found.about == "Compartment":
        return error("compartment-unplanned", found.why, load.span, address=address)
    activation = str(Address("Activation", found.key, load.datamart))
    advice = (
        f"include {activation} in this plan"
        if activation in left_out
        else f"declare activations of Compartment/{found.key}"
    )
    return error("compartment-not-active", found.why, load.span, address=address, help=advice)
