"""One source on one datamart -> a `LoadChange`. Pure: the source was scanned and the remote listed before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from reconciler.kinds.names import LoadKey
from reconciler.model.address import Address
from reconciler.model.asked import Overrides
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.load import Scan, UploadNotes
from reconciler.model.plan import Delta, LoadChange
from reconciler.model.remote import Import
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import load_digest
from reconciler.planning.loads.cut import Cut, Executions, cut_of, load_view, rows_of
from reconciler.planning.loads.generations import (
    Content,
    Decision,
    Do,
    Generation,
    decide,
    decide_retry,
    generations,
)
from reconciler.planning.loads.outcome_findings import (
    how_far,
    outcome_findings,
    require_resendable,
    retried,
    stuck,
    unsent_words,
    way_out,
    why_stuck,
)
from reconciler.planning.loads.protocol import SEALABLE, ChunkState, LoadView, retries, states
from reconciler.planning.loads.source_findings import rejected_findings, scan_findings


@dataclass(frozen=True, slots=True)
class RemoteLoads:
    """What is known of one source on one datamart.

    Attributes:
        imports: all.
        executions: by import id, of open generations.
        notes: of uploads to the datamart.
    """

    imports: Listing[Import]
    executions: Executions = field(default_factory=dict)
    notes: UploadNotes = field(default_factory=UploadNotes)

    @property
    def unlisted(self) -> Unlisted | None:
        """The first listing that could not be read."""
        return next((x for x in (self.imports, *self.executions.values()) if isinstance(x, Unlisted)), None)


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to be done with a load, before its source is cut as the platform's names say.

    Attributes:
        definition: with resolved compartments, as the spec cuts it.
        cut: how the load is cut.
        doubt: why what claims to be the seal of the newest load is not believed.
    """

    decision: Decision
    definition: SourceDefinition
    cut: Cut
    doubt: str = ""


_SENDING = (Do.EXECUTE, Do.RESUME)


def executed_keys(found: Sequence[Generation], executions: Executions) -> set[LoadKey]:
    """Keys of the loads with at least one execution."""
    return {g.key for g in found if any(rows_of(executions.get(i)) for i in g.import_ids)}


def decide_load(
    definition: SourceDefinition,
    scan: Scan,
    remote: RemoteLoads,
    overrides: Overrides,
    known: Decision | None = None,
) -> Decided:
    """Decide one load; every listing was read.

    Args:
        definition: of the source, with the remote ids of its compartments; None while to be created.
        scan: what reading it found.
        remote: listings.
        overrides: flags.
        known: the decision, where the digests are not what decides.
    """
    content = content_of(scan, definition)
    found = generations(remote.imports.require().rows, definition.former, content=content)
    decision = known or decide(
        found,
        executed_keys(found, remote.executions),
        LoadKey(definition.workspace, definition.source, 1, ""),
        content=content,
        newer=definition.content,
        reload=overrides.reload,
        supersede=overrides.supersede,
    )
    there = next((g for g in found if g.key == decision.key), None)
    doubt = next(
        (f"{g.key.title}: {g.doubt}; it is not taken as finished" for g in found[-1:] if g.doubt), ""
    )
    return Decided(decision, definition, cut_of(there, remote.executions, definition), doubt)


