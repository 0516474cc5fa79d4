"""The sources of a plan, each on each of its datamarts, and the imports of old loads that go. Sends nothing but GET (G1)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import Executor
from functools import cache
from typing import NamedTuple

from reconciler.api.client import Reader
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.model.asked import Overrides
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.listing import Listed
from reconciler.model.plan import LoadChange, ResourceChange
from reconciler.model.remote import Observed
from reconciler.model.unchanged import Addresses
from reconciler.planning.loads.elsewhere import elsewhere_findings, from_elsewhere
from reconciler.planning.loads.generations import generations
from reconciler.planning.loads.retention import proposed, superseded_imports
from reconciler.workflows.consent import Consents
from reconciler.workflows.datamart_schemas import gather
from reconciler.workflows.late import Look, look_again
from reconciler.workflows.planned_loads import LoadPlanner
from reconciler.workflows.request import PlannedConfig, PlannedLoads, Request


class Sources(NamedTuple):
    """What reads sources.

    Attributes:
        scans: reads each once.
        sent: what sources sent before, of those that send only what changed.
    """

    scans: Scans
    sent: SentIndexes


def plan_loads(
    loads: Collection[DesiredLoad],
    sources: Sources,
    reader: Reader,
    io: Executor,
    request: Request,
    *,
    observed: Observed,
    config: PlannedConfig,
    declared: Collection[tuple[str, str]],
) -> PlannedLoads:
    """Read the sources and compare them with the platform.

    Args:
        loads: those that are planned, in order.
        sources: reads them.
        reader: sends GET requests.
        io: threads for small requests.
        request: what the plan is asked to be.
        observed: the platform.
        config: what is planned for compartments and activations.
        declared: names of workspace and source that specs declare, former ones included.

    Raises:
        ReconcilerError: a chunk that a flag names is not there.
    """
    # A platform that does not even list its datamarts is not asked for their schemas; why is said once.
    asked = reader if isinstance(observed.datamarts, Listed) else None
    schemas = gather(sources.scans.root, loads, asked, io)
    sources.scans.schemas = schemas.by_source(loads)
    planner = LoadPlanner(
        observed=observed,
        config=config.whole,
        changes=_activations(config.changes),
        addresses=Addresses(config.changes, config.unchanged),
        consents=Consents(reader),
        reader=reader,
        io=io,
        scans=sources.scans,
        sent=sources.sent,
        declared=declared,
        notes=cache(request.uploads),
        schemas=schemas,
    )
    findings: list[Diagnostic] = list(schemas.findings)
    planned: list[LoadChange] = []
    retired: list[ResourceChange] = []
    errored = False
    for load in loads:
        found = planner.plan(load, request.overrides.get(str(load.address), Overrides()))
        imports = observed.imports.get(load.datamart_id)
        if isinstance(imports, Listed):
            going, told = proposed(load, superseded_imports(load, imports.rows), request.refused)
            retired += going
            findings += told
            if (newest := request.newest_load(load)) is not None:
                foreign = from_elsewhere(generations(imports.rows, load.definition.former), newest)
                findings += elsewhere_findings(str(load.address), foreign)
        findings += found.findings
        if str(load.address) in request.watched:
            findings += _late(
                load, look_again(load.datamart_id, load.definition.former, imports, reader, io), request
            )
        errored = errored or found.read_failed
        planned += [found.change] if found.change else []
    return PlannedLoads(planned, retired, findings, errored)


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
