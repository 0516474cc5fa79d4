"""One source, read and checked line by line as plan would, without a token: nothing is compared with the remote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.bulk.records.lines import ANY_ID
from reconciler.bulk.scan.shown import Looking
from reconciler.bulk.scan.source_scans import Scans, with_contents
from reconciler.bulk.sent.difference import in_words
from reconciler.bulk.sent.index_file import Unusable
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.errors import ReconcilerError
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.load import Reject, Scan
from reconciler.model.shown_rows import Shown
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.expectation_findings import breaking, name
from reconciler.planning.loads.schema_findings import schema_findings
from reconciler.planning.loads.source_findings import scan_findings
from reconciler.planning.loads.unreadable import unreadable
from reconciler.spec.severities import ruled
from reconciler.workflows.check import Checked
from reconciler.workflows.datamart_schemas import Schemas, gather

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Examined:
    """What one read of a source shows.

    Attributes:
        addresses: the loads that read exactly this.
        max_bytes: of one chunk.
        scan: None if it could not be read.
        expectations: each expectation of the source, as the spec has it, with how many rows break it.
        examples: the first few rejected lines of each code.
        shown: the first commands, and what the properties hold, where that was asked for.
    """

    addresses: tuple[str, ...]
    max_bytes: int
    scan: Scan | None
    findings: tuple[Diagnostic, ...]
    examples: dict[str, list[Reject]] = field(default_factory=dict)
    shown: Shown | None = None
    expectations: tuple[tuple[str, int], ...] = ()


def examine(
    checked: Checked,
    name: str,
    datamarts: frozenset[str] | None,
    scans: Scans,
    indexes: SentIndexes,
    keep: Callable[[str], None] | None,
    show: int | None = None,
) -> Iterator[Examined]:
    """Read a source, once for all datamarts for which it reads the same.

    Args:
        checked: specs without findings that stop.
        name: metadata.name of the source.
        datamarts: only for these; None for all.
        scans: reads.
        indexes: what sources sent before, of those that send only what changed.
        keep: is given every rejected line as one line of JSON, with its contents; None where they are not wanted.
        show: how many of the first commands to show, with counts of all properties; None shows neither.

    Raises:
        ReconcilerError: no load of the source is among the datamarts.
    """
    desired = checked.desired()
    pins = {c.key: c.id for c in desired.compartments.values() if c.id}
    same: dict[str, list[tuple[DesiredLoad, SourceDefinition]]] = {}
    for load in desired.loads.values():
        if load.source == name and (datamarts is None or load.datamart in datamarts):
            definition = _offline(load.definition, pins)
            same.setdefault(repr(definition), []).append((load, definition))
    if not same:
        raise ReconcilerError(
            f"ProfileSource/{name} does not target this datamart",
            help="`reconciler render` shows its datamarts",
        )
    every = [load for loads in same.values() for load, _ in loads]
    schemas = gather(scans.root, every, None, None)
    scans.schemas = schemas.by_source(every)
    for loads in same.values():
        found = _one(checked, [load for load, _ in loads], loads[0][1], scans, indexes, keep, show, schemas)
        yield found


def _offline(definition: SourceDefinition, pins: dict[str, str]) -> SourceDefinition:
    """Ids of compartments are known offline where a spec pins them; a line of commands may name what cannot be known."""
    ids: dict[str, str | None] = {key: pins.get(key) for key in definition.compartments}
    if definition.format == "commands" and definition.compartment and not ids[definition.compartment]:
        ids[definition.compartment] = ANY_ID
    return replace(definition, compartments=ids)


def _delta(
    load: DesiredLoad, readable: SourceDefinition, read: Scan, indexes: SentIndexes
) -> Iterator[Diagnostic]:
    """What a delta would be, by the newest index that is here; the platform may have a newer load."""
    if load.definition.send != "changed" or read.repeated:
        return
    try:
        found = indexes.look(readable, load.datamart_id)
    except Unusable as e:
        words = f"the next load with new content sends all rows: {e}"
    else:
        words = "the next load with new content sends all rows: no sent index is here"
        if found is not None:
            number, counts = found
            words = f"compared with the sent index of load {number}: {in_words(counts)}"
    address = str(load.address)
    yield Diagnostic("delta-preview", Severity.NOTE, words, load.span, address=address)


def _one(
    checked: Checked,
    loads: list[DesiredLoad],
    definition: SourceDefinition,
    scans: Scans,
    indexes: SentIndexes,
    keep: Callable[[str], None] | None,
    show: int | None,
    schemas: Schemas,
) -> Examined:
    looking = None if show is None else Looking(show)
    first, addresses = loads[0], tuple(str(load.address) for load in loads)
    limit = definition.max_bytes
    examples: dict[str, list[Reject]] = {}

    def rejected(reject: Reject, data: object) -> None:
        if len(seen := examples.setdefault(reject.code, [])) < EXAMPLES:
            seen.append(reject)
        if keep:
            keep(with_contents(reject, data))

    try:
        with scans.for_once(definition) as readable:
            sent = None if looking is None else looking.add
            read = scans.read(readable, rejected, contents=keep is not None, on_sent=sent)
            deltas = [note for load in loads for note in _delta(load, readable, read, indexes)]
    except ReconcilerError as e:
        return Examined(addresses, limit, None, (unreadable(first, e),))
    fits = [f for load in loads for f in schema_findings(load, read, schemas.of(load))]
    told = [f for f in schemas.findings if first.datamart in f.message]
    findings = ruled([*scan_findings(first, read), *told, *fits, *deltas], checked.settings.rules)
    shown = looking.result() if looking else None
    checked_rows = tuple(
        (name(e), breaking(e, found, read))
        for e, found in zip(definition.expect, read.expectations, strict=True)
        if e.field
    )
    return Examined(addresses, limit, read, tuple(findings), examples, shown, checked_rows)
