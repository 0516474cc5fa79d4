"""Drive one load through the steps of `reconciler.planning.protocol`: the I/O half of the state machine.

Enters: a planned load. Leaves: an `Outcome`. The view is only ever added to: what was seen is never un-seen in a run.
"""

import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

from reconciler.api import resources
from reconciler.api.answers import Answer, Verdict, mask
from reconciler.api.presence import confirm, seek
from reconciler.api.writes import (
    NOT_SENT_TRIES,
    TRIES,
    Done,
    Failed,
    Unknown,
    create_once,
    pause_before_retry,
)
from reconciler.bulk.context import Context
from reconciler.bulk.scan import scan as scan_source
from reconciler.bulk.sender import Job, upload
from reconciler.errors import ReadFailed, ReconcilerError
from reconciler.kinds import paths
from reconciler.kinds.execution import TERMINAL, Phase, phase
from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.absence import Absence
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.load import Chunk, Scan
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Execution, Import
from reconciler.planning import protocol
from reconciler.planning.digests import load_digest
from reconciler.planning.generations import Do, Generation, generations, number, open_generations
from reconciler.planning.loads import decide_again, definition_of, executed_keys
from reconciler.planning.protocol import ChunkView, LoadView, kept, surplus

NEW_IMPORT = {"document_type": "USER_PROFILE", "mime_type": "APPLICATION_X_NDJSON", "encoding": "utf-8"}


