"""What a load begins with: its source read, the remote observed, and both required to be what was reviewed (G2)."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from reconciler.api import resources
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings, LoadStopped
from reconciler.bulk.load.progress import Before
from reconciler.bulk.sent.compare import Compared, compare
from reconciler.bulk.sent.compare import known as decided_by
from reconciler.bulk.sent.digests import SourceRows
from reconciler.kinds.names import MAX_LENGTH, ChunkName, LoadKey
from reconciler.model.listing import Listing
from reconciler.model.load import Scan
from reconciler.model.outcome import Status
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Execution, Import
from reconciler.model.source import Removals, SourceDefinition
from reconciler.planning.digests import load_digest
from reconciler.planning.loads import protocol
from reconciler.planning.loads.changes import (
    content_of,
    decide_again,
    definition_of,
    executed_keys,
    previous_lines,
)
from reconciler.planning.loads.cut import as_cut, chunk_name, cut_of, load_view, rows_of
from reconciler.planning.loads.delta import is_delta_of
from reconciler.planning.loads.expectation_findings import warned
from reconciler.planning.loads.generations import (
    Decision,
    Do,
    Generation,
    generations,
    open_generations,
    open_retries,
)
from reconciler.planning.loads.protocol import ChunkState, LoadView
from reconciler.planning.loads.schema_findings import misfit, misfits
from reconciler.planning.loads.source_findings import refusal
from reconciler.planning.plan.guards import deleting, differing, shrunk, way_out


@dataclass(frozen=True, slots=True)
class Tracked:
    """What the next load of a source has to know of this one.

    Attributes:
        digests: of all its rows.
        since_full: how many deltas follow its last load of all rows.
        left: identities of the load before that no row is about.
    """

    digests: SourceRows
    since_full: int
    left: Removals | None


@dataclass(frozen=True, slots=True)
class Ready:
    """A load that may go on.

    Attributes:
        source: as it is cut; its `max_bytes` is that of the names on the remote.
        unsent: names under which nobody can have sent: created, or proven bare, in this run.
        earlier: loads whose executions must end first.
        supersedes: it replaces an unfinished one, whose pending executions may be canceled.
    """

    key: LoadKey
    source: SourceDefinition
    scan: Scan
    view: LoadView
    unsent: set[str]
    earlier: list[Generation]
    supersedes: bool

    def name(self, index: int, attempt: int) -> ChunkName:
        """The import's name of a chunk."""
        return chunk_name(self.key, self.source.max_bytes, self.scan, index, attempt)


_DONE = (ChunkState.SUCCEEDED, ChunkState.PARTIAL, ChunkState.FAILED, ChunkState.CANCELED)


def _before(ready: Ready) -> Before:
    """What of a load was sent before this run, and what of it is done."""
    now = protocol.states(ready.view)
    sent = [c for c in ready.scan.chunks if now[c.index] in (*_DONE, ChunkState.LIVE)]
    done = sum(now[c.index] in _DONE for c in sent)
    return Before(len(sent), done, sum(c.lines for c in sent), sum(c.size for c in sent))


