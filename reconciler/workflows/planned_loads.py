"""One source on one datamart: read, looked up on the platform, and planned. Sends nothing but GET (G1)."""

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from msgspec import structs

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.compare import Compared, compare, known, told
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.control.observe import open_executions
from reconciler.errors import ReconcilerError
from reconciler.model.address import Address
from reconciler.model.asked import Overrides
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.load import Scan, UploadNotes
from reconciler.model.plan import LoadChange, ResourceChange, SchemaSeen
from reconciler.model.remote import Activation, Import, Observed
from reconciler.model.source import SourceDefinition
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.config.requirements import Required, Seen, Unmet, unmet
from reconciler.planning.loads.changes import (
    RemoteLoads,
    content_of,
    decide_load,
    definition_of,
    executed_keys,
    plan_load,
    plan_unread,
)
from reconciler.planning.loads.cut import as_cut, lacks_imports
from reconciler.planning.loads.expectation_findings import change_findings
from reconciler.planning.loads.generations import Content, generations
from reconciler.planning.loads.renamed import renamed
from reconciler.planning.loads.schema_findings import schema_findings
from reconciler.planning.loads.source_findings import activation_findings, scan_findings
from reconciler.planning.loads.unreadable import unreadable
from reconciler.workflows.consent import Consents, consent_findings
from reconciler.workflows.datamart_schemas import Schemas
from reconciler.workflows.selection import require_there