class _Stop(Exception):
    """This load ends here, with this outcome."""

    def __init__(self, status: Status, message: str, *, stopped: bool = False, refused: bool = False) -> None:
        super().__init__(message)
        self.status, self.stopped, self.refused = status, stopped, refused


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
        self.change, self.context = change, context
        self.address, self.datamart_id = change.address, change.datamart_id
        definition = definition_of(change)
        self.source = replace(definition, compartments={k: ids[k] for k in definition.compartments})
        self.scan: Scan | None = None
        self.view = LoadView(())
        self.imports: dict[str, tuple[str, ...]] = {}  # ids by name, of everything ever listed
        self.unsent: set[str] = (
            set()
        )  # names under which nobody can have sent: created, or proven bare, in this run
        self.errors: list[str] = []
        self._lock = threading.Lock()

    # -- the whole ------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        journal = self.context.journal
        try:
            self._prepare()
            self._steps()
            outcome = self._outcome(protocol.status(self.view), "; ".join(dict.fromkeys(self.errors)))
        except _Stop as e:
            outcome = self._outcome(e.status, str(e), stopped=e.stopped, refused=e.refused)
        except ReadFailed as e:
            outcome = self._outcome(Status.UNKNOWN if self._sent() else Status.FAILED, str(e))
        except ReconcilerError as e:
            outcome = self._outcome(Status.FAILED, str(e))
        journal.note(self.address, "load", outcome.status.value, **outcome.counts)
        return outcome

    def _steps(self) -> None:
        for _ in itertools.count():
            step = protocol.next_step(self.view)
            if self.context.stopping() and not isinstance(step, protocol.Finish | protocol.Follow):
                raise _Stop(
                    Status.UNKNOWN if self._sent() else Status.SKIPPED,
                    "the run was interrupted; run it again to go on",
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
                case protocol.Seal(ok=ok, failed=failed):
                    self._seal(ok, failed)
                case protocol.Finish():
                    return

    def _outcome(
        self, status: Status, message: str, *, stopped: bool = False, refused: bool = False
    ) -> Outcome:
        counts: dict[str, int] = {}
        if self.scan is not None:
            ok, failed = protocol.totals(self.view)
            sent = sum(c.lines for c in self.view.chunks if c.executions)
            counts = {
                "read": self.scan.lines,
                "rejected": self.scan.rejected,
                "sent": sent,
                "succeeded": ok,
                "failed": failed,
                "not_processed": self.scan.sent - ok - failed,
            }
            if status is Status.PARTIAL and not message:
                message = f"{failed:,} of {self.scan.sent:,} lines failed"
        return Outcome(
            self.address,
            status,
            self.change.actions[0],
            message,
            counts=counts,
            stopped=stopped,
            refused=refused,
        )

    def _sent(self) -> bool:
        return any(c.executions for c in self.view.chunks)

    # -- what is there --------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Scan, observe, decide again, and require that it is what was reviewed (G2)."""
        scan = scan_source(self.context.root, self.source)
        self.scan = scan
        if scan.source_digest != self.change.source_digest:
            raise _Stop(
                Status.FAILED,
                "the source changed since it was planned; nothing was sent. Plan again",
                refused=True,
            )
        digest = load_digest(scan.source_digest, self.source.compartments)
        if digest is None or (self.change.load_digest is not None and digest != self.change.load_digest):
            raise _Stop(
                Status.FAILED,
                "a compartment of this load changed since it was planned; nothing was sent",
                refused=True,
            )
        found = generations(self._list_imports_for_good().rows, self.source.former)
        executions = self._executions_of(found)
        decision = decide_again(
            self.change, found, executed_keys(found, executions), digest[:12], supersede=True
        )
        if decision.do is Do.NOTHING:
            raise _Stop(Status.UNCHANGED, decision.reason)
        key = decision.key
        if key is None or key.generation != self.change.generation:
            raise _Stop(
                Status.FAILED,
                f"the remote moved since it was planned: {decision.reason}; nothing was sent",
                refused=True,
            )
        self._fit(next((g for g in found if g.key == key), None), key, executions)
        self.earlier = _earlier(found, key)
        self.decision = decision
        chunks = self.scan.chunks if self.scan else ()
        self.context.progress.start(self.address, len(chunks), scan.sent, scan.bytes)

    def _list_imports(self) -> Listing[Import]:
        listing = resources.imports(self.context.writer, self.datamart_id)
        if isinstance(listing, Listed):
            by_name: dict[str, set[str]] = {}
            for row in listing.rows:
                by_name.setdefault(row.name, set()).add(row.id)
            with self._lock:
                for name, ids in by_name.items():
                    self.imports[name] = tuple(sorted({*self.imports.get(name, ()), *ids}, key=number))
        return listing

    def _list_imports_for_good(self) -> Listed[Import]:
        """A listing from which absence may be concluded: writes of earlier runs can no longer appear."""
        last: list[Listed[Import]] = []

        def keep(rows: tuple[Import, ...]) -> None:
            last[:] = [Listed(rows)]

        if self.context.grace.settle > 0:
            self.context.progress.say(
                self.address,
                f"no settled last run is on record; watching the list for {self.context.grace.settle:g} s",
            )
        result = seek(self._list_imports, keep, self.context.grace.absence(), self.context.clock)
        if isinstance(result, Unlisted):
            raise _Stop(
                Status.FAILED,
                f"could not list the document imports: {result.reason}",
                stopped=result.unauthorized,
            )
        # The union of all listings: a lagging one may have missed what another showed.
        return (
            Listed(tuple(Import(i, name) for name, ids in self.imports.items() for i in ids))
            if last
            else Listed(())
        )

    def _executions_of(self, found: Sequence[Generation]) -> dict[str, Listing[Execution]]:
        """Executions of open generations, each by a listing from which absence may be concluded."""
        ids = [i for g in open_generations(found) for i in g.import_ids]
        results = dict(zip(ids, self.context.io.map(self._executions_for_good, ids), strict=True))
        for result in results.values():
            if isinstance(result, Unlisted):
                raise _Stop(
                    Status.FAILED, f"could not list executions: {result.reason}", stopped=result.unauthorized
                )
        return results

    def _executions_for_good(self, import_id: str) -> Listing[Execution]:
        found = seek(
            lambda: resources.executions(self.context.writer, self.datamart_id, import_id),
            lambda rows: rows or None,
            self.context.grace.absence(),
            self.context.clock,
        )
        return found if isinstance(found, Unlisted) else Listed(found or ())

    def _fit(
        self, existing: Generation | None, key: LoadKey, executions: Mapping[str, Listing[Execution]]
    ) -> None:
        """Cut as the remote's names say, require every chunk to match, and build the view."""
        scan = self.scan
        assert scan is not None  # noqa: S101 - set by the caller
        names = list(existing.chunks) if existing else []
        if existing and names:
            sent = {n for n in names if any(_rows(executions.get(i)) for i in existing.chunks[n])}
            model = min(sent or names, key=lambda n: (n.max_bytes, n.count))
            if model.max_bytes != self.source.max_bytes:
                self.source = replace(self.source, max_bytes=model.max_bytes)
                scan = self.scan = scan_source(self.context.root, self.source)
            names = [n for n in names if (n.max_bytes, n.count) == (model.max_bytes, model.count)]
            by_index = {c.index: c for c in scan.chunks}
            if model.count != len(scan.chunks) or any(
                by_index[n.index].chunk12 != n.chunk12 for n in names if n.index in by_index
            ):
                raise _Stop(
                    Status.FAILED,
                    f"g{key.generation} on the remote was cut from other bytes; nothing was sent. --reload starts a new one",
                    refused=True,
                )
        self.key = key
        self.unsent |= {
            str(n)
            for n in names
            if existing and not any(_rows(executions.get(i)) for i in existing.chunks[n])
        }
        refused = self.context.journal.refused(self.datamart_id)
        views = []
        for chunk in scan.chunks:
            mine = [n for n in names if n.index == chunk.index]
            attempt = max((n.attempt for n in mine), default=1)
            ids = [i for n in mine if n.attempt == attempt and existing for i in existing.chunks[n]]
            rows = tuple(e for i in ids for e in _rows(executions.get(i)))
            views.append(
                ChunkView(
                    chunk.index,
                    chunk.lines,
                    attempt,
                    bool(ids),
                    rows,
                    refused=str(self._name(chunk, attempt)) in refused,
                )
            )
        self.view = LoadView(
            tuple(views), strict=self.source.ordering == "strict", follow=self.context.follow
        )
        for index in protocol.retries(
            self.view, replay_safe=scan.replay_safe, resend=frozenset(self.change.resend)
        ):
            view = self._view_of(index)
            self._update(index, attempt=view.attempt + 1, seen=False, executions=(), refused=False)

    def _name(self, chunk: Chunk, attempt: int) -> ChunkName:
        count = len(self.scan.chunks) if self.scan else 0
        return ChunkName(self.key, self.source.max_bytes, chunk.index, count, chunk.chunk12, attempt)

    def _chunk(self, index: int) -> Chunk:
        assert self.scan is not None  # noqa: S101 - prepared
        return self.scan.chunks[index - 1]

    def _view_of(self, index: int) -> ChunkView:
        return self.view.chunks[index - 1]

    def _update(self, index: int, **fields: object) -> None:
        new = replace(self._view_of(index), **fields)  # type: ignore[arg-type]
        self.view = replace(
            self.view, chunks=(*self.view.chunks[: index - 1], new, *self.view.chunks[index:])
        )

    def _name_of(self, index: int) -> str:
        return str(self._name(self._chunk(index), self._view_of(index).attempt))

    # -- steps ----------------------------------------------------------------------------------------------------

    def _create(self, indices: Sequence[int]) -> None:
        names = {self._name_of(i): i for i in indices}
        results = dict(zip(names, self.context.io.map(self._create_import, names), strict=True))
        for name, result in results.items():
            match result:
                case Done():
                    self.unsent.add(name)
                    self._update(names[name], seen=True)
                case Failed(message=message, stopped=stopped):
                    raise _Stop(
                        Status.FAILED, f"could not create a document import: {message}", stopped=stopped
                    )
                case Unknown(message=message):
                    self.errors.append(message)
                    self._update(names[name], unclear=True)

    def _create_import(self, name: str, *, shown: bool = False) -> Done[str] | Failed | Unknown:
        if self.context.stopping():
            return Unknown("the run was interrupted; run it again to go on")
        self.context.journal.note(self.address, "import", "intent", name=name)

        def send() -> Answer:
            answer = self.context.writer.send(
                "POST", paths.imports(self.datamart_id), {**NEW_IMPORT, "name": name}
            )
            if answer.verdict is Verdict.DONE and answer.data and answer.data.get("name", name) != name:
                return Answer(
                    Verdict.REFUSED, "the remote stored the import under another name than the one sent"
                )
            return answer

        # The manifest step shows all chunks in one listing; there only an unclear answer has to look here.
        result = create_once(
            send,
            self._list_imports,
            lambda _: self.imports.get(name),
            self.context.settle,
            self.context.clock,
            shown=shown,
        )
        state = type(result).__name__.lower()
        self.context.journal.note(self.address, "import", state, name=name)
        return Done(name) if isinstance(result, Done) else result

    def _see_manifest(self) -> None:
        wanted = {self._name_of(c.index) for c in self.view.chunks}

        def all_there(rows: tuple[Import, ...]) -> bool | None:
            return True if wanted <= {r.name for r in rows} else None

        seen = confirm(self._list_imports, all_there, self.context.settle, self.context.clock)
        if seen is None:
            raise _Stop(
                Status.UNKNOWN,
                f"not all {len(wanted)} imports showed in one listing within {self.context.settle:g} s; nothing was sent",
            )
        if isinstance(seen, Unlisted):
            raise _Stop(
                Status.UNKNOWN,
                f"could not list the document imports: {seen.reason}; nothing was sent",
                stopped=seen.unauthorized,
            )
        self.view = replace(self.view, manifest_seen=True)

    def _await_earlier(self) -> None:
        ids = {i: g for g in self.earlier for i in g.import_ids}
        deadline, pause = self.context.clock.now() + self.context.follow_timeout, self.context.poll
        while True:
            live = []
            for import_id, rows in zip(ids, self.context.io.map(self._list_executions, ids), strict=True):
                for execution in rows:
                    if phase(execution) is Phase.PENDING and self.decision.superseded is not None:
                        self._cancel(import_id, execution)
                    if phase(execution) not in TERMINAL:
                        live.append(execution)
            if not live:
                self.view = replace(self.view, earlier_terminal=True)
                return
            if self.context.clock.now() > deadline or self.context.stopping():
                raise _Stop(
                    Status.UNKNOWN,
                    f"{len(live)} executions of an earlier generation are still running; nothing was sent",
                )
            self.context.clock.sleep(pause)
            pause = min(pause * 1.5, 5.0)

    def _list_executions(self, import_id: str) -> tuple[Execution, ...]:
        listing = resources.executions(self.context.writer, self.datamart_id, import_id)
        if isinstance(listing, Unlisted):
            raise _Stop(
                Status.UNKNOWN, f"could not list executions: {listing.reason}", stopped=listing.unauthorized
            )
        return listing.rows

    def _cancel(self, import_id: str, execution: Execution) -> None:
        self.context.journal.note(self.address, "cancel", "intent", execution=execution.id)
        answer = self.context.writer.send(
            "POST", paths.execution_action(self.datamart_id, import_id, execution.id), {"action": "CANCEL"}
        )
        self.context.journal.note(self.address, "cancel", answer.verdict.value, execution=execution.id)

    def _send(self, indices: Sequence[int]) -> None:
        futures: dict[int, Future[tuple[Answer, tuple[Execution, ...]]]] = {
            i: self.context.io.submit(self._send_one, i) for i in indices
        }
        stop: _Stop | None = None
        for index, future in futures.items():
            try:
                answer, executions = future.result()
            except _Stop as e:
                stop = e
                continue
            if executions:
                self._update(index, executions=executions)
                chunk = self._chunk(index)
                self.context.progress.advance(self.address, "sent", 1, chunk.lines, chunk.size)
            elif answer.verdict is Verdict.REFUSED:
                self.errors.append(answer.message)
                self._update(index, refused=True)
            elif answer.verdict is Verdict.UNAUTHORIZED:
                self.context.stop()
                stop = _Stop(Status.FAILED, answer.message, stopped=True)
            elif answer.verdict is Verdict.WITHHELD and not self.context.stopping():
                stop = _Stop(Status.FAILED, answer.message, refused=True)
            else:
                self.errors.append(answer.message)
                self._update(index, unclear=True)
        if stop is not None:
            if self._sent() and not stop.refused:
                stop.status = Status.UNKNOWN
            raise stop

    def _send_one(self, index: int) -> tuple[Answer, tuple[Execution, ...]]:
        """Send one chunk, at most once as far as can be known; its last answer, and its executions if it has any."""
        name = self._name_of(index)
        import_ids = self.imports.get(name, ())
        if name not in self.unsent and (
            there := self._seek_executions(import_ids, self.context.grace.absence())
        ):
            return Answer(Verdict.DONE, "sent before"), there
        tried = unsent = 0
        while True:
            if self.context.stopping():
                return Answer(Verdict.WITHHELD, "the run was interrupted; run it again to go on"), ()
            self.context.journal.note(self.address, "upload", "intent", name=name)
            answer = self._upload(self._job(index, name, import_ids[0]))
            ended = self.context.clock.now()
            self.context.journal.note(self.address, "upload", answer.verdict.value, name=name)
            tried += 1
            if answer.verdict is Verdict.DONE and answer.data and "id" in answer.data:
                return answer, (
                    resources.execution({"status": "PENDING", **answer.data, "id": str(answer.data["id"])}),
                )
            if answer.verdict is Verdict.REFUSED:
                self.context.journal.refuse(self.datamart_id, name)
            if answer.verdict in (Verdict.REFUSED, Verdict.UNAUTHORIZED, Verdict.WITHHELD):
                return answer, ()
            if answer.verdict is Verdict.NOT_SENT:
                unsent += 1
                if unsent >= NOT_SENT_TRIES:
                    return answer, ()
            elif there := self._seek_executions(import_ids, Absence(ended, self.context.settle)):
                return answer, there
            elif tried - unsent >= TRIES:
                return answer, ()
            self.context.clock.sleep(pause_before_retry(answer, tried))

    def _seek_executions(self, import_ids: Iterable[str], absence: Absence) -> tuple[Execution, ...]:
        """Executions under these imports; empty if their absence is proven.

        Raises:
            _Stop: it could not be settled.
        """
        everything: list[Execution] = []
        for import_id in import_ids:
            found = seek(
                lambda i=import_id: resources.executions(self.context.writer, self.datamart_id, i),  # type: ignore[misc]
                lambda rows: rows or None,
                absence,
                self.context.clock,
            )
            if isinstance(found, Unlisted):
                raise _Stop(
                    Status.UNKNOWN,
                    f"an upload got no clear answer, and executions could not be listed: {found.reason}",
                    stopped=found.unauthorized,
                )
            everything += found or ()
        return tuple(everything)

    def _job(self, index: int, name: str, import_id: str) -> Job:
        assert self.scan is not None  # noqa: S101 - prepared
        return Job(
            name=name,
            endpoint=self.context.writer.endpoint,
            path=paths.executions(self.datamart_id, import_id),
            token=self.context.token,
            root=str(self.context.root),
            files=self.scan.files,
            source=self.source,
            chunk=self._chunk(index),
            desk=self.context.desk,
            timeout=self.context.write_timeout,
        )

    def _upload(self, job: Job) -> Answer:
        try:
            return self.context.senders().submit(upload, job).result()
        except BrokenProcessPool:
            return Answer(Verdict.UNCLEAR, "a sending process ended unexpectedly")

    def _follow(self, indices: Sequence[int]) -> None:
        deadline, pause = self.context.clock.now() + self.context.follow_timeout, self.context.poll
        waiting = set(indices)
        failures: Unlisted | None = None
        while waiting:
            ordered = sorted(waiting)
            for index, listings in zip(ordered, self.context.io.map(self._look, ordered), strict=True):
                failures = next((x for x in listings if isinstance(x, Unlisted)), None)
                if failures is not None and failures.unauthorized:
                    raise _Stop(Status.UNKNOWN, failures.reason, stopped=True)
                if failures is None and self._settled(
                    index, [e for x in listings if isinstance(x, Listed) for e in x.rows]
                ):
                    waiting.discard(index)
            if waiting and (self.context.clock.now() > deadline or self.context.stopping()):
                reason = (
                    failures.reason if failures else f"not ended within {self.context.follow_timeout:g} s"
                )
                self.errors.append(
                    "interrupted while following"
                    if self.context.stopping()
                    else f"{len(waiting)} executions: {reason}"
                )
                for index in waiting:
                    self._update(index, unclear=True)
                return
            if waiting:
                self.context.clock.sleep(pause)
                pause = min(pause * 1.3, 5.0)

    def _look(self, index: int) -> list[Listing[Execution]]:
        ids = self.imports.get(self._name_of(index), ())
        return [resources.executions(self.context.writer, self.datamart_id, i) for i in ids]

    def _settled(self, index: int, rows: Sequence[Execution]) -> bool:
        """Merge what was listed; True once every execution of the chunk is listed and terminal."""
        known = {e.id: e for e in self._view_of(index).executions}
        listed = {e.id for e in rows}
        merged = tuple((known | {e.id: e for e in rows}).values())
        self._update(index, executions=merged)
        for execution in surplus(merged):
            for import_id in self.imports.get(self._name_of(index), ()):
                self._cancel(import_id, execution)
        if not set(known) <= listed or any(phase(e) not in TERMINAL for e in merged):
            return False
        chunk, keep = self._chunk(index), kept(merged)
        if keep is not None and keep.error:
            self.errors.append(f"chunk {index}: {mask(keep.error)}")
        if keep is not None and phase(keep) is Phase.FAILED and not keep.error:
            self.errors.append(f"chunk {index} ended {keep.status}")
        if len(merged) > 1:
            self.errors.append(
                f"chunk {index} has {len(merged)} executions under one import; {keep.id if keep else '?'} is kept"
            )
        self.context.progress.advance(self.address, "done", 1, chunk.lines, chunk.size)
        return True

    def _seal(self, ok: int, failed: int) -> None:
        name = str(SealName(self.key, ok, failed))
        result: Done[str] | Failed | Unknown = (
            Done(name) if name in self.imports else self._create_import(name, shown=True)
        )
        match result:
            case Done():
                self.view = replace(self.view, sealed=True)
            case Failed(message=message, stopped=stopped):
                raise _Stop(
                    Status.UNKNOWN,
                    f"all chunks ended, but the seal could not be created: {message}",
                    stopped=stopped,
                )
            case Unknown(message=message):
                raise _Stop(Status.UNKNOWN, f"all chunks ended, but the seal was not seen: {message}")


def _rows(listing: Listing[Execution] | None) -> tuple[Execution, ...]:
    return listing.rows if isinstance(listing, Listed) else ()


def _earlier(found: Sequence[Generation], key: LoadKey) -> list[Generation]:
    """Open generations before this one, down to a sealed one: what still runs there must end first."""
    before = [g for g in open_generations([g for g in found if g.key != key]) if g.number <= key.generation]
    return [g for g in before if g.chunks]
