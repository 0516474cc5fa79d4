"""Drive one load through the steps of `reconciler.planning.loads.protocol`: the I/O half of the state machine.

Enters: a planned load. Leaves: an `Outcome`. The view is only ever added to: what was seen is never un-seen in a run.
"""

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from reconciler.api import resources
from reconciler.api.answers import Verdict
from reconciler.api.writes import Done, Failed, Moved, Result, Unknown
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings, LoadStopped
from reconciler.bulk.load.manifest import Imports
from reconciler.bulk.load.prepare import Preparation
from reconciler.bulk.load.results.collect import Aftermath
from reconciler.bulk.load.send import HALTED, ChunkSender
from reconciler.bulk.load.sent_rows import SentRows
from reconciler.errors import Interrupted, ReadFailed, ReconcilerError
from reconciler.kinds.counts import many
from reconciler.kinds.execution import TERMINAL, Phase, ending, phase
from reconciler.kinds.names import SealName
from reconciler.model.listing import Listing, Unlisted
from reconciler.model.load import Chunk
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Execution
from reconciler.planning.loads import protocol
from reconciler.planning.loads.cut import rows_of
from reconciler.planning.loads.protocol import ChunkView, LoadView, surplus, winner

# Seconds for which executions may be unreadable before following them is given up.
UNREADABLE_TIMEOUT_S = 60.0
# Executions looked at in one round: they end about in order, and a load may have thousands.
BATCH = 50
# Refused lines that are named in reports; the journal has more, and `source retry` finds all of them.
SHOWN_FAILURES = 10
NOT_SENT = (
    "nothing was lost: fix the cause and run the same command again, which sends the chunks that are left"
)


def run_load(change: LoadChange, ids: Mapping[str, str], context: Context) -> Outcome:
    """Carry one planned load to its end.

    Args:
        change: from the plan.
        ids: remote id by compartment key, all of them known by now.
        context: collaborators.
    """
    return _LoadRun(change, ids, context).run()