class Preparation:
    """Prepares one load.

    Attributes:
        anew: what the spool of a source is kept under, where the plan asks for it to be read anew.
        scan: what was read, even where the load then stops.
        tracked: of a source that sends only what changed, what the next load has to know of this one.
        cleanup: forgets what is kept for the length of the load.
    """

    def __init__(
        self, change: LoadChange, ids: Mapping[str, str], context: Context, listings: LoadListings
    ) -> None:
        self.change, self.context, self.listings = change, context, listings
        self.definition = definition_of(change)
        self.ids: dict[str, str | None] = {k: ids[k] for k in self.definition.compartments}
        self.anew = context.approval if change.unread and change.reload else ""
        self.guards = context.guards(change.address)
        self.scan: Scan | None = None
        self.tracked: Tracked | None = None
        self.cleanup = ExitStack()

    def run(self) -> Ready:
        """Scan, observe, decide again.

        Raises:
            LoadStopped: it is not what was reviewed, or there is nothing to do.
            ReconcilerError: the source cannot be read.
        """
        change, spools = self.change, self.context.spools
        begun = bool(self.anew) and spools is not None and spools.has(self.definition, self.anew)
        source = replace(self.context.readable(self.definition, self.anew), compartments=self.ids)
        digests = self._read(source)
        rows = self.listings.list_after_settle().rows
        compared = self._compared(source, digests, rows)
        source, scan = compared.source, compared.scan
        content = content_of(scan, source)
        assert content is not None  # noqa: S101 - all compartments are known by now
        found = generations(rows, source.former, content=content)
        retries = generations(rows, source.former, retries=True)
        executions = self.listings.executions_of([*open_generations(found), *open_retries(found, retries)])
        decision = decide_again(
            change,
            rows,
            executions,
            content,
            begun=begun,
        )
        if decision.do is Do.NOTHING:
            seal = decision.latest.seal if decision.latest else None
            raise LoadStopped(
                Status.UNCHANGED, decision.reason, totals=(seal.ok, seal.failed) if seal else None
            )
        key = decision.key
        if key is None or (change.generation is not None and key.generation != change.generation):
            words = f"stale: {decision.reason}; nothing was sent"
            raise LoadStopped(Status.FAILED, words, refused=True)
        if not change.retry:
            self._guard(scan, source, decision, compared)
        existing = next((g for g in (*found, *retries) if g.key == key), None)
        ready = self._fit(source, existing, key, executions)
        earlier = [
            g for g in open_generations([g for g in found if g.key != key]) if g.number <= key.generation
        ]
        earlier += [g for g in open_retries(found, retries) if g.key != key]
        ready = replace(
            ready,
            earlier=[g for g in earlier if g.chunks],
            supersedes=decision.superseded is not None,
        )
        chunks = ready.scan.chunks
        self.context.progress.start(change.address, len(chunks), scan.sent, scan.bytes, _before(ready))
        return ready

    def _read(self, source: SourceDefinition) -> SourceRows | None:
        """Read all rows; of a source that sends only what changed their digests, too."""
        digests = None
        if source.send == "changed":
            rows = self.context.sent.rows(source, make_key=True)
            self.scan, digests = self.cleanup.enter_context(rows)
        else:
            self.scan = self.context.scan(source)
        self._reviewed(source, self.scan)
        return digests

    def _reviewed(self, source: SourceDefinition, scan: Scan) -> None:
        """Require what was reviewed; the limits that the plan had to pass are asked again: what a plan says of them is not believed."""
        change = self.change
        if not change.unread and scan.source_digest != change.source_digest:
            words = "stale: the source changed since it was planned; nothing was sent. Make a new plan"
            raise LoadStopped(Status.FAILED, words, refused=True)
        self._compared_with_schema(source, scan)
        if change.unread:  # a plan says this of sources that it reads
            for words in warned(source, scan):
                self.context.progress.say(change.address, words)
        if not source.base:
            self._limited(source, scan)
        digest = load_digest(scan.source_digest, source.compartments, source.base)
        if digest is None or (change.load_digest is not None and digest != change.load_digest):
            words = "stale: a compartment of this load changed since it was planned; nothing was sent"
            raise LoadStopped(Status.FAILED, words, refused=True)

    def _compared_with_schema(self, source: SourceDefinition, scan: Scan) -> None:
        """Require the profiles to fit the schema where the source says so; else say what does not fit."""
        schema = self.context.schemas.get(self.change.datamart)
        if schema is None or source.schema == "off":
            return
        if why := misfit(source, scan, schema, self.change.datamart):
            raise LoadStopped(Status.FAILED, f"{why}; nothing was sent", refused=True)
        for words in misfits(scan, schema):
            self.context.progress.say(self.change.address, words)

    def _limited(self, source: SourceDefinition, scan: Scan) -> None:
        """Require what is about to be sent to be within the limits of the spec and the guards."""
        trip = deleting(scan.deletes, scan.accepted + scan.removed, self.guards)
        why = refusal(source, scan) or self._tripped(trip, "guard-delete-lines", "max_delete_lines_percent")
        if why is not None:
            raise LoadStopped(Status.FAILED, f"{why}; nothing was sent", refused=True)

    def _compared(
        self, source: SourceDefinition, digests: SourceRows | None, rows: Sequence[Import]
    ) -> Compared:
        """What of the source is to be sent; what plan compared has to come out the same."""
        scan = self.scan
        assert scan is not None  # noqa: S101 - it was read
        if digests is None:
            return Compared(source, scan)
        made = self._changed(replace(source, base=""), scan, digests, rows)
        self.scan, self.tracked = made.scan, Tracked(digests, made.since_full, made.left)
        if made.delta is not None:
            self._limited(made.source, made.scan)
        return made

    def _changed(
        self, whole: SourceDefinition, scan: Scan, digests: SourceRows, rows: Sequence[Import]
    ) -> Compared:
        change, source = self.change, self.definition
        if source.gone == "keep" and (change.reload or not (source.base or change.unread)):
            return Compared(whole, scan)
        found = generations(rows, source.former)
        retries = generations(rows, source.former, retries=True)
        executions = self.listings.executions_of([*open_generations(found), *open_retries(found, retries)])
        executed = executed_keys(found, executions)
        begun = any(
            g.number == change.generation and g.seal and is_delta_of(g, found, scan.source_digest, whole)
            for g in found
        )
        made = compare(
            self.context.sent, whole, scan, found, executed, change.datamart_id, digests,
            reload=change.reload and not begun,
        )  # fmt: skip
        if made.finished is not None:
            seal = made.finished[0].seal
            totals = (seal.ok, seal.failed) if seal else None
            raise LoadStopped(Status.UNCHANGED, made.finished[1], totals=totals)
        if not change.unread and made.source.base != source.base:
            words = f"stale: {made.why or 'another load was made since'}; nothing was sent. Make a new plan"
            raise LoadStopped(Status.FAILED, words, refused=True)
        if (decided := decided_by(made)) is not None:
            raise LoadStopped(Status.FAILED, f"{decided.reason}; nothing was sent", refused=True)
        return made

    def _guard(self, scan: Scan, source: SourceDefinition, decision: Decision, compared: Compared) -> None:
        """The size of the source beside the last load; and compartments that lines name, which plan saw of other sources."""
        before = previous_lines(source, decision, compared.known)
        why = self._tripped(
            shrunk(scan.accepted, before, self.guards), "guard-shrink", "max_shrink_percent"
        ) or self._tripped(
            differing(compared.delta, scan.accepted, self.guards), "guard-delta", "max_delta_percent"
        )
        if why is None and self.change.unread and scan.compartments - set(self.ids.values()):
            listing = resources.activations(self.context.writer, self.change.datamart_id)
            active = listing.require("the activations")
            missing = sorted(scan.compartments - {a.compartment_id for a in active.rows})
            why = (
                f"rows name the compartment {missing[0]}, which is not active on the datamart"
                if missing
                else None
            )
        if why is not None:
            raise LoadStopped(Status.FAILED, f"{why}; nothing was sent", refused=True)

    def _tripped(self, words: str | None, guard: str, limit: str) -> str | None:
        """Why a guard stops the load, if it does, with the way out."""
        return words and f"{words} ({way_out(guard, self.change.address, limit)})"

    def _fit(
        self,
        source: SourceDefinition,
        existing: Generation | None,
        key: LoadKey,
        executions: Mapping[str, Listing[Execution]],
    ) -> Ready:
        """Cut as the remote's names say, require every chunk to match, and build the view."""
        cut = cut_of(existing, executions, source)
        asked, source = source, as_cut(source, cut)
        scan = self.scan
        if scan is None or self.tracked is None or source is not asked:
            scan = self.scan = self.context.scan(source)
        if mismatch := cut.mismatch(key, scan):
            raise LoadStopped(Status.FAILED, mismatch, refused=True)
        bare = {str(n) for n, ids in cut.imports.items() if not any(rows_of(executions.get(i)) for i in ids)}
        view = load_view(key, cut, scan, executions, self.context.journal.uploads(self.change.datamart_id))
        again = protocol.retries(view, replay_safe=scan.replay_safe, resend=frozenset(self.change.resend))
        chunks = tuple(protocol.next_attempt(c) if c.index in again else c for c in view.chunks)
        view = LoadView(chunks, strict=source.ordering == "strict", follow=self.context.follow)
        ready = Ready(key, source, scan, view, bare, [], supersedes=False)
        longest = max((len(str(ready.name(c.index, 99))) for c in scan.chunks), default=0)
        if longest > MAX_LENGTH:  # the remote could not give such names back, so nothing could be found again
            words = f"names of imports would have {longest} characters; raise chunk.max_bytes"
            raise LoadStopped(Status.FAILED, words, refused=True)
        return ready
