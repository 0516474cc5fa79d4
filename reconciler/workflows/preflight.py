"""Would this plan still do what was reviewed? (G2). Reads only; `apply` begins with it, `apply --check` is it."""

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from reconciler.api.client import Reader
from reconciler.bulk.scan.source_scans import Scans
from reconciler.control.observe import observe, open_executions
from reconciler.errors import ReconcilerError
from reconciler.model.address import Address
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.model.remote import Activation, Observed
from reconciler.model.unchanged import compartments as all_compartments
from reconciler.planning.config import lookup, preconditions
from reconciler.planning.config.datamarts import FOREIGN_HELP, foreign
from reconciler.planning.config.preconditions import Readiness, Verdict
from reconciler.planning.config.requirements import Required, Seen, moved, unmet
from reconciler.planning.loads.changes import content_of, decide_again, definition_of
from reconciler.planning.loads.generations import Do
from reconciler.planning.loads.retention import KIND, kept_after_all
from reconciler.planning.loads.schema_findings import misfit
from reconciler.planning.requests import referring_to, refers_to_new
from reconciler.workflows.datamart_schemas import LookedAgain, by_source, look_again


@dataclass(frozen=True, slots=True)
class Preflight:
    """A verdict for each acting address.

    Attributes:
        single_datamart: the organisation's only live datamart, if it has just one.
        observed: what the verdicts are from.
        schemas: of datamarts, as they are now.
    """

    verdicts: dict[str, Verdict]
    single_datamart: str | None
    observed: Observed
    schemas: LookedAgain = field(default_factory=LookedAgain)

    @property
    def stale(self) -> dict[str, str]:
        """Why, by address, of what moved."""
        return {a: v.why for a, v in self.verdicts.items() if v.readiness is Readiness.CHANGED}

    @property
    def done(self) -> bool:
        """True if nothing is left to do."""
        return all(v.readiness is Readiness.DONE for v in self.verdicts.values())


def preflight(plan: Plan, reader: Reader, io: Executor, scans: Scans, *, from_file: bool) -> Preflight:
    """Observe what the plan's actions read, and judge each.

    Args:
        plan: the plan to judge.
        reader: sends GET requests.
        io: threads for small requests.
        scans: reads sources, each once; it is told which schemas profiles are compared with.
        from_file: the plan is from a file.

    Raises:
        Unauthorized: the token is not accepted.
        ReadFailed: something could not be read; nothing is judged from it.
        ReconcilerError: a source cannot be read, or the token is another organisation's.
    """
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [load for load in plan.loads if load.actions != ("no-op",)]
    datamarts = {_datamart_of(c) for c in acting if c.kind == "Activation"}
    observed = observe(
        reader,
        plan.organisation_id,
        io,
        activations=sorted(datamarts | {load.datamart_id for load in loads}),
        imports=sorted({x.datamart_id for x in loads} | {_datamart_of(c) for c in acting if c.kind == KIND}),
        pins=[c.remote_id for c in acting if c.kind == "Compartment" and c.remote_id],
    )
    for listing in (
        observed.datamarts,
        observed.compartments,
        *observed.activations.values(),
        *observed.imports.values(),
        *observed.pinned.values(),
    ):
        if isinstance(listing, Unlisted):
            listing.require(then="nothing was written")
    if words := foreign(observed.datamarts, plan.organisation_id):
        raise ReconcilerError(f"{words}; nothing was written", help=FOREIGN_HELP)
    compartments = {c.address: c for c in all_compartments(plan)}
    coming = {c.address for c in acting}
    verdicts = {
        c.address: _identified(c, _resource(c, compartments, plan, observed), coming, plan, observed)
        for c in acting
    }
    schemas = look_again(scans.root, loads, reader, io, from_file=from_file)
    compared = [(definition_of(x), schemas.to_compare.get(x.datamart)) for x in loads]
    scans.schemas = by_source((d.source, schema) for d, schema in compared if d.schema != "off")
    for load in loads:
        ids = _resolved(load, compartments, plan, observed)
        verdict = _load(load, ids, observed, reader, io, scans, schemas)
        if verdict.readiness is Readiness.READY and (why := _unmet(load, ids, coming, plan, observed)):
            verdict = Verdict(Readiness.CHANGED, None, why)
        verdicts[load.address] = verdict
    assert isinstance(observed.datamarts, Listed)  # noqa: S101 - checked above
    live = [
        d.id
        for d in observed.datamarts.rows
        if not d.archived and d.type != "CROSS_DATAMART" and d.organisation_id in (plan.organisation_id, "")
    ]
    return Preflight(verdicts, live[0] if len(live) == 1 else None, observed, schemas)


