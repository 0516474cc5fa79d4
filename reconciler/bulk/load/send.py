"""Send one chunk at most once, as far as can be known: send, and when the answer proves nothing, look before deciding."""

from concurrent.futures.process import BrokenProcessPool

from reconciler.api.answers import Answer, Verdict
from reconciler.api.writes import NOT_SENT_TRIES, TRIES, pause_before_retry
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings
from reconciler.bulk.upload.job import Job, upload
from reconciler.kinds import paths
from reconciler.model.absence import Absence
from reconciler.model.load import Chunk, Scan
from reconciler.model.remote import Execution
from reconciler.model.source import SourceDefinition

# Bytes of a load. To make so few takes a thread less time than a process takes to begin.
IN_PROCESS_MAX_BYTES = 2_000_000


class ChunkSender:
    """Sends the chunks of one load."""

    def __init__(
        self, context: Context, listings: LoadListings, source: SourceDefinition, scan: Scan
    ) -> None:
        self.context, self.listings, self.source, self.scan = context, listings, source, scan

    def send(self, name: str, chunk: Chunk, *, proven_unsent: bool) -> tuple[Answer, tuple[Execution, ...]]:
        """Send one chunk; its last answer, and its executions if it has any.

        Raises:
            LoadStopped: whether it was sent could not be settled.
        """
        context, address, datamart_id = self.context, self.listings.address, self.listings.datamart_id
        import_ids = self.listings.imports.get(name, ())
        if not proven_unsent and (
            there := self.listings.find_executions(import_ids, context.visibility.absence())
        ):
            return Answer(Verdict.DONE, "sent before"), there
        tried = unsent = 0
        while True:
            if context.stopping():
                return Answer(
                    Verdict.WITHHELD, "the run was interrupted; run the same command again to continue"
                ), ()
            context.journal.note(address, "upload", "intent", name=name)
            answer = self._upload(self._job(name, chunk, import_ids[0]))
            ended = context.clock.now()
            context.journal.note(address, "upload", answer.verdict.value, name=name)
            tried += 1
            if answer.verdict is Verdict.DONE and answer.data and "id" in answer.data:
                return answer, (Execution(str(answer.data["id"]), "PENDING"),)  # its listing says the rest
            if answer.verdict is Verdict.REFUSED:
                context.journal.refuse(datamart_id, name)
            if answer.verdict in (Verdict.REFUSED, Verdict.UNAUTHORIZED, Verdict.WITHHELD):
                return answer, ()
            # Even with `settle: 0` a request that was cut off may still be in a queue on the way.
            context.clock.sleep(pause_before_retry(answer, tried))
            if answer.verdict is Verdict.NOT_SENT:
                unsent += 1
                if unsent >= NOT_SENT_TRIES:
                    return answer, ()
            elif there := self.listings.find_executions(import_ids, Absence(ended, context.settle)):
                return answer, there
            elif tried - unsent >= TRIES:
                return answer, ()

    def _job(self, name: str, chunk: Chunk, import_id: str) -> Job:
        return Job(
            name=name,
            endpoint=self.context.writer.endpoint,
            path=paths.executions(self.listings.datamart_id, import_id),
            token=self.context.token,
            root=str(self.context.root),
            files=self.scan.files,
            source=self.source,
            chunk=chunk,
            gate=self.context.gate,
            timeout=self.context.write_timeout,
        )

    def _upload(self, job: Job) -> Answer:
        """In this thread where the bytes stand in the source just so, or are few; else in a process, which makes them."""
        here = job.chunk.verbatim or self.scan.bytes <= IN_PROCESS_MAX_BYTES
        with self.context.pace.slot():
            try:
                answer = upload(job) if here else self.context.senders().submit(upload, job).result()
            except BrokenProcessPool:
                return Answer(Verdict.UNCLEAR, "an upload process ended unexpectedly")
        self.context.pace.answered(answer.status, answer.retry_after)
        return answer
