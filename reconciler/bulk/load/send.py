"""Send one chunk at most once, as far as can be known: send, and when the answer proves nothing, look before deciding."""

import threading

from reconciler.api.answers import Answer, Verdict
from reconciler.api.observer import observed
from reconciler.api.write_policy import Seen, Write
from reconciler.api.writes import Done, Eyes, Failed, Result, Sight, carry_out
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings
from reconciler.bulk.upload.job import Job, upload
from reconciler.bulk.upload.senders import SenderLost
from reconciler.kinds import paths
from reconciler.model.absence import Absence
from reconciler.model.load import Chunk, Scan
from reconciler.model.remote import Execution
from reconciler.model.source import SourceDefinition

# Of chunks that were not tried because another one could not be sent.
HALTED = "the load stopped before this chunk was sent"


def _new_execution(answer: Answer) -> tuple[Execution, ...] | None:
    """The execution that an upload's answer names; its listing says the rest."""
    if not answer.data or "id" not in answer.data:
        return None
    return (Execution(str(answer.data["id"]), "PENDING"),)


class ChunkSender:
    """Sends the chunks of one load."""

    def __init__(
        self, context: Context, listings: LoadListings, source: SourceDefinition, scan: Scan
    ) -> None:
        self.context, self.listings, self.source, self.scan = context, listings, source, scan
        self._halted = threading.Event()  # nothing happened to a chunk, and nothing would to the others

    def send(self, name: str, chunk: Chunk, *, proven_unsent: bool) -> Result[tuple[Execution, ...]]:
        """Send one chunk: its executions, or why it has none.

        Raises:
            LoadStopped: whether it was sent could not be settled.
        """
        context = self.context
        import_ids = self.listings.imports.get(name, ())
        if not proven_unsent and (
            there := self.listings.find_executions(
                import_ids, context.visibility.absence(self.listings.address)
            )
        ):
            return Done(there)

        def look(absence: Absence) -> Sight[tuple[Execution, ...]]:
            found = self.listings.find_executions(import_ids, absence)
            return Sight(Seen.THERE, row=found) if found else Sight(Seen.NOT_YET)

        result = carry_out(
            Write.UPLOAD,
            lambda: self._send(name, chunk, import_ids[0]),
            Eyes(lambda: look(Absence(context.clock.now(), context.settle)), look),
            context.settle,
            context.clock,
            retrying=context.writer.retrying(
                "POST", paths.executions(self.listings.datamart_id, import_ids[0])
            ),
            trust=_new_execution,
        )
        if isinstance(result, Failed) and result.verdict is not Verdict.CONTENT:
            self._halted.set()
        return result

    def _send(self, name: str, chunk: Chunk, import_id: str) -> Answer:
        context = self.context
        if context.stopping():
            return Answer(Verdict.WITHHELD, "the run was interrupted; run the same command again to continue")
        if self._halted.is_set():
            return Answer(Verdict.WITHHELD, HALTED)
        context.journal.note(self.listings.address, "upload", "intent", name=name)
        answer = self._upload(self._job(name, chunk, import_id))
        context.journal.note(self.listings.address, "upload", answer.verdict.value, name=name)
        if answer.verdict is Verdict.CONTENT:
            context.journal.refuse(self.listings.datamart_id, name)
        return answer

    def _job(self, name: str, chunk: Chunk, import_id: str) -> Job:
        return Job(
            name=name,
            origin=self.context.writer.origin,
            path=paths.executions(self.listings.datamart_id, import_id),
            token=self.context.token,
            root=str(self.context.root),
            files=self.scan.files,
            source=self.source,
            chunk=chunk,
            timeout=self.context.write_timeout,
            limited=self.context.gate.limited,
        )

    def _upload(self, job: Job) -> Answer:
        """By the senders where they take it, else in this thread."""
        senders = self.context.senders()
        observer = self.context.writer.observer
        about, silence = (self.listings.address, job.chunk.index), self.context.writer.silence
        with self.context.pace.slot(), observed(observer, "POST", job.path, *about) as exchange:
            begun = silence.now()
            try:
                answer = (
                    senders.send(job)
                    if senders.takes(job, self.scan.bytes)
                    else upload(job, self.context.gate.may_commit, self.context.gate.next_share)
                )
            except SenderLost as e:
                exchange.failure = str(e)
                return Answer(Verdict.UNCLEAR, exchange.failure)
            exchange.status = answer.status
            if answer.status is None:
                exchange.failure = (
                    "not finished" if answer.verdict is Verdict.WITHHELD else "no complete answer"
                )
        if answer.status is not None:
            silence.ended()
        elif answer.verdict is not Verdict.WITHHELD:
            silence.lasts(begun)
        self.context.pace.answered(answer.status, answer.retry_after)
        return answer
