"""Drive one load through the steps of `reconciler.planning.loads.protocol`: the I/O half of the state machine.

Enters: a planned load. Leaves: an `Outcome`. The view is only ever added to: what was seen is never un-seen in a run.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from reconciler.api.answers import Verdict
from reconciler.api.writes import Done, Failed, Moved, Result, Unknown
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.follow import Executions
from reconciler.bulk.load.listings import LoadListings, LoadStopped
from reconciler.bulk.load.load_state import LoadState
from reconciler.bulk.load.manifest import Imports
from reconciler.bulk.load.outcome import Ended, in_order, outcome_of, stopped_by
from reconciler.bulk.load.prepare import Preparation
from reconciler.bulk.load.results.collect import Aftermath
from reconciler.bulk.load.seal import LoadSeal
from reconciler.bulk.load.send import HALTED, ChunkSender
from reconciler.errors import Interrupted, ReadFailed, ReconcilerError
from reconciler.kinds.counts import many
from reconciler.kinds.execution import TERMINAL, Phase, phase
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Execution
from reconciler.planning.loads import protocol

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
        self.state = LoadState()
        self.executions = Executions(context, self.listings, self.state)
        self.after: Aftermath | None = None

    # -- the whole ------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        journal, number = self.context.journal, None
        try:
            self.state.begin(self.preparation.run())
            journal.watch(self.address, number := self.state.ready.key.generation)
            self._required()
            self.after = Aftermath(self.change, self.state.ready, self.context)
            self._steps()
            self.state.errors += self.after.look(self.state.view)
            ended = Ended(protocol.status(self.state.view), in_order(self.state.errors))
        except LoadStopped as e:
            self._settle_sent()
            if e.status is Status.UNKNOWN:
                self._keep_begun()
            ended = stopped_by(e)
        except Interrupted as e:
            ended = Ended(Status.SKIPPED, str(e))
            self._keep_begun()
        except ReadFailed as e:
            ended = Ended(Status.UNKNOWN if self.state.sent() else Status.FAILED, str(e))
            self._keep_begun()
        except ReconcilerError as e:
            ended = Ended(Status.FAILED, str(e))
        finally:
            self.preparation.cleanup.close()
        outcome = outcome_of(self.change, ended, self.state.view, self.preparation.scan, self.after)
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
        live = [
            c.index for c in self.state.view.chunks if any(phase(e) not in TERMINAL for e in c.executions)
        ]
        try:
            if live and self.context.follow:
                self.executions.follow(live)
        except LoadStopped as e:
            self.state.errors.append(str(e))

    def _required(self) -> None:
        """Ask, right before anything is made or sent, whether the platform still is what this load requires.

        Raises:
            LoadStopped: it is not.
        """
        if all(c.executions for c in self.state.view.chunks):
            return
        if why := self.context.unmet(self.change, self.ids):
            raise LoadStopped(Status.FAILED, f"stale: {why}; nothing was sent", refused=True)

    def _unfinished(self) -> bool:
        """True if something was sent, or may have been, and the load is not sealed."""
        return not self.state.view.sealed and any(c.executions or c.unclear for c in self.state.view.chunks)

    def _steps(self) -> None:
        while True:
            step = protocol.next_step(self.state.view)
            if self.context.stopping() and not isinstance(step, protocol.Finish | protocol.Follow):
                raise LoadStopped(
                    Status.UNKNOWN if self.state.sent() else Status.SKIPPED,
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
                    self.executions.follow(indices)
                case protocol.LookAgain(indices=indices):
                    self.executions.look_again(indices)
                case protocol.Seal(ok=ok, failed=failed):
                    self._seal().create(ok, failed)
                case protocol.Finish():
                    return

    # -- steps ----------------------------------------------------------------------------------------------------

    def _create(self, indices: Sequence[int]) -> None:
        stops: list[LoadStopped] = []
        names = {self.state.name(i): i for i in indices}
        results = dict(zip(names, self.context.io.map(self.imports.create, names), strict=True))
        for name, result in results.items():
            match result:
                case Done():
                    self.state.ready.unsent.add(name)
                    self.state.update(names[name], seen=True)
                case Failed(verdict=Verdict.WITHHELD):
                    pass  # it was not tried: the one that failed says why
                case Failed(message=message, stopped=stopped):
                    words = f"could not create a document import: {message}"
                    stops.append(LoadStopped(Status.FAILED, words, stopped=stopped))
                case Unknown(message=message, stopped=stopped):
                    self.state.errors.append(message)
                    self.state.update(names[name], unclear=True)
                    stops += [LoadStopped(Status.UNKNOWN, message, stopped=True)] if stopped else []
        if stops:
            raise _first(stops)

    def _see_manifest(self) -> None:
        # A chunk whose import somebody deleted stays unknown; it does not hold up the others.
        self.imports.see({self.state.name(c.index) for c in self.state.view.chunks if c.seen})
        self.state.view = replace(self.state.view, manifest_seen=True)

    def _await_earlier(self) -> None:
        ids = {i: g for g in self.state.ready.earlier for i in g.import_ids}
        deadline, pause = self.context.clock.now() + self.context.follow_timeout, self.context.poll
        while True:
            live = []
            for import_id, rows in zip(
                ids, self.context.io.map(self.listings.list_executions, ids), strict=True
            ):
                for execution in rows:
                    if phase(execution) is Phase.PENDING and self.state.ready.supersedes:
                        self.listings.cancel(import_id, execution)
                    if phase(execution) not in TERMINAL:
                        live.append(execution)
            if not live:
                self.state.view = replace(self.state.view, earlier_terminal=True)
                return
            if self.context.clock.now() > deadline or self.context.stopping():
                raise LoadStopped(
                    Status.UNKNOWN,
                    f"executions of an earlier load are still running: {len(live)}; nothing was sent",
                )
            self.context.clock.wait(
                pause, f"for {many(len(live), 'execution')} of an earlier load of {self.listings.address}"
            )
            pause = min(pause * 1.5, 5.0)

    def _send(self, indices: Sequence[int]) -> None:
        assert self.after is not None  # noqa: S101 - prepared
        self.after.draw(indices)
        sender = ChunkSender(self.context, self.listings, self.state.ready.source, self.state.ready.scan)
        futures: dict[int, Future[Result[tuple[Execution, ...]]]] = {
            i: self.context.io.submit(
                sender.send,
                self.state.name(i),
                self.state.chunk(i),
                proven_unsent=self.state.name(i) in self.state.ready.unsent,
            )
            for i in indices
        }
        stops: list[LoadStopped] = []
        for index, future in futures.items():
            try:
                self._sent_or_not(index, future.result())
            except LoadStopped as e:
                e.args = (f"chunk {index}: {e}",)
                if e.status is Status.UNKNOWN:  # whether it was sent could not be found out
                    self.state.update(index, unclear=True)
                stops.append(e)
        if stops:
            stop = _first(stops)
            if self.state.sent() and stop.stopped:
                stop.status = Status.UNKNOWN
            raise stop

    def _sent_or_not(self, index: int, result: Result[tuple[Execution, ...]]) -> None:
        """Note what became of one chunk.

        Raises:
            LoadStopped: nothing happened to it, and what it met would meet the others.
        """
        match result:
            case Done(row=executions):
                self.state.update(index, executions=executions)
                chunk = self.state.chunk(index)
                self.context.progress.advance(self.address, "sent", 1, chunk.lines, chunk.size)
            case Failed(message=message, verdict=Verdict.CONTENT):
                self.state.errors.append(f"chunk {index}: {message}")
                self.state.update(index, refused=True)
            case Failed(message=message, stopped=True):
                self.context.stop()
                raise LoadStopped(Status.FAILED, message, stopped=True)
            case Failed(message=message, verdict=Verdict.WITHHELD):
                if message != HALTED and not self.context.stopping():
                    self.context.forget(self.state.ready.source)
                    raise LoadStopped(Status.FAILED, message, refused=True)
            case Failed(message=message):
                raise LoadStopped(Status.FAILED, f"{message}; {NOT_SENT}")
            case Moved(why=message) | Unknown(message=message):
                self.state.errors.append(f"chunk {index}: {message}")
                self.state.update(index, unclear=True)

    def _seal(self) -> LoadSeal:
        return LoadSeal(self.context, self.listings, self.imports, self.state, self.preparation.tracked)


def _first(stops: Sequence[LoadStopped]) -> LoadStopped:
    """What is said of several: a 401 ends the run, a source that changed ends this load; others follow from these."""
    return next((s for s in stops if s.stopped or s.refused), stops[0])