def plan_load(
    want: DesiredLoad,
    decided: Decided,
    scan: Scan,
    remote: RemoteLoads,
    overrides: Overrides,
    delta: Delta | None = None,
    known: int = 0,
) -> tuple[LoadChange, list[Diagnostic]]:
    """What a load would do.

    Args:
        want: the source on the datamart.
        decided: what is to be done with it.
        scan: what reading it found, cut as decided.
        remote: listings.
        overrides: flags.
        delta: counts of a load that is made against another one.
        known: identities that were sent before, where an index says it.

    Returns:
        The change, and findings.

    Raises:
        ReconcilerError: a chunk is to be sent again that was not lost and did not fail.
    """
    address, definition, decision = str(want.address), decided.definition, decided.decision
    mismatch = decided.cut.mismatch(decision.key, scan) if decision.key and decision.do in _SENDING else ""
    if mismatch:
        decision = Decision(Do.REFUSE, mismatch, None, decision.latest)
    nothing = decision.do is Do.NOTHING  # what is sent was told of before; rows that are not may be new
    findings = rejected_findings(want, scan) if nothing else scan_findings(want, scan)
    findings += [warning("seal-doubted", decided.doubt, address=address)] if decided.doubt else []
    if decision.do is Do.REFUSE:
        findings.append(
            error(
                "load-refused", decision.reason, want.span, address=address, help=way_out(decision, address)
            )
        )
    decision, left = retried(decision, remote.imports, definition)
    view = LoadView(())
    if decision.do is Do.RESUME and decision.key:
        view = load_view(decision.key, decided.cut, scan, remote.executions, remote.notes)
    require_resendable(address, decision, view, overrides.resend & set(range(1, len(scan.chunks) + 1)))
    actions, reason = _actions(decision, view, scan, remote.executions, overrides)
    findings += outcome_findings(decision, view, address, actions, left)
    generation = (
        decision.key.generation if decision.key else (decision.latest.number if decision.latest else None)
    )
    requires = required(want.datamart, definition)
    digest = load_digest(scan.source_digest, definition.compartments, definition.base)
    unknown = {"load_digest": True, "bytes": True, "chunks": True} if digest is None else {}
    change = LoadChange(
        address=address,
        datamart=want.datamart,
        datamart_id=want.datamart_id,
        generation=generation,
        source_digest=scan.source_digest,
        load_digest=digest,
        chunks=len(scan.chunks),
        lines=scan.lines,
        bytes=scan.bytes,
        upserts=scan.upserts,
        deletes=scan.deletes,
        rejected=scan.rejected,
        replay_safe=scan.replay_safe,
        unfinished=_unfinished(decision, view, remote.executions),
        actions=actions,
        reason=reason,
        requires=requires,
        after_unknown=unknown,
        definition=msgspec.to_builtins(definition),
        resend=tuple(sorted(overrides.resend)),
        reload=overrides.reload,
        supersede=overrides.supersede,
        previous_lines=previous_lines(definition, decision, known),
        delta=delta,
    )
    return change, findings


def plan_unread(
    want: DesiredLoad, definition: SourceDefinition, imports: Listing[Import], overrides: Overrides
) -> LoadChange:
    """A load whose source can be read only once: apply reads it, and finds out then whether anything is new.

    Args:
        want: the source on the datamart.
        definition: with resolved compartments, and a query pinned by its digest.
        imports: the datamart's.
        overrides: flags.
    """
    found = generations(imports.rows, definition.former) if isinstance(imports, Listed) else []
    latest = max((g.number for g in found if g.seal), default=0)
    known = f"the last load is load {latest}" if latest else "nothing is loaded yet"
    unknown: tuple[str, ...] = ("generation", "source_digest", "load_digest", "chunks", "lines", "bytes")
    unknown += ("upserts", "deletes", "rejected", "replay_safe")
    return LoadChange(
        address=str(want.address),
        datamart=want.datamart,
        datamart_id=want.datamart_id,
        generation=None,
        source_digest="",
        load_digest=None,
        chunks=0,
        lines=0,
        bytes=0,
        upserts=0,
        deletes=0,
        rejected=0,
        replay_safe=False,
        unfinished={},
        actions=("execute",),
        reason=f"apply reads its contents once, so they are known only then; {known}",
        requires=required(want.datamart, definition),
        after_unknown=dict.fromkeys(unknown, True),
        definition=msgspec.to_builtins(definition),
        resend=tuple(sorted(overrides.resend)),
        reload=overrides.reload,
        supersede=overrides.supersede,
    )


def required(datamart: str, definition: SourceDefinition) -> tuple[str, ...]:
    """Addresses of what has to be active on a datamart before a load."""
    return tuple(str(Address("Activation", key, datamart)) for key in definition.compartments)