def _resource(
    change: ResourceChange, compartments: Mapping[str, ResourceChange], plan: Plan, observed: Observed
) -> Verdict:
    if refers_to_new(change):
        identity = _created_id(change, compartments, plan, observed)
        if identity is None:
            return Verdict(Readiness.READY)  # its compartment is still to be created
        change = referring_to(change, identity)
    listing = observed.pinned.get(change.remote_id or "") if change.kind == "Compartment" else None
    listing = listing or observed.of(change.kind, _datamart_of(change)) or Listed(())
    return preconditions.judge(change, listing.require(), plan.organisation_id)


def _identified(
    change: ResourceChange, verdict: Verdict, coming: Collection[str], plan: Plan, observed: Observed
) -> Verdict:
    """The verdict, or why what the change names by an id is not what it was planned for."""
    if verdict.readiness is not Readiness.READY:
        return verdict
    why = None
    shape = change.change.before or change.change.after or {}
    if change.kind == KIND:
        why = kept_after_all(change, observed.imports[_datamart_of(change)].require().rows, coming)
    elif change.kind == "Activation" and change.token is not None:
        key = Address.parse(change.address).name
        rows = observed.compartments.require().rows
        why = moved(str(shape.get("compartment_id")), key, change.token, rows, plan.organisation_id)
    return verdict if why is None else Verdict(Readiness.CHANGED, verdict.row_id, why)


def _datamart_of(change: ResourceChange) -> str:
    return str((change.change.before or change.change.after or {}).get("datamart_id", ""))


def _created_id(
    change: ResourceChange, compartments: Mapping[str, ResourceChange], plan: Plan, observed: Observed
) -> str | None:
    """The id of a compartment that this plan creates, if an earlier apply of it did."""
    creates = next((compartments[r] for r in change.requires if r in compartments), None)
    return _seen_id(creates, plan, observed)


def _seen_id(creates: ResourceChange | None, plan: Plan, observed: Observed) -> str | None:
    if creates is None or creates.change.after is None or not isinstance(observed.compartments, Listed):
        return None
    token = creates.change.after["token"]
    rows = observed.compartments.by("token", token)
    found = lookup.compartment(rows, plan.organisation_id, token, None)
    return None if found is None or isinstance(found, lookup.Ambiguous) else found.id


def _resolved(
    load: LoadChange, compartments: Mapping[str, ResourceChange], plan: Plan, observed: Observed
) -> dict[str, str | None]:
    """Ids of a load's compartments, of those too that an earlier apply of this plan created."""
    known = definition_of(load).compartments
    return {k: v or _seen_id(compartments.get(f"Compartment/{k}"), plan, observed) for k, v in known.items()}


def _unmet(
    load: LoadChange, ids: Mapping[str, str | None], coming: Collection[str], plan: Plan, observed: Observed
) -> str | None:
    """Why the platform is not any more what the load requires."""
    active = observed.activations.get(load.datamart_id, Listed[Activation](()))
    seen = Seen(
        plan.organisation_id,
        observed.datamarts.require().rows,
        observed.compartments.require().rows,
        active.require().rows,
    )
    need = Required(load.datamart, load.datamart_id, ids, load.tokens, coming)
    return "; ".join(found.why for found in unmet(need, seen)) or None


def _load(
    load: LoadChange,
    ids: Mapping[str, str | None],
    observed: Observed,
    reader: Reader,
    io: Executor,
    scans: Scans,
    schemas: LookedAgain,
) -> Verdict:
    source = definition_of(load)
    if load.unread:
        if not scans.once_only(source):
            return Verdict(Readiness.CHANGED, None, "the source can be read when a plan is made, but was not")
        if scans.pinned(source) != source:
            return Verdict(Readiness.CHANGED, None, "the query changed since it was planned")
        return Verdict(Readiness.READY)
    scan = scans.get(source)
    if scan.source_digest != load.source_digest:
        return Verdict(Readiness.CHANGED, None, "the source changed since it was planned")
    if why := misfit(source, scan, schemas.to_compare.get(load.datamart), load.datamart):
        return Verdict(Readiness.CHANGED, None, why)
    content = content_of(scan, replace(source, compartments=dict(ids)))
    listing = observed.imports[load.datamart_id]
    if content is None or not isinstance(listing, Listed):
        return Verdict(Readiness.READY)
    executions = open_executions(reader, load.datamart_id, listing, source.former, io, content)
    if bad := next((x for x in executions.values() if isinstance(x, Unlisted)), None):
        bad.require(then="nothing was written")
    decision = decide_again(load, listing.rows, executions, content)
    if decision.do is Do.NOTHING:
        return Verdict(Readiness.DONE)
    if decision.key is None or decision.key.generation != load.generation:
        return Verdict(Readiness.CHANGED, None, f"planned as load {load.generation}, but {decision.reason}")
    return Verdict(Readiness.READY)