class _LoadRun:
    def __init__(self, change: LoadChange, ids: Mapping[str, str], context: Context) -> None:
        self.change, self.ids, self.context = change, ids, context
        self.address, self.datamart_id = change.address, change.datamart_id
        self.listings = LoadListings(context, self.address, self.datamart_id)
        self.imports = Imports(context, self.listings)
        self.preparation = Preparation(change, ids, context, self.listings)
        self.view = LoadView(())
        self.errors: list[str] = []
        self.after: Aftermath | None = None

    # -- the whole ------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        journal, number = self.context.journal, None
        try:
            self.ready = self.preparation.run()
            self.view = self.ready.view
            journal.watch(self.address, number := self.ready.key.generation)
            self._required()
            self.after = Aftermath(self.change, self.ready, self.context)
            self._steps()
            self.errors += self.after.look(self.view)
            outcome = self._outcome(protocol.status(self.view), "; ".join(dict.fromkeys(self.errors)))
        except LoadStopped as e:
            self._settle_sent()
            if e.status is Status.UNKNOWN:
                self._keep_begun()
            outcome = self._outcome(e.status, str(e), stopped=e.stopped, refused=e.refused, totals=e.totals)
            outcome = replace(outcome, locked=e.locked)
        except Interrupted as e:
            outcome = self._outcome(Status.SKIPPED, str(e))
            self._keep_begun()
        except ReadFailed as e:
            outcome = self._outcome(Status.UNKNOWN if self._sent() else Status.FAILED, str(e))
            self._keep_begun()
        except ReconcilerError as e:
            outcome = self._outcome(Status.FAILED, str(e))
        finally:
            self.preparation.cleanup.close()
        journal.note(self.address, "load", outcome.status.value, **outcome.counts)
        if number is not None:
            journal.watch(self.address, number)
        if self.context.spools is not None and self._unfinished():
            self.context.spools.keep(self.preparation.definition, self.preparation.anew)
        return outcome

    def _keep_begun(self) -> None:
        """This run saw nothing of the load: one may have begun from the spool that an earlier run left."""
        spools, preparation = self.context.spools, self.preparation
        if spools is not None and spools.is_kept(preparation.definition, preparation.anew):
            spools.keep(preparation.definition, preparation.anew)

    def _settle_sent(self) -> None:
        """The load stops; what it sent before has a result nonetheless, which belongs into the report (G11)."""
        live = [c.index for c in self.view.chunks if any(phase(e) not in TERMINAL for e in c.executions)]
        try:
            if live and self.context.follow:
                self._follow(live)
        except LoadStopped as e:
            self.errors.append(str(e))

    def _required(self) -> None:
        """Ask, right before anything is made or sent, whether the platform still is what this load requires.

        Raises:
            LoadStopped: it is not.
        """
        if all(c.executions for c in self.view.chunks):
            return
        if why := self.context.unmet(self.change, self.ids):
            raise LoadStopped(Status.FAILED, f"stale: {why}; nothing was sent", refused=True)

    def _unfinished(self) -> bool:
        """True if something was sent, or may have been, and the load is not sealed."""
        return not self.view.sealed and any(c.executions or c.unclear for c in self.view.chunks)

    def _steps(self) -> None:
        for _ in itertools.count():
            step = protocol.next_step(self.view)
            if self.context.stopping() and not isinstance(step, protocol.Finish | protocol.Follow):
                raise LoadStopped(
                    Status.UNKNOWN if self._sent() else Status.SKIPPED,
                    "the run was interrupted; run the same command again to continue",
                )
            match step:
                case protocol.Create(indices=indices):
                    self._create(indices)
                case protocol.SeeManifest():
                    self._see_manifest()
                case protocol.AwaitEarlier():
                    self._await_earlier()
                case protocol.Send(indices=indices):
                    self._send(indices)
                case protocol.Follow(indices=indices):
                    self._follow(indices)
                case protocol.LookAgain(indices=indices):
                    self._look_again(indices)
                case protocol.Seal(ok=ok, failed=failed):
                    self._seal(ok, failed)
                case protocol.Finish():
                    return

    def _outcome(
        self,
        status: Status,
        message: str,
        *,
        stopped: bool = False,
        refused: bool = False,
        totals: tuple[int, int] | None = None,
    ) -> Outcome:
        if any(c.unclear and not c.executions for c in self.view.chunks):
            status = Status.UNKNOWN  # whatever else ended this load, a write of it may still be on its way
        if old := self.change.unfinished.get("superseded_generation"):
            gone = f"load {old} was superseded and {self.change.unfinished['unsent']} of its chunks were not sent"
            message = f"{message}; {gone}" if message else gone
        counts: dict[str, int] = {}
        scan = self.preparation.scan
        if scan is not None:
            ok, failed = totals or protocol.totals(self.view)
            unknown = 0 if totals else protocol.result_unknown(self.view)
            counts = {
                "read": scan.lines,
                "rejected": scan.rejected,
                "sent": sum(c.lines for c in self.view.chunks if c.executions),
                "succeeded": ok,
                "failed": failed,
                "unknown": unknown,
                "not_processed": max(0, scan.lines + scan.removed - scan.unchanged - ok - failed - unknown),
                **({"unchanged": scan.unchanged} if scan.unchanged else {}),
                **({"gone": scan.removed} if scan.removed else {}),
                **(self.after.verified if self.after else {}),
            }
            if status is Status.SUCCEEDED and counts.get("differing"):
                status = Status.PARTIAL
            dropped = sum(c.lines for c in self.view.chunks if c.executions) - ok - failed - unknown
            if status is Status.SUCCEEDED and dropped > 0:
                status = Status.PARTIAL
                message = (
                    f"the platform accounts for {many(dropped, 'command')} as neither accepted nor failed"
                )
            if status is Status.PARTIAL and not message:
                message = f"{failed:,} of {many(scan.sent, 'command')} failed"
        return Outcome(
            self.address,
            status,
            self.change.actions[0],
            message,
            counts=counts,
            failed_lines=tuple(self.after.failed[:SHOWN_FAILURES]) if self.after else (),
            unplaced=self.after.unplaced if self.after else 0,
            stopped=stopped,
            refused=refused,
        )

    def _sent(self) -> bool:
        return any(c.executions for c in self.view.chunks)

    # -- what is known ---------------------------------------------------------------------------------------------

    def _name(self, index: int) -> str:
        return str(self.ready.name(index, self._view_of(index).attempt))

    def _chunk(self, index: int) -> Chunk:
        return self.ready.scan.chunks[index - 1]

    def _view_of(self, index: int) -> ChunkView:
        return self.view.chunks[index - 1]

    def _update(self, index: int, **fields: object) -> None:
        new = replace(self._view_of(index), **fields)  # type: ignore[arg-type]
        self.view = replace(
            self.view, chunks=(*self.view.chunks[: index - 1], new, *self.view.chunks[index:])
        )

    # -- steps ----------------------------------------------------------------------------------------------------

    def _create(self, indices: Sequence[int]) -> None:
        stop: LoadStopped | None = None
        names = {self._name(i): i for i in indices}
        results = dict(zip(names, self.context.io.map(self.imports.create, names), strict=True))
        for name, result in results.items():
            match result:
                case Done():
                    self.ready.unsent.add(name)
                    self._update(names[name], seen=True)
                case Failed(message=message, stopped=stopped):
                    words = f"could not create a document import: {message}"
                    stop = LoadStopped(Status.FAILED, words, stopped=stopped)
                case Unknown(message=message):
                    self.errors.append(message)
                    self._update(names[name], unclear=True)
        if stop is not None:
            raise stop

    def _see_manifest(self) -> None:
        # A chunk whose import somebody deleted stays unknown; it does not hold up the others.
        self.imports.see({self._name(c.index) for c in self.view.chunks if c.seen})
        self.view = replace(self.view, manifest_seen=True)

    def _await_earlier(self) -> None:
        ids = {i: g for g in self.ready.earlier for i in g.import_ids}
        deadline, pause = self.context.clock.now() + self.context.follow_timeout, self.context.poll
        while True:
            live = []
            for import_id, rows in zip(
                ids, self.context.io.map(self.listings.list_executions, ids), strict=True
            ):
                for execution in rows:
                    if phase(execution) is Phase.PENDING and self.ready.supersedes:
                        self.listings.cancel(import_id, execution)
                    if phase(execution) not in TERMINAL:
                        live.append(execution)
            if not live:
                self.view = replace(self.view, earlier_terminal=True)
                return
            if self.context.clock.now() > deadline or self.context.stopping():
                raise LoadStopped(
                    Status.UNKNOWN,
                    f"executions of an earlier load are still running: {len(live)}; nothing was sent",
                )
            self.context.clock.wait(
                pause, f"for executions of an earlier load of {self.listings.address}: {len(live)}"
            )
            pause = min(pause * 1.5, 5.0)

    def _send(self, indices: Sequence[int]) -> None:
        assert self.after is not None  # noqa: S101 - prepared
        self.after.draw(indices)
        sender = ChunkSender(self.context, self.listings, self.ready.source, self.ready.scan)
        futures: dict[int, Future[Result[tuple[Execution, ...]]]] = {
            i: self.context.io.submit(
                sender.send, self._name(i), self._chunk(i), proven_unsent=self._name(i) in self.ready.unsent
            )
            for i in indices
        }
        stops: list[LoadStopped] = []
        for index, future in futures.items():
            try:
                self._sent_or_not(index, future.result())
            except LoadStopped as e:
                if e.status is Status.UNKNOWN:  # whether it was sent could not be found out
                    self._update(index, unclear=True)
                stops.append(e)
        if stops:
            # A 401 ends the run, a source that changed ends this load: these are said rather than what followed from them.
            stop = next((s for s in stops if s.stopped or s.refused), stops[0])
            if self._sent() and stop.stopped:
                stop.status = Status.UNKNOWN
            raise stop

    def _sent_or_not(self, index: int, result: Result[tuple[Execution, ...]]) -> None:
        """Note what became of one chunk.

        Raises:
            LoadStopped: nothing happened to it, and what it met would meet the others.
        """
        match result:
            case Done(row=executions):
                self._update(index, executions=executions)
                chunk = self._chunk(index)
                self.context.progress.advance(self.address, "sent", 1, chunk.lines, chunk.size)
            case Failed(message=message, verdict=Verdict.CONTENT):
                self.errors.append(message)
                self._update(index, refused=True)
            case Failed(message=message, stopped=True):
                self.context.stop()
                raise LoadStopped(Status.FAILED, message, stopped=True)
            case Failed(message=message, verdict=Verdict.WITHHELD):
                if message != HALTED and not self.context.stopping():
                    self.context.forget(self.ready.source)
                    raise LoadStopped(Status.FAILED, message, refused=True)
            case Failed(message=message):
                raise LoadStopped(Status.FAILED, f"{message}; {NOT_SENT}")
            case Moved(why=message) | Unknown(message=message):
                self.errors.append(message)
                self._update(index, unclear=True)

    def _follow(self, indices: Sequence[int]) -> None:
        now, pause = self.context.clock.now, self.context.poll
        deadline = now() + self.context.follow_timeout
        waiting = set(indices)
        failure: Unlisted | None = None
        unread_since: float | None = None
        while True:
            failure = None
            batch = sorted(waiting)[:BATCH]
            for index, listings in zip(batch, self.context.io.map(self._look, batch), strict=True):
                bad = next((x for x in listings if isinstance(x, Unlisted)), None)
                if bad is not None and bad.unauthorized:
                    raise LoadStopped(Status.UNKNOWN, bad.reason, stopped=True)
                failure = failure or bad
                if bad is None and self._all_ended(index, [e for x in listings for e in rows_of(x)]):
                    waiting.discard(index)
            if not waiting:
                return
            unread_since = (unread_since or now()) if failure else None
            given_up = (
                unread_since is not None and now() - unread_since > UNREADABLE_TIMEOUT_S + self.context.settle
            )
            if now() > deadline or given_up or self.context.stopping():
                break
            if waiting.issuperset(batch):  # none of them ended: no use in asking again at once
                self.context.clock.wait(pause, f"for executions of {self.listings.address}: {len(waiting)}")
                pause = min(pause * 1.3, 5.0)
        reason = failure.reason if failure else f"not ended within {self.context.follow_timeout:g} s"
        self.errors.append(
            "interrupted while following"
            if self.context.stopping()
            else f"{many(len(waiting), 'execution')}: {reason}"
        )
        for index in waiting:
            self._update(index, unclear=True)

    def _look_again(self, indices: Sequence[int]) -> None:
        """List executions once more: one that came late, of a sender that was killed, is reported before the seal hides it."""
        for index, listings in zip(indices, self.context.io.map(self._look, indices), strict=True):
            for listing in listings:
                if isinstance(listing, Unlisted):
                    words = f"all chunks ended, but executions could not be listed: {listing.reason}"
                    raise LoadStopped(Status.UNKNOWN, words, stopped=listing.unauthorized)
            known = {e.id: e for e in self._view_of(index).executions}
            rows = {e.id: e for x in listings for e in rows_of(x)}
            if late := rows.keys() - known.keys():
                self._update(index, executions=tuple((known | rows).values()))
                self.errors.append(
                    f"chunk {index} was sent twice: execution {', '.join(sorted(late))} came late"
                )
        self.view = replace(self.view, looked_again=True)

    def _look(self, index: int) -> list[Listing[Execution]]:
        ids = self.listings.imports.get(self._name(index), ())
        return [resources.executions(self.context.writer, self.datamart_id, i) for i in ids]

    def _all_ended(self, index: int, rows: Sequence[Execution]) -> bool:
        """Merge what was listed; True once every execution of the chunk is listed and terminal."""
        known = {e.id: e for e in self._view_of(index).executions}
        listed = {e.id for e in rows}
        merged = tuple((known | {e.id: e for e in rows}).values())
        self._update(index, executions=merged)
        for execution in surplus(merged):
            for import_id in self.listings.imports.get(self._name(index), ()):
                self.listings.cancel(import_id, execution)
        if not set(known) <= listed or any(phase(e) not in TERMINAL for e in merged):
            return False
        chunk, keep = self._chunk(index), winner(merged)
        if keep is not None and (words := ending(keep)):
            self.errors.append(f"chunk {index}{words}")
        if len(merged) > 1:
            self.context.journal.report(self.datamart_id, {e.id for e in merged})
            self.errors.append(
                f"chunk {index} has {many(len(merged), 'execution')} under one import; execution {keep.id if keep else '?'} counts"
            )
        self.context.progress.advance(self.address, "done", 1, chunk.lines, chunk.size)
        return True

    def _seal(self, ok: int, failed: int) -> None:
        seal = SealName(self.ready.key, ok, failed)
        name, index = str(seal), self._keep_index(seal)
        result: Done[str] | Failed | Unknown = (
            Done(name) if name in self.listings.imports else self.imports.create(name, shown=True)
        )
        match result:
            case Done():
                self.view = replace(self.view, sealed=True)
                self._only_index(index)
            case Failed(message=message, stopped=stopped):
                raise LoadStopped(
                    Status.UNKNOWN,
                    f"all chunks ended, but the seal could not be created: {message}",
                    stopped=stopped,
                )
            case Unknown(message=message):
                raise LoadStopped(
                    Status.UNKNOWN, f"all chunks ended, but no listing showed the seal: {message}"
                )

    def _keep_index(self, seal: SealName) -> str | None:
        """Write the index of what was sent before the seal; its name. Without one the next load sends all rows."""
        tracked = self.preparation.tracked
        if tracked is None:
            return None
        rows = SentRows(
            self.context, self.listings, self.ready, tracked.digests, tracked.since_full, tracked.left
        )
        try:
            return rows.keep(self.view, seal)
        except ReconcilerError as e:
            self.context.progress.say(
                self.address, f"the sent index could not be written, so the next load sends all rows: {e}"
            )
            return None

    def _only_index(self, name: str | None) -> None:
        """Remove the indexes of loads before."""
        if name is None:
            return
        try:
            self.context.sent.only(self.ready.source.source, self.datamart_id, name)
        except ReconcilerError as e:
            self.context.progress.say(self.address, f"an older sent index could not be removed: {e}")