@dataclass(frozen=True, slots=True)
class PlannedLoad:
    """A load as planned.

    Attributes:
        change: None where nothing can be said.
        read_failed: the platform could not be read.
    """

    change: LoadChange | None
    findings: Sequence[Diagnostic] = ()
    read_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlanner:
    """Plans loads, each by itself.

    Attributes:
        observed: the platform.
        config: what is planned for compartments and activations.
        changes: of activations that this plan makes, by datamart id.
        addresses: of all that it is about.
        io: threads for small requests.
        sent: what sources sent before, of those that send only what changed.
        declared: names of workspace and source that specs declare, former ones included.
        notes: of uploads, by datamart id; asked for each load.
        consents: what hangs on activations.
        schemas: that profiles are compared with.
    """

    observed: Observed
    config: ConfigPlan
    changes: Mapping[str, Sequence[ResourceChange]]
    addresses: Container[str]
    consents: Consents
    reader: Reader
    io: Executor
    scans: Scans
    sent: SentIndexes
    declared: Collection[tuple[str, str]]
    notes: Callable[[str], UploadNotes]
    schemas: Schemas

    def plan(self, load: DesiredLoad, overrides: Overrides) -> PlannedLoad:
        """One load's change and findings.

        Args:
            load: as specs declare it.
            overrides: what the user approved by flag.

        Raises:
            ReconcilerError: a chunk that the user named is not there.
        """
        address = str(load.address)
        if load.suspended:
            words = "the source is suspended; nothing is loaded"
            return PlannedLoad(None, [warning("load-suspended", words, load.span, address=address)])
        usable, blockers, failed = self._blockers(load)
        if not usable:
            return PlannedLoad(None, blockers, failed)
        ids = {k: self.config.ids[k] for k in load.definition.compartments}
        definition = replace(load.definition, compartments=ids)
        try:
            if self.scans.once_only(definition):
                return self._unread(load, self.scans.pinned(definition), overrides)
            scan = self.sent.scan(definition, load.datamart_id)
        except ReconcilerError as e:
            return PlannedLoad(None, [unreadable(load, e)])
        return self._read(load, definition, scan, overrides)

    def _read(
        self, load: DesiredLoad, definition: SourceDefinition, scan: Scan, overrides: Overrides
    ) -> PlannedLoad:
        """A load whose source was read."""
        content = content_of(scan, definition)
        remote = self._listed(load, definition, content)
        if unlisted := remote.unlisted:
            findings = [*scan_findings(load, scan), _read_failed(load, unlisted)]
            return PlannedLoad(None, [*findings, *self._activations(load, scan)], read_failed=True)
        try:
            compared = self._compared(load, definition, scan, remote, overrides)
            planned = replace(compared.source, listed="", removals=None)
            decided = decide_load(planned, compared.scan, remote, overrides, known(compared))
            scan = self.scans.get(as_cut(compared.source, decided.cut))
        except ReconcilerError as e:
            return PlannedLoad(None, [unreadable(load, e)])
        change, findings = plan_load(load, decided, scan, remote, overrides, compared.delta, compared.known)
        change = structs.replace(change, reason=change.reason + told(compared))
        if compared.lost and change.actions == ("execute",):
            words = f"all rows are sent: {compared.why}"
            findings.append(warning("full-load", words, load.span, address=str(load.address)))
        if compared.kept:
            findings.append(warning("gone-kept", compared.kept, load.span, address=str(load.address)))
        require_there(change, overrides)
        findings += self._activations(load, scan)
        if change.actions == ("execute",) and change.generation == 1 and content:
            findings += renamed(load, content, remote.imports.require().rows, self.declared)
        if change.actions != ("no-op",):
            named = {*self._active(load), *scan.compartments}
            active = self.observed.activations[load.datamart_id]
            findings += consent_findings(load, named, active, self.consents)
            findings += schema_findings(load, scan, self.schemas.of(load))
            # The seal of a load before may be that of a delta, whose size says nothing of its source.
            comparable = definition.send == "all" or compared.delta is not None
            before = change.previous_lines if comparable else 0
            findings += change_findings(load, scan.accepted, before)
            change = self._with_schema(load, change)
        return PlannedLoad(self._with_tokens(change), findings)

    def _listed(
        self, load: DesiredLoad, definition: SourceDefinition, content: Content | None
    ) -> RemoteLoads:
        """What the platform has of a load.

        Imports were listed before executions. Where some are missing under which siblings were sent, another run may have made
        them in between, so they are listed once more before they count as deleted.
        """

        def found(imports: Listing[Import]) -> RemoteLoads:
            executions = open_executions(
                self.reader, load.datamart_id, imports, definition.former, self.io, content
            )
            return RemoteLoads(imports, executions, self.notes(load.datamart_id))

        remote = found(self.observed.imports[load.datamart_id])
        if remote.unlisted is not None:
            return remote
        loads = generations(remote.imports.require().rows, definition.former, content=content)
        if any(lacks_imports(g, remote.executions) for g in loads):
            return found(resources.imports(self.reader, load.datamart_id))
        return remote

    def _compared(
        self,
        load: DesiredLoad,
        definition: SourceDefinition,
        scan: Scan,
        remote: RemoteLoads,
        overrides: Overrides,
    ) -> Compared:
        """What of the source is to be sent: all of it, or what changed.

        Raises:
            ReconcilerError: the source cannot be read.
        """
        if definition.send != "changed":
            return Compared(definition, scan)
        found = generations(remote.imports.require().rows, definition.former)
        executed = executed_keys(found, remote.executions)
        return compare(
            self.sent, definition, scan, found, executed, load.datamart_id, reload=overrides.reload
        )

    def _unread(self, load: DesiredLoad, definition: SourceDefinition, overrides: Overrides) -> PlannedLoad:
        """A load whose source only apply reads."""
        imports = self.observed.imports[load.datamart_id]
        if isinstance(imports, Unlisted):
            return PlannedLoad(None, [_read_failed(load, imports)], read_failed=True)
        change = self._with_schema(load, plan_unread(load, definition, imports, overrides))
        return PlannedLoad(self._with_tokens(change))

    def _with_schema(self, load: DesiredLoad, change: LoadChange) -> LoadChange:
        """A load that says with which schema its profiles are compared."""
        schema = self.schemas.of(load)
        if schema is None:
            return change
        return structs.replace(change, schema=SchemaSeen(origin=schema.origin, digest=schema.digest))

    def _with_tokens(self, change: LoadChange) -> LoadChange:
        """A load that says by which tokens its compartments were found: apply requires them to be the same."""
        keys = definition_of(change).compartments
        return structs.replace(change, tokens={k: t for k, t in self.config.tokens.items() if k in keys})

    def _active(self, load: DesiredLoad) -> list[str]:
        """Remote ids of the compartments of a load, of those that are there."""
        return [i for k in load.definition.compartments if (i := self.config.ids[k]) is not None]

    def _activations(self, load: DesiredLoad, scan: Scan) -> list[Diagnostic]:
        """Findings about compartments that rows name."""
        changes = [c.change for c in self.changes.get(load.datamart_id, ())]
        planned = [str(c.after["compartment_id"]) for c in changes if c.after]
        gone = {(c.before or {}).get("compartment_id") for c in changes if c.actions == ("delete",)}
        left = _without(self.observed.activations[load.datamart_id], gone)
        return list(activation_findings(load, scan, left, [*self._active(load), *planned]))

    def _blockers(self, load: DesiredLoad) -> tuple[bool, list[Diagnostic], bool]:
        """Whether a load can be planned at all; if not, why, and whether that is a failed read."""
        address, observed, config = str(load.address), self.observed, self.config
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
        need = Required(load.datamart, load.datamart_id, ids, {}, self.addresses)
        seen = Seen(row.organisation_id, observed.datamarts.rows, observed.compartments.rows, listing.rows)
        if missing := list(unmet(need, seen)):
            excluded = {c.address for c in config.changes}
            findings += [_unmet(found, load, excluded) for found in missing]
        return not findings, findings, False


def _without(listing: Listing[Activation], gone: Collection[str | None]) -> Listing[Activation]:
    """A listing as it will be once some compartments are not active any more."""
    if isinstance(listing, Unlisted) or not gone:
        return listing
    return Listed(tuple(r for r in listing.rows if r.compartment_id not in gone))


def _read_failed(load: DesiredLoad, why: Unlisted) -> Diagnostic:
    words = f"could not read the loads on {load.datamart}: {why.reason}"
    return error("read-failed", words, address=str(load.address), help=why.help)


def _unmet(found: Unmet, load: DesiredLoad, excluded: Collection[str]) -> Diagnostic:
    address = str(load.address)
    if found.about == "Datamart":  # one that is archived or missing was reported with the datamart
        return error("cross-datamart", found.why, load.span, address=address)
    if found.about == "Compartment":
        return error("compartment-unplanned", found.why, load.span, address=address)
    activation = str(Address("Activation", found.key, load.datamart))
    advice = (
        f"include {activation} in this plan"
        if activation in excluded
        else f"declare activations of Compartment/{found.key}"
    )
    return error("compartment-not-active", found.why, load.span, address=address, help=advice)