def previous_lines(definition: SourceDefinition, decision: Decision, known: int) -> int:
    """Lines of what a snapshot replaces; 0 where its size says nothing.

    Where there is an index, that is what it holds: the load before may have been a delta.
    """
    if known and decision.do is Do.EXECUTE:
        return known
    seal = decision.latest.seal if decision.latest and decision.do is Do.EXECUTE else None
    return seal.ok + seal.failed if seal and definition.content == "snapshot" else 0


def _actions(
    decision: Decision,
    view: LoadView,
    scan: Scan,
    executions: Executions,
    overrides: Overrides,
) -> tuple[tuple[str, ...], str]:
    match decision.do:
        case Do.NOTHING | Do.REFUSE:
            return ("no-op",), decision.reason
        case Do.EXECUTE:
            left = superseded_counts(decision, executions)
            return ("execute",), decision.reason + (f"; {unsent_words(left)}" if left else "")
        case Do.RESUME:
            reason = f"{decision.reason}: {how_far(view)}"
            again = retries(view, replay_safe=scan.replay_safe, resend=overrides.resend)
            rest = stuck(view) - again
            moving = [
                i for i, s in states(view).items() if i not in rest and (s not in SEALABLE or i in again)
            ]
            if rest and not moving:
                return ("no-op",), reason + why_stuck(view)
            return ("resume",), reason
    raise AssertionError(decision.do)


def _unfinished(decision: Decision, view: LoadView, executions: Executions) -> dict[str, int]:
    if decision.do is Do.RESUME:
        counts = Counter(
            s.value for s in states(view).values() if s not in (ChunkState.SUCCEEDED, ChunkState.PARTIAL)
        )
        return dict(sorted(counts.items()))
    return superseded_counts(decision, executions)


def superseded_counts(decision: Decision, executions: Executions) -> dict[str, int]:
    """What newer content gives up: chunks of the older generation, and how many were never sent."""
    old = decision.superseded
    if old is None:
        return {}
    total = max((n.count for n in old.chunks), default=0)
    sent = {n.index for n, ids in old.chunks.items() if any(rows_of(executions.get(i)) for i in ids)}
    return {"superseded_generation": old.number, "chunks": total, "unsent": total - len(sent)}


def content_of(scan: Scan, source: SourceDefinition) -> Content | None:
    """What a source holds, as names on the platform would say it; None while a compartment is to be created.

    Args:
        scan: what reading it found.
        source: as it was read, with resolved compartments.
    """
    digest = load_digest(scan.source_digest, source.compartments, source.base)
    cut = (source.max_bytes, tuple(c.chunk12 for c in scan.chunks))
    return Content(digest[:12], scan.sent, cut) if digest else None


def definition_of(change: LoadChange) -> SourceDefinition:
    """The source of a planned load, read back from the plan."""
    return msgspec.convert(change.definition, SourceDefinition)


def decide_again(
    change: LoadChange,
    rows: Sequence[Import],
    executions: Executions,
    content: Content,
    *,
    begun: bool = False,
) -> Decision:
    """The decision for a planned load as the remote is now.

    With --reload the plan's own generation may be there already: this very plan, applied before and interrupted.

    Args:
        change: the load as planned.
        rows: of a complete listing of document imports.
        executions: listings by import id, of loads that are not sealed.
        content: the load digest's beginning, and how many commands the source holds.
        begun: an earlier run of this plan may have created the load.
    """
    source, load12 = definition_of(change), content.load12
    found = generations(rows, source.former, content=content)
    executed = executed_keys(found, executions)
    new = LoadKey(source.workspace, source.source, change.generation or 1, load12, change.retry)
    if change.retry:
        return decide_retry(found, executed, generations(rows, source.former, retries=True), new)
    begun = begun or any(
        g.number == change.generation and content.is_of(g) and (g.seal or g.key in executed) for g in found
    )
    return decide(
        found,
        executed,
        new,
        content=content,
        newer=source.content,
        reload=change.reload and not begun,
        supersede=change.supersede,
    )
